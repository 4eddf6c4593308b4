"""All pairs of a set of embeddings, in blocks: no matrix of all pairs is held."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from likewise.comparator import Comparator
from likewise.errors import BadDistance, SplitError
from likewise.metrics import verification
from likewise.metrics.accepted import Accepted, tallies
from likewise.metrics.tally import Tally
from likewise.rates import ErrorRates
from likewise.results import Mistake
from likewise.shapes import Array, Bool, Float, Int, Shaped
from likewise.types import Claim

_BLOCK_ELEMENTS = 4_000_000


@runtime_checkable
class Compared(Protocol):
    """Pairs of embeddings that rates are measured on, whichever pairs they are.

    Attributes:
        vectors: The embeddings.
        names: Of the units that are never torn apart: identities, or components of listed pairs.
        counts: How many same and how many different pairs.
    """

    @property
    def vectors(self) -> Float[Array, "n dim"]:
        """The embeddings."""

    @property
    def names(self) -> Shaped[Array, "units"]:
        """Of the units that are never torn apart."""

    @property
    def counts(self) -> tuple[int, int]:
        """How many same and how many different pairs."""

    def trials(self, claim: Claim) -> tuple[int, str, float, float]:
        """How many units, what they are called, independent same and different trials."""

    def among(self, units: Bool[Array, "units"], claim: Claim) -> "Compared":
        """The pairs whose both items are of these units, of as many as `trials` counts."""

    def spread(self) -> verification.Spread:
        """The histograms of all distances."""

    def inside(self, wanted: Sequence[int]) -> Mapping[int, tuple[Array, Array, Array]]:
        """The distances that fall in these bins, with their weights as same and as different."""

    def tallies(self, thresholds: Sequence[float], claim: Claim) -> list[tuple[Tally, Tally]]:
        """What each threshold decided: of different pairs (FAR) and of same pairs (FRR)."""

    def rates(self, thresholds: Sequence[float], claim: Claim) -> list[ErrorRates]:
        """Both error rates at each threshold, with intervals."""

    def mistakes(self, threshold: float, most: int) -> tuple[tuple[Mistake, ...], dict[str, float]]:
        """The worst wrong decisions of both sorts, and the share of wrong pairs a unit."""


@dataclass(frozen=True)
class Comparisons:
    """All pairs of a set of embeddings, compared block by block.

    Attributes:
        vectors: Sorted by identity.
        codes: The identity of each row, 0 to identities - 1, ascending.
        rows: Where each row stood before sorting.
        names: The identity of each code.
        distance: What compares them: a distance or a matcher.
    """

    vectors: Float[Array, "n dim"]
    codes: Int[Array, "n"]
    rows: Int[Array, "n"]
    names: Shaped[Array, "identities"]
    distance: Comparator

    @classmethod
    def of(
        cls, vectors: Float[Array, "n dim"], identities: Shaped[Array, "n"], distance: Comparator
    ) -> "Comparisons":
        """Sort embeddings by identity.

        Raises:
            SplitError: If there are not two identities, or none has two items.
        """
        names, codes = np.unique(identities, return_inverse=True)
        sizes = np.bincount(codes, minlength=len(names))
        if len(names) < 2 or not (sizes >= 2).any():
            raise SplitError(
                f"{len(names)} identities, of which {int((sizes >= 2).sum())} have two items or "
                "more: two identities and one with two items are the least that error rates can "
                "be measured on. Give more items."
            )
        order = np.argsort(codes, kind="stable")
        return cls(vectors[order], codes[order], order, names, distance)

    def blocks(self) -> Iterator[tuple[slice, Float[Array, "rows m"]]]:
        """Some rows at a time, with their distances to themselves and to all rows after them.

        Raises:
            BadDistance: If a distance is not a number.
        """
        start, count = 0, len(self.vectors)
        while start < count:
            step = max(1, _BLOCK_ELEMENTS // (count - start))
            part = slice(start, min(start + step, count))
            distances = self.distance.matrix(self.vectors[part], self.vectors[start:])
            # A matcher may find an item unlike itself.
            np.fill_diagonal(distances, 0.0)
            if np.isnan(distances.max()):
                self._refuse(part, distances)
            yield part, distances
            start = part.stop

    def _refuse(self, part: slice, distances: Float[Array, "rows m"]) -> None:
        row, column = np.argwhere(np.isnan(distances))[0] + part.start
        ends = " and ".join(
            f"item {self.rows[i] + 1} (of {str(self.names[self.codes[i]])!r})"
            for i in (row, column)
        )
        raise BadDistance(
            f"The distance between {ends} is not a number, and every pair needs one. Look for "
            "values that are not finite in these items or their embeddings."
        )

    @property
    def counts(self) -> tuple[int, int]:
        """How many same and how many different pairs."""
        sizes = np.bincount(self.codes).astype(np.int64)
        same, total = int((sizes * (sizes - 1) // 2).sum()), int(sizes.sum())
        return same, total * (total - 1) // 2 - same

    def among(self, units: Bool[Array, "units"], claim: Claim) -> "Comparisons":
        """The pairs whose both items are of these units, of as many as `trials` counts.

        Raises:
            SplitError: If they make no same or no different pair.
        """
        kept = units if claim is Claim.KNOWN_CLASSES else units[self.codes]
        return Comparisons.of(self.vectors[kept], self.names[self.codes[kept]], self.distance)

    def trials(self, claim: Claim) -> tuple[int, str, float, float]:
        """How many units, what they are called, independent same and different trials."""
        if claim is Claim.KNOWN_CLASSES:
            return len(self.codes), "items", float(len(self.codes)), len(self.codes) / 2
        paired = float((np.bincount(self.codes) >= 2).sum())
        return len(self.names), "identities", paired, len(self.names) / 2

    def spread(self) -> verification.Spread:
        """The histograms of all distances."""
        spread = verification.Spread.empty()
        one, each = self._weights()
        for part, distances in self.blocks():
            keys = verification.keys(distances)
            different = np.multiply.outer(each[part], each[part.start :])
            # Beyond the last identity of these rows all pairs are different.
            alike, upper = self._head(part)
            head = slice(0, alike.shape[1])
            different[:, head][alike | ~upper] = 0.0
            spread.different[:] += verification.counted(keys, different)
            same = np.where(alike & upper, one[part][:, None], 0.0)
            spread.same[:] += verification.counted(keys[:, head], same)
        return spread

    def _weights(self) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
        """What a same pair of each item weighs; what two items weigh as a pair, if multiplied."""
        sizes = np.bincount(self.codes).astype(np.float64)
        count = len(sizes)
        one = 1 / ((sizes >= 2).sum() * np.maximum(sizes * (sizes - 1) / 2, 1))
        each = 1 / sizes / np.sqrt(count * (count - 1) / 2)
        return one[self.codes], each[self.codes]

    def _reach(self, part: slice) -> int:
        """Where the identity of the last of these rows ends."""
        return int(np.searchsorted(self.codes, self.codes[part.stop - 1], side="right"))

    def _head(self, part: slice) -> tuple[Bool[Array, "rows m"], Bool[Array, "rows m"]]:
        """The columns of a block in which same pairs lie: which are, and which are counted here."""
        columns = np.arange(part.start, self._reach(part))
        alike = self.codes[part][:, None] == self.codes[columns][None, :]
        return alike, columns[None, :] > np.arange(part.start, part.stop)[:, None]

    def inside(
        self, wanted: Sequence[int]
    ) -> dict[int, tuple[Float[Array, "m"], Float[Array, "m"], Float[Array, "m"]]]:
        """The distances in these bins, each once, with their weights as same and as different."""
        fine = verification.Fine.empty(wanted)
        one, each = self._weights()
        for part, distances in self.blocks():
            pairs = self._pairs(part, distances, fine.near(distances))
            same = np.where(pairs.same, one[pairs.first], 0.0)
            different = np.where(pairs.same, 0.0, each[pairs.first] * each[pairs.second])
            fine.add(pairs.distances, same, different)
        return fine.found()

    def tallies(self, thresholds: Sequence[float], claim: Claim) -> list[tuple[Tally, Tally]]:
        """What each threshold decided: of different pairs (FAR) and of same pairs (FRR)."""
        if not thresholds:
            return []
        count = len(self.codes)
        each = 1 / np.bincount(self.codes)[self.codes].astype(np.float64)
        accepted = [Accepted.none(count) for _ in thresholds]
        for part, distances in self.blocks():
            pairs = self._pairs(part, distances, distances <= max(thresholds))
            # Each threshold's pairs are among those of the next larger one.
            for index in np.argsort(thresholds)[::-1]:
                pairs = pairs.among(pairs.distances <= thresholds[index])
                accepted[index].add(pairs.first, pairs.second, pairs.same, each)
        return [tallies(one, self.codes, claim) for one in accepted]

    def _pairs(
        self, part: slice, distances: Float[Array, "rows m"], which: Bool[Array, "rows m"]
    ) -> "_Found":
        """These pairs of a block, each once."""
        first, second = np.nonzero(which)
        once = second > first
        first, second = first[once], second[once]
        apart = distances[first, second]
        first, second = first + part.start, second + part.start
        return _Found(first, second, apart, self.codes[first] == self.codes[second])

    def _same_beyond(self, part: slice, distances: Float[Array, "rows m"], most: float) -> "_Found":
        """The same pairs of a block that are farther apart than this, each once."""
        alike, upper = self._head(part)
        head = distances[:, : alike.shape[1]]
        return self._pairs(part, head, alike & upper & (head > most))

    def rates(self, thresholds: Sequence[float], claim: Claim) -> list[ErrorRates]:
        """Both error rates at each threshold, with intervals."""
        return [ErrorRates(far.rate(), frr.rate()) for far, frr in self.tallies(thresholds, claim)]

    def mistakes(self, threshold: float, most: int) -> tuple[tuple[Mistake, ...], dict[str, float]]:
        """The worst wrong decisions of both sorts, and the share of wrong pairs an identity."""
        wrong = np.zeros(len(self.names))
        worst: list[Mistake] = []
        for part, distances in self.blocks():
            near = self._pairs(part, distances, distances <= threshold)
            for bad in (near.among(~near.same), self._same_beyond(part, distances, threshold)):
                for end in (bad.first, bad.second):
                    wrong += np.bincount(self.codes[end], minlength=len(wrong))
                worst += bad.worst(self.rows, most)
            worst = _first(worst, most)
        each = np.bincount(self.codes) * (len(self.codes) - 1)
        share = wrong / each
        shares = {str(self.names[i]): float(share[i]) for i in np.argsort(-share, kind="stable")}
        return tuple(worst), shares


@dataclass(frozen=True)
class _Found:
    """Some pairs, by their rows, and how far apart they are."""

    first: Int[Array, "m"]
    second: Int[Array, "m"]
    distances: Float[Array, "m"]
    same: Bool[Array, "m"]

    def among(self, which: Bool[Array, "m"]) -> "_Found":
        """Those of them."""
        kept = (self.first[which], self.second[which], self.distances[which], self.same[which])
        return _Found(*kept)

    def worst(self, rows: Int[Array, "n"], most: int) -> list[Mistake]:
        """The nearest of different pairs, the farthest of same pairs."""
        order = np.argsort(np.where(self.same, -1, 1) * self.distances, kind="stable")[:most]
        return [
            Mistake(
                int(rows[self.first[i]]),
                int(rows[self.second[i]]),
                bool(self.same[i]),
                float(self.distances[i]),
            )
            for i in order
        ]


def _first(mistakes: list[Mistake], most: int) -> list[Mistake]:
    accepts = sorted((m for m in mistakes if not m.same), key=lambda m: m.distance)[:most]
    rejects = sorted((m for m in mistakes if m.same), key=lambda m: -m.distance)[:most]
    return accepts + rejects
