"""How the distance of pairs follows their grades, with intervals whose trials are components."""

import math

import numpy as np

from likewise.errors import MissingExtra
from likewise.metrics.intervals import CONFIDENCE, FEWEST_UNITS
from likewise.results import Correlation, Graded
from likewise.shapes import Array, Float, Int

UNIT = "groups of linked pairs"
MOST_LEFT_OUT = 1_000
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
    try:
        from scipy.special import stdtrit
    except ImportError as error:
        raise MissingExtra(
            "Intervals need scipy, which is not installed. Run: pip install 'likewise[evaluate]'"
        ) from error
    units = len(without)
    spread = float(np.sum((without - without.mean()) ** 2))
    half = float(stdtrit(units - 1, (1 + CONFIDENCE) / 2)) * math.sqrt((units - 1) / units * spread)
    center = math.atanh(whole)
    return math.tanh(center - half), math.tanh(center + half)
