"""How well distances tell same from different pairs: counts, rates and thresholds.

Identities weigh equally: a same pair weighs 1 / (pairs of its identity), a different pair
1 / (pairs of its two identities). Nothing here holds a matrix of all pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise.shapes import Array, Bool, Float, Int, Shaped

_SHIFT = 12
_BINS = 1 << (32 - _SHIFT - 1)
_INFINITY = 0x7F800000
_CHUNK = 2**16


def keys(distances: Float[Array, "*shape"]) -> Int[Array, "*shape"]:
    """The histogram bin of each distance.

    The bits of a float that is not negative, read as an integer, are in the order of the floats:
    their upper part is a bin of relative width 2^-11, with no need to know the range.
    """
    return (_bits(distances) >> _SHIFT).astype(np.int64)


def _bits(distances: Float[Array, "*shape"]) -> Shaped[Array, "*shape"]:
    # A distance of minus zero is one of zero.
    return np.abs(np.asarray(distances, dtype=np.float32)).view(np.uint32)


@dataclass(frozen=True)
class Counted:
    """The weights of some pairs in the bins in which their distances lie.

    Attributes:
        start: The first of these bins.
        sums: The weight in each from there on.
    """

    start: int
    sums: Float[Array, "b"]

    @classmethod
    def of(cls, distances: Float[Array, "n"], weights: Float[Array, "n"]) -> "Counted":
        """Count some pairs."""
        places = keys(distances)
        start = int(places.min(initial=_BINS))
        return cls(start, np.bincount(places - start, weights).astype(np.float64, copy=False))

    @classmethod
    def of_block(
        cls,
        distances: Float[Array, "n m"],
        left: Float[Array, "n"],
        right: Float[Array, "m"],
        which: Bool[Array, "n m"] | None = None,
    ) -> "Counted":
        """Count these pairs of a block; each weighs what its row and its column do, multiplied."""
        low, high = keys(np.array([distances.min(), distances.max()])).tolist()
        sums = np.zeros(high - low + 1)
        step = min(len(left), max(1, _CHUNK // len(right)))
        # Held for all chunks, and small enough for the cache of a core.
        places, weights = (np.empty((step, len(right)), kind) for kind in (np.int64, np.float64))
        for at in range(0, len(left), step):
            part = slice(at, at + step)
            place, weight = (held[: len(left[part])] for held in (places, weights))
            place[...] = _bits(distances[part]) >> _SHIFT
            place -= low
            np.multiply.outer(left[part], right, out=weight)
            if which is not None:
                weight *= which[part]
            sums += np.bincount(place.ravel(), weight.ravel(), minlength=len(sums))
        return cls(low, sums)

    def into(self, bins: Float[Array, "bins"]) -> None:
        """Add to all bins."""
        bins[self.start : self.start + len(self.sums)] += self.sums


def ranges(wanted: Sequence[int]) -> Float[Array, "r 2"]:
    """The least and the largest float32 of the bins, of bins side by side together."""
    ordered = np.unique(np.asarray(wanted, dtype=np.int64))
    new = np.diff(ordered, prepend=-2) > 1
    first, last = ordered[new], ordered[np.roll(new, -1)]
    ends = np.stack([first << _SHIFT, ((last + 1) << _SHIFT) - 1], axis=1)
    # What follows infinity are no numbers.
    return np.minimum(ends, _INFINITY).astype(np.uint32).view(np.float32)


@dataclass(frozen=True)
class Fine:
    """Weighted histograms of some bins of `keys`, with a bin for every float32 in them.

    Attributes:
        wanted: Those bins.
        place: Where each of all bins stands among them; -1 where it does not.
        same: The weight of the same pairs at every distance of the wanted bins.
        different: That of the different pairs.
    """

    wanted: tuple[int, ...]
    place: Int[Array, "bins"]
    same: Float[Array, "fine"]
    different: Float[Array, "fine"]

    @classmethod
    def empty(cls, wanted: Sequence[int]) -> "Fine":
        """Histograms to add to."""
        place = np.full(_BINS, -1, dtype=np.int64)
        place[list(wanted)] = np.arange(len(wanted))
        size = len(wanted) << _SHIFT
        return cls(tuple(wanted), place, np.zeros(size), np.zeros(size))

    def near(self, distances: Float[Array, "*n"]) -> Bool[Array, "*n"]:
        """Which distances fall in the wanted bins."""
        found: Array = (self.place >= 0)[keys(distances)]
        return found

    def add(
        self, distances: Float[Array, "n"], same: Float[Array, "n"], different: Float[Array, "n"]
    ) -> None:
        """Count pairs of the wanted bins with their weights as same and as different pairs."""
        bits = _bits(distances)
        fine = (self.place[bits >> _SHIFT] << _SHIFT) + (bits & ((1 << _SHIFT) - 1))
        self.same[:] += np.bincount(fine, same, minlength=len(self.same))
        self.different[:] += np.bincount(fine, different, minlength=len(self.same))

    def found(self) -> dict[int, tuple[Array, Array, Array]]:
        """For every bin its distances, ascending, and their weights as same and as different."""
        result = {}
        for index, key in enumerate(self.wanted):
            part = slice(index << _SHIFT, (index + 1) << _SHIFT)
            same, different = self.same[part], self.different[part]
            used = np.flatnonzero(same + different)
            bits = (np.uint32(key) << np.uint32(_SHIFT)) | used.astype(np.uint32)
            result[key] = (bits.view(np.float32), same[used], different[used])
        return result


def bin_values() -> Float[Array, "bins"]:
    """The middle distance of every bin."""
    bits = (np.arange(_BINS, dtype=np.uint32) << _SHIFT) | (1 << (_SHIFT - 1))
    with np.errstate(invalid="ignore"):
        values = bits.view(np.float32).astype(np.float64)
    return np.where(np.isfinite(values), values, np.inf)


@dataclass(frozen=True)
class DistanceHistograms:
    """Weighted histograms of the distances of same and of different pairs; each sums to 1."""

    same: Float[Array, "bins"]
    different: Float[Array, "bins"]

    @classmethod
    def empty(cls) -> "DistanceHistograms":
        """Histograms to add to."""
        return cls(np.zeros(_BINS), np.zeros(_BINS))

    def add(
        self, keys: Int[Array, "*n"], same: Float[Array, "*n"], different: Float[Array, "*n"]
    ) -> None:
        """Count pairs by their keys with their weights as same and as different pairs."""
        places = keys.ravel()
        self.same[:] += np.bincount(places, same.ravel(), minlength=_BINS)
        self.different[:] += np.bincount(places, different.ravel(), minlength=_BINS)

    @property
    def auc(self) -> float:
        """Probability that a different pair is farther apart than a same pair (ties half)."""
        below = np.cumsum(self.same) - self.same
        return float(np.sum(self.different * (below + 0.5 * self.same)))

    def far_bin(self, target: float) -> int:
        """The bin in which the share of accepted different pairs passes the target."""
        cumulative = np.cumsum(self.different)
        return int(np.searchsorted(cumulative, target, side="right").clip(0, _BINS - 1))

    def eer_bin(self) -> int:
        """The bin in which FAR passes FRR."""
        above = np.cumsum(self.different) >= 1 - np.cumsum(self.same) - 1e-12
        return int(np.argmax(above))

    def cheapest_bins(self, false_accept: float, false_reject: float) -> list[int]:
        """The bins in one of which false_accept * FAR + false_reject * FRR is least.

        What a threshold inside a bin does lies between accepting all of it, and accepting its same
        pairs alone: a bin whose best case is no better than the end of another is left out. The
        first bin stands for accepting nothing.
        """
        after = false_accept * np.cumsum(self.different)
        after += false_reject * (1 - np.cumsum(self.same))
        best_case = after - false_accept * self.different
        possible = (best_case <= after.min() + 1e-12) & (self.same > 0)
        possible[np.argmax(self.same + self.different > 0)] = True
        return [int(key) for key in np.flatnonzero(possible)]

    def below(self, key: int) -> tuple[float, float]:
        """The shares of same and of different pairs in the bins before this one."""
        return float(self.same[:key].sum()), float(self.different[:key].sum())

    def distances_at(self, fars: Sequence[float]) -> list[float]:
        """About the distances within which these shares of the different pairs lie.

        They are exact to a bin, and rise evenly within one; each is a float32.
        """
        cumulative = np.cumsum(self.different)
        last = np.flatnonzero(self.different)[-1]
        key = np.searchsorted(cumulative, np.asarray(fars)).clip(0, last)
        inside = np.maximum(self.different[key], 1e-300)
        share = 1 - np.clip((cumulative[key] - np.asarray(fars)) / inside, 0.0, 1.0)
        edges = (np.array([key, key + 1]).astype(np.uint32) << _SHIFT).view(np.float32)
        low, high = edges.astype(np.float64)
        return [float(distance) for distance in (low + share * (high - low)).astype(np.float32)]


def far_threshold(
    distances: Float[Array, "n"], weights: Float[Array, "n"], below: float, target: float
) -> float | None:
    """The largest distance at which the share of accepted different pairs is within the target.

    Args:
        distances: Of the different pairs in one bin.
        weights: Of those pairs.
        below: The share of different pairs in the bins before.
        target: The false-accept rate allowed.

    Returns:
        The threshold; None if no distance of this bin is within the target.
    """
    order = np.argsort(distances, kind="stable")
    ordered = distances[order]
    cumulative = below + np.cumsum(weights[order])
    last_of_ties = np.append(ordered[1:] != ordered[:-1], [True])
    allowed = last_of_ties & (cumulative <= target * (1 + 1e-9))
    return float(ordered[allowed][-1]) if allowed.any() else None


def equal_error(
    distances: Float[Array, "n"],
    same: Float[Array, "n"],
    different: Float[Array, "n"],
    same_below: float,
    different_below: float,
) -> tuple[float, float]:
    """Threshold and rate where FAR and FRR are nearest, among the pairs of one bin.

    Args:
        distances: Of the pairs in the bin.
        same: Their weights as same pairs.
        different: Their weights as different pairs.
        same_below: Share of same pairs in the bins before.
        different_below: Share of different pairs in the bins before.
    """
    thresholds, far, frr = _candidates(distances, same, different, same_below, different_below)
    best = int(np.argmin(np.abs(far - frr)))
    return float(thresholds[best]), max(0.0, float((far[best] + frr[best]) / 2))


def least_cost(
    distances: Float[Array, "n"],
    same: Float[Array, "n"],
    different: Float[Array, "n"],
    same_below: float,
    different_below: float,
    false_accept: float = 0.5,
    false_reject: float = 0.5,
) -> tuple[float, float]:
    """Threshold and cost where false_accept * FAR + false_reject * FRR is least, in one bin.

    Of thresholds that do equally well it is the smallest. The other arguments are those of
    `equal_error`. With weights of a half each, the cost is the mean of both error rates.
    """
    thresholds, far, frr = _candidates(distances, same, different, same_below, different_below)
    cost = false_accept * far + false_reject * frr
    best = int(np.argmax(cost <= cost.min() + 1e-12 * (false_accept + false_reject)))
    return float(thresholds[best]), max(0.0, float(cost[best]))


def _candidates(
    distances: Float[Array, "n"],
    same: Float[Array, "n"],
    different: Float[Array, "n"],
    same_below: float,
    different_below: float,
) -> tuple[Float[Array, "m"], Float[Array, "m"], Float[Array, "m"]]:
    """Every threshold that decides the pairs of one bin otherwise, with its FAR and FRR."""
    order = np.argsort(distances, kind="stable")
    # The first candidate accepts nothing of this bin: a threshold just below its first distance.
    below = np.nextafter(np.float32(distances[order[0]]), np.float32(0))
    ordered = np.concatenate([[below], distances[order]])
    far = different_below + np.concatenate([[0.0], np.cumsum(different[order])])
    frr = 1 - same_below - np.concatenate([[0.0], np.cumsum(same[order])])
    last_of_ties = np.append(ordered[1:] != ordered[:-1], [True])
    return ordered[last_of_ties], far[last_of_ties], frr[last_of_ties]
