"""How distances follow the grades of pairs, and how far a grade may lie from the predicted one.

Components of linked pairs are the trials.
"""

import math

import numpy as np

from likewise.metrics.intervals import (
    CONFIDENCE,
    FEWEST_UNITS,
    jackknife_error,
    share_of,
    student_quantile,
)
from likewise.results import Correlation, Coverage, GradeAccuracy, GradeBin, Graded
from likewise.shapes import Array, Float, Int

UNIT = "groups of linked pairs"
MOST_LEFT_OUT = 1_000
BINS = 8
_PERFECT = 1 - 1e-12


def follow(
    distances: Float[Array, "m"], grades: Float[Array, "m"], codes: Int[Array, "m"], between: int
) -> Graded:
    """How the distance follows the grade.

    Args:
        distances: Of each pair, smaller when closer.
        grades: Of each pair, larger when more alike.
        codes: The connected component that each pair is in.
        between: How many of the pairs are neither same nor different by their grade.

    References:
        Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, eq. 11.5: the delete-one
        jackknife, here on Fisher's z, with a t quantile. Departure: beyond 1,000 components, groups
        of whole components, dealt by chance (seed 0), are left out in turn.
    """
    near = -distances.astype(np.float64)
    _, units = np.unique(codes, return_inverse=True)
    count = int(units.max()) + 1 if len(units) else 0
    left_out = units
    if count > MOST_LEFT_OUT:
        mixed = np.random.default_rng(0).permutation(count) % MOST_LEFT_OUT
        left_out = mixed[units]
    return Graded(
        pairs=len(near),
        between=between,
        units=count,
        unit=UNIT,
        spearman=_correlation(_Ranks(near), _Ranks(grades), left_out, count),
        pearson=_correlation(_Plain(near), _Plain(grades), left_out, count),
    )


class _Plain:
    """Numbers as they are, whatever is left out."""

    def __init__(self, values: Float[Array, "m"]) -> None:
        self.values = values

    def without(self, rows: Int[Array, "k"]) -> Float[Array, "m"]:
        """The numbers of all rows, of which these are left out."""
        del rows
        return self.values


class _Ranks:
    """Mean ranks of numbers, among those that are not left out."""

    def __init__(self, values: Float[Array, "m"]) -> None:
        _, self._places, self._counts = np.unique(values, return_inverse=True, return_counts=True)

    def without(self, rows: Int[Array, "k"]) -> Float[Array, "m"]:
        """The ranks of all rows, of which these are left out."""
        counts = self._counts - np.bincount(self._places[rows], minlength=len(self._counts))
        ranks: Array = (np.cumsum(counts) - (counts - 1) / 2)[self._places]
        return ranks


def _correlation(
    near: _Plain | _Ranks, grades: _Plain | _Ranks, left_out: Int[Array, "m"], units: int
) -> Correlation:
    order = np.argsort(left_out, kind="stable")
    bounds = np.flatnonzero(np.diff(left_out[order])) + 1
    kept = np.ones(len(left_out), dtype=bool)

    def value(rows: Int[Array, "k"]) -> float | None:
        kept[rows] = False
        found = _pearson(near.without(rows)[kept], grades.without(rows)[kept])
        kept[rows] = True
        return found

    whole = value(np.zeros(0, dtype=np.int64))
    if whole is None or units < FEWEST_UNITS or abs(whole) >= _PERFECT:
        return Correlation(whole, None, None)
    parts = [value(rows) for rows in np.split(order, bounds)]
    without = [part for part in parts if part is not None and abs(part) < _PERFECT]
    if len(without) < len(parts):
        return Correlation(whole, None, None)
    low, high = _interval(whole, np.arctanh(np.array(without)))
    return Correlation(whole, low, high)


def _pearson(one: Float[Array, "k"], other: Float[Array, "k"]) -> float | None:
    if len(one) < 2:
        return None
    one, other = one - one.mean(), other - other.mean()
    lengths = math.sqrt(float(one @ one)) * math.sqrt(float(other @ other))
    if lengths <= 0 or not (np.ptp(one) and np.ptp(other)):
        return None
    return min(max(float(one @ other) / lengths, -1.0), 1.0)


