"""How far a grade may lie from what was told, with a stated coverage; components are the trials."""

import math

import numpy as np

from likewise.metrics.intervals import share_of
from likewise.results import Coverage, GradeAccuracy, GradeBin
from likewise.shapes import Array, Float, Int

BINS = 8


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
