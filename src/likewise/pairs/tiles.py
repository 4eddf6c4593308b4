"""Square blocks of all pairs of some embeddings, and which of their pairs a threshold accepts.

Where a distance can be approximated, most pairs are decided by that, and those too near to a
threshold by its definition: the decisions are those of the distance itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any, NamedTuple

import numpy as np

from likewise.distances.approximate import ApproximateDistance, bounds, exact_distances, narrow
from likewise.distances.comparator import Comparator
from likewise.results import Mistake
from likewise.shapes import Array, Bool, Float, Int

# Where more pairs than one of so many must be looked at one by one, all are compared at once.
_FEW = 64
_CELLS = 8192


class Tile(NamedTuple):
    """Some rows and some columns of the matrix of all pairs, at or above its diagonal."""

    rows: slice
    columns: slice

    @property
    def diagonal(self) -> bool:
        """Whether the rows are the columns."""
        return self.rows == self.columns

    def upper(self, first: Int[Array, "m"], second: Int[Array, "m"]) -> Bool[Array, "m"]:
        """Which of these pairs of the tile are counted here: each pair once, and none of itself."""
        return second > first if self.diagonal else np.ones(len(first), dtype=bool)


def tiles(count: int, elements: int) -> list[Tile]:
    """Blocks of about so many elements that hold every pair of so many items once."""
    side = max(1, isqrt(elements))
    parts = [slice(at, min(at + side, count)) for at in range(0, count, side)]
    return [Tile(part, other) for at, part in enumerate(parts) for other in parts[at:]]


@dataclass(frozen=True)
class MeasuredPairs:
    """Some pairs, by their rows, and how far apart they are."""

    first: Int[Array, "m"]
    second: Int[Array, "m"]
    distances: Float[Array, "m"]
    same: Bool[Array, "m"]

    def among(self, which: Bool[Array, "m"]) -> "MeasuredPairs":
        """Those of them."""
        kept = (self.first[which], self.second[which], self.distances[which], self.same[which])
        return MeasuredPairs(*kept)

    def weights(
        self, one: Float[Array, "n"], each: Float[Array, "n"], *, same: bool
    ) -> Float[Array, "m"]:
        """What they weigh as same or as different pairs; `one` and `each` of its items."""
        if same:
            return np.where(self.same, one[self.first], 0.0)
        return np.where(self.same, 0.0, each[self.first] * each[self.second])

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


class Placed(NamedTuple):
    """Pairs of a tile that a threshold accepts: row and column in it, and the first threshold."""

    first: Int[Array, "m"]
    second: Int[Array, "m"]
    place: Int[Array, "m"]

    def among(self, which: Bool[Array, "m"]) -> "Placed":
        """Those of them."""
        return Placed(self.first[which], self.second[which], self.place[which])


def accepted(
    comparator: Comparator,
    above: Float[Any, "n dim"],
    beside: Float[Any, "m dim"],
    thresholds: Sequence[float],
    exact: Callable[[], Float[Array, "n m"]],
) -> Placed:
    """The pairs that the largest threshold accepts, each with the smallest that accepts it.

    Args:
        comparator: What compares.
        above: The embeddings of the rows.
        beside: Those of the columns.
        thresholds: Ascending.
        exact: Gives the distances of all pairs.
    """
    found = _accepted_approximately(comparator, above, beside, thresholds)
    if found is not None:
        return found
    distances = exact()
    limits = np.asarray(thresholds).astype(distances.dtype)
    hits = np.flatnonzero(distances <= limits[-1])
    first, second = _unravelled(hits, distances.shape[1])
    return Placed(first, second, np.searchsorted(limits, distances.ravel()[hits]))


def _accepted_approximately(
    comparator: Comparator,
    above: Float[Any, "n dim"],
    beside: Float[Any, "m dim"],
    thresholds: Sequence[float],
) -> Placed | None:
    told = (
        comparator.approximate(above, beside)
        if isinstance(comparator, ApproximateDistance)
        else None
    )
    if told is None or not isinstance(comparator, ApproximateDistance):
        return None
    levels, error = told
    limits = np.asarray(thresholds).astype(np.float32)
    surely, perhaps = bounds(comparator.level(limits), error)
    hits = np.flatnonzero(levels <= narrow(perhaps[-1:]))
    place, unsure = _places(levels.ravel()[hits], surely, perhaps)
    if len(unsure) > levels.size // _FEW:
        return None
    first, second = _unravelled(hits, levels.shape[1])
    apart = exact_distances(comparator.rows, above, beside, first[unsure], second[unsure])
    place[unsure] = np.searchsorted(limits, apart)
    kept = place < len(limits)
    found = Placed(first, second, place)
    return found if kept.all() else found.among(kept)


def _places(
    near: Float[Array, "k"], surely: Float[Array, "r"], perhaps: Float[Array, "r"]
) -> tuple[Int[Array, "k"], Int[Array, "_"]]:
    """The first limit that each level is within, and where the approximation does not tell which.

    A search for each takes 70 ns; nearly all are in a cell that no limit cuts, and looked up.
    """
    scale = np.float32(_CELLS / np.clip(perhaps[-1], 1e-30, 1e37))
    cells = (near * scale).clip(0, _CELLS).astype(np.int64)
    # A cell ends a little later than it does, since that product is rounded; the first has no end.
    ends = np.arange(_CELLS + 1) / float(scale)
    first = np.searchsorted(perhaps, np.append(-np.inf, ends[1:] - 0.01 / float(scale)))
    last = np.searchsorted(surely, ends + 1.01 / float(scale))
    place = np.where(first == last, first, -1)[cells]
    cut = np.flatnonzero(place < 0)
    wide = near[cut].astype(np.float64)
    place[cut] = np.searchsorted(perhaps, wide)
    return place, cut[place[cut] != np.searchsorted(surely, wide)]


def pairs_in_ranges(
    comparator: Comparator,
    above: Float[Any, "n dim"],
    beside: Float[Any, "m dim"],
    ranges: Float[Array, "r 2"],
    exact: Callable[[], Float[Array, "n m"]],
) -> tuple[Int[Array, "k"], Int[Array, "k"], Float[Array, "k"]]:
    """The pairs whose distances may be in one of these ranges: rows, columns and distances.

    Args:
        comparator: What compares.
        above: The embeddings of the rows.
        beside: Those of the columns.
        ranges: From and to, float32, ascending; a few pairs just outside may be given, too.
        exact: Gives the distances of all pairs.
    """
    told = (
        comparator.approximate(above, beside)
        if isinstance(comparator, ApproximateDistance)
        else None
    )
    if told is not None and isinstance(comparator, ApproximateDistance):
        levels, error = told
        lows, highs = (
            narrow(bounds(comparator.level(ranges[:, end]), error)[end]) for end in (0, 1)
        )
        hits = _within(levels, lows, highs)
        if len(hits) <= levels.size // _FEW:
            first, second = _unravelled(hits, levels.shape[1])
            return first, second, exact_distances(comparator.rows, above, beside, first, second)
    distances = exact().astype(np.float32, copy=False)
    hits = _within(distances, ranges[:, 0], ranges[:, 1])
    first, second = _unravelled(hits, distances.shape[1])
    return first, second, distances.ravel()[hits]


def _within(
    values: Float[Array, "n m"], lows: Float[Array, "r"], highs: Float[Array, "r"]
) -> Int[Array, "k"]:
    hits = np.flatnonzero((values >= lows[0]) & (values <= highs[-1]))
    if len(lows) == 1:
        return hits
    near = values.ravel()[hits]
    kept: Array = hits[near >= lows[np.searchsorted(highs, near).clip(0, len(lows) - 1)]]
    return kept


def _unravelled(places: Int[Array, "k"], columns: int) -> tuple[Int[Array, "k"], Int[Array, "k"]]:
    first = places // columns
    return first, places - first * columns
