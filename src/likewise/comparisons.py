"""All pairs of a set of embeddings, in blocks: no matrix of all pairs is held."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from likewise.comparator import Comparator
from likewise.errors import SplitError
from likewise.metrics import verification
from likewise.results import ErrorRates, Mistake
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
        """All pairs whose distances fall in these bins: distances, weights as same, different."""

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

    def blocks(self) -> Iterator[tuple[slice, Float[Array, "rows n"]]]:
        """Some rows at a time, with their distances to all items."""
        step = max(1, _BLOCK_ELEMENTS // len(self.vectors))
        for start in range(0, len(self.vectors), step):
            part = slice(start, min(start + step, len(self.vectors)))
            distances = self.distance.matrix(self.vectors[part], self.vectors)
            # A matcher may find an item unlike itself.
            np.fill_diagonal(distances[:, part], 0.0)
            yield part, distances

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

    def upper(self, part: slice) -> Bool[Array, "rows n"]:
        """Where a block holds each pair once, and no item with itself."""
        own = np.arange(part.start, part.stop)
        upper: Array = np.arange(len(self.codes))[None, :] > own[:, None]
        return upper

    def spread(self) -> verification.Spread:
        """The histograms of all distances."""
        spread = verification.Spread.empty()
        for part, distances in self.blocks():
            same, different = self._weights(part)
            spread.add(verification.keys(distances), same, different)
        return spread

    def _weights(self, part: slice) -> tuple[Float[Array, "rows n"], Float[Array, "rows n"]]:
        sizes = np.bincount(self.codes).astype(np.float64)
        count = len(sizes)
        paired = (sizes >= 2).sum()
        upper = self.upper(part)
        alike = self.codes[part][:, None] == self.codes[None, :]
        one = 1 / (paired * np.maximum(sizes * (sizes - 1) / 2, 1))
        same = np.where(alike & upper, one[self.codes][None, :], 0.0)
        scale = 1 / (count * (count - 1) / 2)
        each = 1 / sizes[self.codes]
        different = np.where(alike | ~upper, 0.0, scale * each[part][:, None] * each[None, :])
        return same, different

    def inside(
        self, wanted: Sequence[int]
    ) -> dict[int, tuple[Float[Array, "m"], Float[Array, "m"], Float[Array, "m"]]]:
        """All pairs whose distances fall in these bins: distances, weights as same, different."""
        found: dict[int, list[tuple[Array, Array, Array]]] = {key: [] for key in wanted}
        for part, distances in self.blocks():
            keys = verification.keys(distances)
            near = np.isin(keys, list(found)) & self.upper(part)
            if not near.any():
                continue
            same, different = self._weights(part)
            hit = (keys[near], distances[near], same[near], different[near])
            for key, parts in found.items():
                here = hit[0] == key
                parts.append((hit[1][here], hit[2][here], hit[3][here]))
        empty = np.zeros(0)
        return {
            key: (
                np.concatenate([p[0] for p in parts] or [empty]),
                np.concatenate([p[1] for p in parts] or [empty]),
                np.concatenate([p[2] for p in parts] or [empty]),
            )
            for key, parts in found.items()
        }

    def rates(self, thresholds: Sequence[float], claim: Claim) -> list[ErrorRates]:
        """Both error rates at each threshold, with intervals."""
        sizes = np.bincount(self.codes)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        accepted = np.zeros((len(thresholds), len(self.codes), len(sizes)), dtype=np.int32)
        for part, distances in self.blocks():
            for index, threshold in enumerate(thresholds):
                within = (distances <= threshold).view(np.uint8)
                accepted[index, part] = np.add.reduceat(within, starts, axis=1, dtype=np.int32)
        for one in accepted:
            one[np.arange(len(self.codes)), self.codes] -= 1
        return [verification.error_rates(one, self.codes, claim) for one in accepted]

    def mistakes(self, threshold: float, most: int) -> tuple[tuple[Mistake, ...], dict[str, float]]:
        """The worst wrong decisions of both sorts, and the share of wrong pairs an identity."""
        wrong = np.zeros(len(self.names))
        worst: list[Mistake] = []
        for part, distances in self.blocks():
            alike = self.codes[part][:, None] == self.codes[None, :]
            bad = (distances <= threshold) != alike
            np.fill_diagonal(bad[:, part], val=False)
            wrong += np.bincount(self.codes[part], bad.sum(1), minlength=len(self.names))
            bad &= self.upper(part)
            for same in (False, True):
                where = np.argwhere(bad & (alike == same))
                found = distances[where[:, 0], where[:, 1]]
                order = np.argsort(-found if same else found, kind="stable")[:most]
                worst += [
                    Mistake(
                        int(self.rows[part.start + where[i, 0]]),
                        int(self.rows[where[i, 1]]),
                        same,
                        float(found[i]),
                    )
                    for i in order
                ]
        accepts = sorted((m for m in worst if not m.same), key=lambda m: m.distance)[:most]
        rejects = sorted((m for m in worst if m.same), key=lambda m: -m.distance)[:most]
        each = np.bincount(self.codes) * (len(self.codes) - 1)
        share = wrong / each
        shares = {str(self.names[i]): float(share[i]) for i in np.argsort(-share, kind="stable")}
        return (*accepts, *rejects), shares
