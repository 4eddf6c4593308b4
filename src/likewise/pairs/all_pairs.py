"""All pairs of a set of embeddings, in blocks: no matrix of all pairs is held."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from likewise.distances.base import Distance
from likewise.distances.comparator import Comparator
from likewise.errors import BadDistance, SplitError
from likewise.metrics import verification
from likewise.metrics.accepted import Hits, Steps, tallies
from likewise.metrics.tally import Tally
from likewise.metrics.verification import Counted
from likewise.metrics.workers import in_order
from likewise.pairs.tiles import MeasuredPairs, Tile, accepted, pairs_in_ranges, tiles
from likewise.results import ErrorRates, Mistake
from likewise.shapes import Array, Bool, Float, Int, Shaped
from likewise.types import Claim

T = TypeVar("T")

_BLOCK_ELEMENTS = 2**20


@runtime_checkable
class PairSet(Protocol):
    """Pairs of embeddings that rates are measured on, whichever pairs they are.

    Attributes:
        vectors: The embeddings.
        names: Of the units that are never torn apart: identities, or components of listed pairs.
        counts: How many same and how many different pairs.
    """

    @property
    def vectors(self) -> Float[Any, "n dim"]:
        """The embeddings."""

    @property
    def names(self) -> Shaped[Array, "units"]:
        """Of the units that are never torn apart."""

    @property
    def counts(self) -> tuple[int, int]:
        """How many same and how many different pairs."""

    def trials(self, claim: Claim) -> tuple[int, str, float, float]:
        """How many units, what they are called, independent same and different trials."""

    def among(self, units: Bool[Array, "units"], claim: Claim) -> "PairSet":
        """The pairs whose both items are of these units, of as many as `trials` counts."""

    def spread(self) -> verification.DistanceHistograms:
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
class AllPairs:
    """All pairs of a set of embeddings, compared block by block.

    Attributes:
        vectors: What is compared of each item, sorted by identity: embeddings, or `Featured` rows.
        codes: The identity of each row, 0 to identities - 1, ascending.
        rows: Where each row stood before sorting.
        names: The identity of each code.
        distance: What compares them: a distance or a matcher.
    """

    vectors: Float[Any, "n dim"]
    codes: Int[Array, "n"]
    rows: Int[Array, "n"]
    names: Shaped[Array, "identities"]
    distance: Comparator

    @classmethod
    def of(
        cls, vectors: Float[Any, "n dim"], identities: Shaped[Array, "n"], distance: Comparator
    ) -> "AllPairs":
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

    def _each(self, work: Callable[[Tile], T]) -> Iterator[tuple[Tile, T]]:
        """What becomes of every block of the pairs, in order; distances on several cores."""
        blocks = tiles(len(self.vectors), _BLOCK_ELEMENTS)
        return in_order(work, blocks, alone=not isinstance(self.distance, Distance))

    def _apart(self, tile: Tile) -> Float[Array, "rows columns"]:
        """The distances of a block.

        Raises:
            BadDistance: If one is not a number.
        """
        distances = self.distance.matrix(self.vectors[tile.rows], self.vectors[tile.columns])
        if tile.diagonal:
            # A matcher may find an item unlike itself.
            np.fill_diagonal(distances, 0.0)
        if np.isnan(distances.max()):
            self._refuse(tile, distances)
        return distances

    def _refuse(self, tile: Tile, distances: Float[Array, "rows columns"]) -> None:
        row, column = np.argwhere(np.isnan(distances))[0]
        ends = " and ".join(
            f"item {self.rows[i] + 1} (of {str(self.names[self.codes[i]])!r})"
            for i in (row + tile.rows.start, column + tile.columns.start)
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

    def among(self, units: Bool[Array, "units"], claim: Claim) -> "AllPairs":
        """The pairs whose both items are of these units, of as many as `trials` counts.

        Raises:
            SplitError: If they make no same or no different pair.
        """
        kept = units if claim is Claim.KNOWN_CLASSES else units[self.codes]
        return AllPairs.of(self.vectors[kept], self.names[self.codes[kept]], self.distance)

    def trials(self, claim: Claim) -> tuple[int, str, float, float]:
        """How many units, what they are called, independent same and different trials."""
        if claim is Claim.KNOWN_CLASSES:
            return len(self.codes), "items", float(len(self.codes)), len(self.codes) / 2
        paired = float((np.bincount(self.codes) >= 2).sum())
        return len(self.names), "identities", paired, len(self.names) / 2

    def spread(self) -> verification.DistanceHistograms:
        """The histograms of all distances."""
        spread = verification.DistanceHistograms.empty()
        one, each = self._weights()

        def count(tile: Tile) -> tuple[Counted, Counted | None]:
            distances = self._apart(tile)
            weights = each[tile.rows], each[tile.columns]
            if not self._mixed(tile):
                return Counted.of_block(distances, *weights), None
            alike = self.codes[tile.rows][:, None] == self.codes[tile.columns][None, :]
            once = np.triu(np.ones_like(alike), 1) if tile.diagonal else np.ones_like(alike)
            first, second = np.nonzero(alike & once)
            same = Counted.of(distances[first, second], one[first + tile.rows.start])
            return Counted.of_block(distances, *weights, once & ~alike), same

        for _, (different, same) in self._each(count):
            different.into(spread.different)
            if same is not None:
                same.into(spread.same)
        return spread

    def _weights(self) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
        """What a same pair of each item weighs; what two items weigh as a pair, if multiplied."""
        sizes = np.bincount(self.codes).astype(np.float64)
        count = len(sizes)
        one = 1 / ((sizes >= 2).sum() * np.maximum(sizes * (sizes - 1) / 2, 1))
        each = 1 / sizes / np.sqrt(count * (count - 1) / 2)
        return one[self.codes], each[self.codes]

    def _mixed(self, tile: Tile) -> bool:
        """Whether a block holds same pairs, or pairs that are not counted."""
        last, first = self.codes[tile.rows.stop - 1], self.codes[tile.columns.start]
        return tile.diagonal or bool(last == first)

    def _pairs(
        self,
        tile: Tile,
        first: Int[Array, "m"],
        second: Int[Array, "m"],
        distances: Float[Array, "m"],
    ) -> MeasuredPairs:
        """These pairs of a block, by their rows among all items, each once."""
        once = tile.upper(first, second)
        first, second = first[once] + tile.rows.start, second[once] + tile.columns.start
        return MeasuredPairs(
            first, second, distances[once], self.codes[first] == self.codes[second]
        )

    def inside(
        self, wanted: Sequence[int]
    ) -> dict[int, tuple[Float[Array, "m"], Float[Array, "m"], Float[Array, "m"]]]:
        """The distances in these bins, each once, with their weights as same and as different."""
        fine = verification.Fine.empty(wanted)
        one, each = self._weights()
        ranges = verification.ranges(wanted)

        def find(tile: Tile) -> MeasuredPairs:
            rows, columns = self.vectors[tile.rows], self.vectors[tile.columns]
            found = pairs_in_ranges(self.distance, rows, columns, ranges, lambda: self._apart(tile))
            pairs = self._pairs(tile, *found)
            return pairs.among(fine.near(pairs.distances))

        for _, pairs in self._each(find):
            fine.add(
                pairs.distances,
                pairs.weights(one, each, same=True),
                pairs.weights(one, each, same=False),
            )
        return fine.found()

    def tallies(self, thresholds: Sequence[float], claim: Claim) -> list[tuple[Tally, Tally]]:
        """What each threshold decided: of different pairs (FAR) and of same pairs (FRR)."""
        if not thresholds:
            return []
        each = 1 / np.bincount(self.codes)[self.codes].astype(np.float64)
        order = np.argsort(thresholds, kind="stable")
        ascending = [thresholds[index] for index in order]

        def decide(tile: Tile) -> Hits:
            rows, columns = self.vectors[tile.rows], self.vectors[tile.columns]
            found = accepted(self.distance, rows, columns, ascending, lambda: self._apart(tile))
            if tile.diagonal:
                found = found.among(found.second > found.first)
            same = np.zeros(len(found.first), dtype=bool)
            if self._mixed(tile):
                same = self.codes[tile.rows][found.first] == self.codes[tile.columns][found.second]
            return Hits.of(found, same, (each[tile.rows], each[tile.columns]), len(ascending))

        steps = Steps(len(ascending), len(self.codes))
        for tile, hits in self._each(decide):
            steps.add(tile.rows, tile.columns, hits)
        found = dict(zip(order.tolist(), steps.accepted(), strict=True))
        return [tallies(found[index], self.codes, claim) for index in range(len(thresholds))]

    def rates(self, thresholds: Sequence[float], claim: Claim) -> list[ErrorRates]:
        """Both error rates at each threshold, with intervals."""
        return [ErrorRates(far.rate(), frr.rate()) for far, frr in self.tallies(thresholds, claim)]

    def mistakes(self, threshold: float, most: int) -> tuple[tuple[Mistake, ...], dict[str, float]]:
        """The worst wrong decisions of both sorts, and the share of wrong pairs an identity."""
        wrong = np.zeros(len(self.names))
        worst: list[Mistake] = []

        def find(tile: Tile) -> tuple[MeasuredPairs, MeasuredPairs]:
            distances = self._apart(tile)
            hits = distances <= threshold
            if self._mixed(tile):
                alike = self.codes[tile.rows][:, None] == self.codes[tile.columns][None, :]
                hits ^= alike
            first, second = np.nonzero(hits)
            bad = self._pairs(tile, first, second, distances[first, second])
            return bad.among(~bad.same), bad.among(bad.same)

        for _, both in self._each(find):
            for bad in both:
                for end in (bad.first, bad.second):
                    wrong += np.bincount(self.codes[end], minlength=len(wrong))
                worst += bad.worst(self.rows, most)
            worst = _first(worst, most)
        each = np.bincount(self.codes) * (len(self.codes) - 1)
        share = wrong / each
        shares = {str(self.names[i]): float(share[i]) for i in np.argsort(-share, kind="stable")}
        return tuple(worst), shares


def _first(mistakes: list[Mistake], most: int) -> list[Mistake]:
    accepts = sorted((m for m in mistakes if not m.same), key=lambda m: m.distance)[:most]
    rejects = sorted((m for m in mistakes if m.same), key=lambda m: -m.distance)[:most]
    return accepts + rejects
