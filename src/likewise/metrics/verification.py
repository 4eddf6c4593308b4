"""How well distances tell same from different pairs: counts, rates and thresholds.

Identities weigh equally: a same pair weighs 1 / (pairs of its identity), a different pair
1 / (pairs of its two identities). Nothing here holds a matrix of all pairs.
"""

from dataclasses import dataclass

import numpy as np

from likewise.metrics.intervals import two_sided
from likewise.results import ErrorRates, Rate
from likewise.shapes import Array, Float, Int
from likewise.types import Claim

_SHIFT = 12
_BINS = 1 << (32 - _SHIFT - 1)


def keys(distances: Float[Array, "*shape"]) -> Int[Array, "*shape"]:
    """The histogram bin of each distance.

    The bits of a float that is not negative, read as an integer, are in the order of the floats:
    their upper part is a bin of relative width 2^-11, with no need to know the range.
    """
    return (distances.astype(np.float32).view(np.uint32) >> _SHIFT).astype(np.int64)


def bin_values() -> Float[Array, "bins"]:
    """The middle distance of every bin."""
    bits = (np.arange(_BINS, dtype=np.uint32) << _SHIFT) | (1 << (_SHIFT - 1))
    with np.errstate(invalid="ignore"):
        values = bits.view(np.float32).astype(np.float64)
    return np.where(np.isfinite(values), values, np.inf)


@dataclass(frozen=True)
class Spread:
    """Weighted histograms of the distances of same and of different pairs; each sums to 1."""

    same: Float[Array, "bins"]
    different: Float[Array, "bins"]

    @classmethod
    def empty(cls) -> "Spread":
        """Histograms to add to."""
        return cls(np.zeros(_BINS), np.zeros(_BINS))

    def add(
        self, keys: Int[Array, "*n"], same: Float[Array, "*n"], different: Float[Array, "*n"]
    ) -> None:
        """Count pairs by their keys with their weights as same and as different pairs."""
        flat = keys.ravel()
        self.same[:] += np.bincount(flat, same.ravel(), minlength=_BINS)
        self.different[:] += np.bincount(flat, different.ravel(), minlength=_BINS)

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

    def balanced_bins(self) -> list[int]:
        """The bins in one of which (FAR + FRR) / 2 is least.

        What a threshold inside a bin does lies between accepting all of it, and accepting its same
        pairs alone: a bin whose best case is no better than the end of another is left out.
        """
        after = np.cumsum(self.different) + 1 - np.cumsum(self.same)
        best_case = after - self.different
        possible = (best_case <= after.min() + 1e-12) & (self.same > 0)
        return [int(key) for key in np.flatnonzero(possible)]


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


def balanced_error(
    distances: Float[Array, "n"],
    same: Float[Array, "n"],
    different: Float[Array, "n"],
    same_below: float,
    different_below: float,
) -> tuple[float, float]:
    """Threshold and rate where (FAR + FRR) / 2 is least, among the pairs of one bin.

    Of thresholds that do equally well it is the smallest. The arguments are those of `equal_error`.
    """
    thresholds, far, frr = _candidates(distances, same, different, same_below, different_below)
    error = (far + frr) / 2
    best = int(np.argmax(error <= error.min() + 1e-12))
    return float(thresholds[best]), max(0.0, float(error[best]))


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


def error_rates(
    accepted: Int[Array, "n identities"],
    codes: Int[Array, "n"],
    claim: Claim,
) -> ErrorRates:
    """Both error rates with their intervals, from how many of each identity an item accepts.

    Args:
        accepted: For every item, how many items of every identity are within the threshold,
            itself not counted.
        codes: The identity of every item, 0 to identities - 1, ascending.
        claim: Whether identities or items are the trials.
    """
    sizes = np.bincount(codes).astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    between = np.add.reduceat(accepted, starts, axis=0).astype(np.float64)
    own = np.diag(between) / 2
    np.fill_diagonal(between, 0)
    trials = sizes * (sizes - 1) / 2
    paired = trials > 0
    share = between / np.outer(sizes, sizes)
    rejected = np.where(paired, 1 - own / np.where(paired, trials, 1), 0.0)
    if claim is Claim.NEW_IDENTITIES:
        far_without = _far_without_identity(share)
        frr_without = _mean_without(rejected[paired])
        independent = (len(sizes) / 2, float(paired.sum()))
    else:
        far_without = _far_without_item(accepted, codes, sizes, share)
        frr_without = _frr_without_item(accepted, codes, own, trials, rejected)
        independent = (len(codes) / 2, len(codes) / 2)
    far_trials = round((sizes.sum() ** 2 - (sizes**2).sum()) / 2)
    pairs = len(sizes) * (len(sizes) - 1) / 2
    return ErrorRates(
        far=_rate(
            float(share.sum() / 2 / pairs),
            round(between.sum() / 2),
            far_trials,
            far_without,
            independent[0],
        ),
        frr=_rate(
            float(rejected[paired].mean()),
            round((trials - own)[paired].sum()),
            round(trials.sum()),
            frr_without,
            independent[1],
        ),
    )


def _rate(
    value: float, errors: int, trials: int, without: Float[Array, "units"], independent: float
) -> Rate:
    value = min(max(value, 0.0), 1.0) if errors else 0.0
    low, high = two_sided(value, without, independent)
    return Rate(value, errors, trials, len(without), low, high)


def _mean_without(values: Float[Array, "n"]) -> Float[Array, "n"]:
    without: Array = (values.sum() - values) / max(1, len(values) - 1)
    return without


def _far_without_identity(share: Float[Array, "k k"]) -> Float[Array, "k"]:
    count = len(share)
    without: Array = (share.sum() / 2 - share.sum(1)) / max(1.0, (count - 1) * (count - 2) / 2)
    return without


def _far_without_item(
    accepted: Int[Array, "n k"],
    codes: Int[Array, "n"],
    sizes: Float[Array, "k"],
    share: Float[Array, "k k"],
) -> Float[Array, "n"]:
    count = len(sizes)
    total = share.sum() / 2
    left = (sizes[codes] - 1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        after = ((share * np.outer(sizes, sizes))[codes] - accepted) / (left * sizes[None, :])
    after[np.arange(len(codes)), codes] = 0.0
    alone = sizes[codes] == 1
    after[alone] = 0.0
    pairs = np.where(alone, (count - 1) * (count - 2) / 2, count * (count - 1) / 2)
    without: Array = (total - share[codes].sum(1) + after.sum(1)) / np.maximum(pairs, 1)
    return without


def _frr_without_item(
    accepted: Int[Array, "n k"],
    codes: Int[Array, "n"],
    own: Float[Array, "k"],
    trials: Float[Array, "k"],
    rejected: Float[Array, "k"],
) -> Float[Array, "m"]:
    keep = trials[codes] > 0
    code = codes[keep]
    mine = accepted[np.arange(len(codes)), codes][keep]
    sizes = np.bincount(codes)[code]
    left = trials[code] - (sizes - 1)
    gone = left <= 0
    after = np.where(gone, 0.0, 1 - (own[code] - mine) / np.where(gone, 1, left))
    count = (trials > 0).sum()
    without: Array = (rejected.sum() - rejected[code] + after) / np.maximum(count - gone, 1)
    return without