def _interval(whole: float, without: Float[Array, "units"]) -> tuple[float, float]:
    half = student_quantile(len(without) - 1, (1 + CONFIDENCE) / 2) * jackknife_error(without)
    center = math.atanh(whole)
    return math.tanh(center - half), math.tanh(center + half)


def half_width(
    residuals: Float[Array, "m"], codes: Int[Array, "m"], coverage: float
) -> float | None:
    """What the residual of a pair of another component exceeds no more often than promised.

    Every component weighs 1 / (K + 1), shared evenly by its pairs, and the component to come as
    much, at infinity. Where the K components and that one are exchangeable, and nothing was fitted
    on them, a pair drawn from it lies within the half width with a probability of at least
    `coverage`, whatever the pairs of one component have to do with each other.

    Args:
        residuals: Of each pair, how far its grade lies from what was told; not negative.
        codes: The component of each pair.
        coverage: The probability promised, above 0 and below 1.

    Returns:
        The half width; None where so few components promise nothing.

    References:
        Lee, Barber, Willett, "Distribution-free inference with hierarchical data", 2023, the
        hierarchical conformal prediction of its section 3; with one pair in each component it is
        the split conformal prediction of Lei, G'Sell, Rinaldo, Tibshirani, Wasserman,
        "Distribution-Free Predictive Inference for Regression", 2018, algorithm 2, after Vovk,
        Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005.
    """
    _, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    order = np.argsort(residuals, kind="stable")
    within = np.cumsum((1 / counts)[places[order]])
    # Sums of shares such as 1/3 fall short of whole numbers by rounding.
    enough = np.flatnonzero(within >= coverage * (len(counts) + 1) - 1e-9)
    return float(residuals[order[enough[0]]]) if len(enough) else None


def grade_accuracy(
    told: Float[Array, "m"],
    ends: tuple[Float[Array, "m"], Float[Array, "m"]] | None,
    grades: Float[Array, "m"],
    codes: Int[Array, "m"],
    nominal: float,
) -> GradeAccuracy:
    """What told grades and their intervals were worth; every component weighs the same.

    Args:
        told: The grade of each pair, as the distance tells it.
        ends: Low and high end of the interval of each; None where none was told.
        grades: What somebody gave.
        codes: The component that each pair is in.
        nominal: The coverage promised.
    """
    _, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    weights = (1 / counts)[places] / len(counts)
    single = _weighted_median(grades, weights)
    coverage = width = None
    if ends is not None:
        low, high = ends
        inside = (low <= grades) & (grades <= high)
        share = share_of(inside.astype(np.float64), places)
        coverage = Coverage(
            share.value, int(inside.sum()), len(grades), len(counts), share.low, share.high
        )
        width = float(weights @ (high - low))
    return GradeAccuracy(
        pairs=len(grades),
        units=len(counts),
        mean_error=float(weights @ np.abs(told - grades)),
        single_error=float(weights @ np.abs(single - grades)),
        nominal=nominal,
        coverage=coverage,
        width=width,
        bins=_bins(told, ends, grades),
    )


def _weighted_median(values: Float[Array, "m"], weights: Float[Array, "m"]) -> float:
    order = np.argsort(values, kind="stable")
    middle = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(values[order[min(int(middle), len(order) - 1)]])


def _bins(
    told: Float[Array, "m"],
    ends: tuple[Float[Array, "m"], Float[Array, "m"]] | None,
    grades: Float[Array, "m"],
) -> tuple[GradeBin, ...]:
    """Pairs of like told grades together, about as many in each; equal ones are not torn apart."""
    values, counts = np.unique(told, return_counts=True)
    place = np.minimum(
        ((np.cumsum(counts) - counts / 2) * BINS / len(told)).astype(np.int64), BINS - 1
    )
    of_pair = place[np.searchsorted(values, told)]
    found = []
    for number in np.unique(of_pair):
        at = of_pair == number
        low, high = (None, None) if ends is None else (float(end[at].mean()) for end in ends)
        found.append(
            GradeBin(
                told=math.fsum(told[at]) / int(at.sum()),
                given=math.fsum(grades[at]) / int(at.sum()),
                low=low,
                high=high,
                pairs=int(at.sum()),
            )
        )
    return tuple(found)
