"""The pairs that a source listed, compared: what nobody listed is not taken for different."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from likewise.distances.comparator import Comparator
from likewise.errors import BadDistance, SplitError
from likewise.metrics import verification
from likewise.metrics.tally import Tally
from likewise.results import ErrorRates, Mistake
from likewise.shapes import Array, Bool, Float, Int, Shaped
from likewise.types import Claim, Items, Pairs

_BLOCK = 65_536


def pair_distances(
    vectors: Float[Any, "n dim"], items: Items, comparator: Comparator, pairs: Pairs
) -> Float[Array, "m"]:
    """How far apart the two items of each pair are.

    Raises:
        BadDistance: If a distance is not a number.
    """
    first, second = np.asarray(pairs.first), np.asarray(pairs.second)
    distances: Array = np.concatenate(
        [
            comparator.rows(vectors[first[at : at + _BLOCK]], vectors[second[at : at + _BLOCK]])
            for at in range(0, len(first), _BLOCK)
        ]
    )
    unknown = np.flatnonzero(np.isnan(distances))
    if len(unknown):
        places = items.places[[first[unknown[0]], second[unknown[0]]]]
        raise BadDistance(
            f"The distance between {places[0]} and {places[1]} is not a number, and every "
            "pair needs one. Look for values that are not finite in them or their embeddings."
        )
    return distances


@dataclass(frozen=True)
class ListedPairs:
    """Pairs that were said to be the same or different, each weighing equally.

    Attributes:
        vectors: Row for row with the items.
        first: Row of one item of each pair.
        second: Row of the other.
        same: Whether the two are the same.
        distances: How far apart they are.
        codes: The connected component that each pair is in: the trials of every interval.
        names: Of the components.
    """

    vectors: Float[Any, "n dim"]
    first: Int[Array, "m"]
    second: Int[Array, "m"]
    same: Bool[Array, "m"]
    distances: Float[Array, "m"]
    codes: Int[Array, "m"]
    names: Shaped[Array, "components"]

    @classmethod
    def of(
        cls, vectors: Float[Any, "n dim"], items: Items, comparator: Comparator
    ) -> "ListedPairs":
        """Compare the pairs of a table.

        Raises:
            SplitError: If they are not of both sorts.
            BadDistance: If a distance is not a number.
        """
        pairs = items.pairs
        same = np.asarray([] if pairs is None else pairs.same, dtype=bool)
        if pairs is None or same.all() or not same.any():
            between = 0 if pairs is None or pairs.between is None else len(pairs.between.first)
            told = f" ({between} more are graded between the two)" if between else ""
            raise SplitError(
                f"{items.namespace} lists {int(same.sum())} same and {int((~same).sum())} "
                f"different pairs{told}, and error rates need one of each at least. List more."
            )
        # Components without such a pair, as those of pairs graded between, are no trials.
        names, codes = np.unique(items.identities[np.asarray(pairs.first)], return_inverse=True)
        first, second = np.asarray(pairs.first), np.asarray(pairs.second)
        distances = pair_distances(vectors, items, comparator, pairs)
        return cls(vectors, first, second, same, distances, codes, names)

    @property
    def counts(self) -> tuple[int, int]:
        """How many same and how many different pairs."""
        return int(self.same.sum()), int((~self.same).sum())

    def among(
        self,
        units: Bool[Array, "units"],
        claim: Claim,  # noqa: ARG002 - pairs have no classes that could be known
    ) -> "ListedPairs":
        """The pairs of these components.

        Raises:
            SplitError: If they are not of both sorts.
        """
        kept = units[self.codes]
        same = self.same[kept]
        if same.all() or not same.any():
            raise SplitError(
                f"{int(units.sum())} groups of linked pairs hold {int(same.sum())} same and "
                f"{int((~same).sum())} different pairs, and one of each is needed. List more."
            )
        names, codes = np.flatnonzero(units), self.codes[kept]
        return ListedPairs(
            self.vectors,
            self.first[kept],
            self.second[kept],
            same,
            self.distances[kept],
            np.searchsorted(names, codes),
            self.names[names],
        )

    def trials(self, claim: Claim) -> tuple[int, str, float, float]:  # noqa: ARG002 - one claim fits
        """How many units, what they are called, independent same and different trials."""
        alike, apart = (len(set(self.codes[sort].tolist())) for sort in (self.same, ~self.same))
        return len(self.names), "groups of linked pairs", float(alike), float(apart)

    def spread(self) -> verification.DistanceHistograms:
        """The histograms of all distances."""
        spread = verification.DistanceHistograms.empty()
        spread.add(verification.keys(self.distances), *self._weights())
        return spread

    def _weights(self) -> tuple[Float[Array, "m"], Float[Array, "m"]]:
        alike, apart = self.counts
        return self.same / alike, ~self.same / apart

    def inside(self, wanted: Sequence[int]) -> Mapping[int, tuple[Array, Array, Array]]:
        """All pairs whose distances fall in these bins: distances, weights as same, different."""
        keys, (same, different) = verification.keys(self.distances), self._weights()
        found = {key: keys == key for key in wanted}
        return {k: (self.distances[at], same[at], different[at]) for k, at in found.items()}

    def tallies(
        self,
        thresholds: Sequence[float],
        claim: Claim,  # noqa: ARG002 - pairs have no classes that could be known
    ) -> list[tuple[Tally, Tally]]:
        """What each threshold decided: of different pairs (FAR) and of same pairs (FRR)."""
        apart, alike = self._sides
        return [
            (
                _tally(apart, self.distances[apart.rows] <= threshold),
                _tally(alike, self.distances[alike.rows] > threshold),
            )
            for threshold in thresholds
        ]

    @cached_property
    def _sides(self) -> tuple["_Side", "_Side"]:
        """The different and the same pairs by component: the same at every threshold."""
        return _Side.of(~self.same, self.codes), _Side.of(self.same, self.codes)

    def rates(self, thresholds: Sequence[float], claim: Claim) -> list[ErrorRates]:
        """Both error rates at each threshold, with intervals over the components."""
        return [ErrorRates(far.rate(), frr.rate()) for far, frr in self.tallies(thresholds, claim)]

    def mistakes(self, threshold: float, most: int) -> tuple[tuple[Mistake, ...], dict[str, float]]:
        """The worst wrong decisions of both sorts, and the share of wrong pairs a component."""
        wrong = (self.distances <= threshold) != self.same
        worst: list[Mistake] = []
        for same in (False, True):
            where = np.flatnonzero(wrong & (self.same == same))
            found = self.distances[where]
            order = where[np.argsort(-found if same else found, kind="stable")[:most]]
            worst += [
                Mistake(int(self.first[i]), int(self.second[i]), same, float(self.distances[i]))
                for i in order
            ]
        count = len(self.names)
        share = np.bincount(self.codes, wrong, count) / np.maximum(
            np.bincount(self.codes, minlength=count), 1
        )
        order = np.argsort(-share, kind="stable")
        return tuple(worst), {str(self.names[i]): float(share[i]) for i in order}


@dataclass(frozen=True, eq=False)
class _Side:
    """The pairs of one sort, component by component.

    Attributes:
        rows: Which pairs they are.
        places: The component of each, among those that have such pairs.
        trials: How many pairs each of these components has.
    """

    rows: Int[Array, "p"]
    places: Int[Array, "p"]
    trials: Float[Array, "components"]

    @classmethod
    def of(cls, sort: Bool[Array, "m"], codes: Int[Array, "m"]) -> "_Side":
        rows = np.flatnonzero(sort)
        trials = np.bincount(codes[rows])
        has = trials > 0
        # Codes are small and whole: they are renumbered without sorting them.
        return cls(rows, (np.cumsum(has) - 1)[codes[rows]], trials[has].astype(np.float64))


def _tally(side: _Side, wrong: Bool[Array, "p"]) -> Tally:
    errors = np.bincount(side.places, wrong, minlength=len(side.trials))
    total, bad = float(side.trials.sum()), float(errors.sum())
    return Tally(
        total=bad,
        weight=total,
        total_without=bad - errors,
        weight_without=total - side.trials,
        errors=round(bad),
        trials=round(total),
        independent=float(len(side.trials)),
    )
