"""How well a number tells two populations apart: AUC, with identities as the trials."""

from dataclasses import dataclass

import numpy as np

from likewise.metrics.intervals import (
    CONFIDENCE,
    FEWEST_UNITS,
    jackknife_error,
    rate_interval,
    student_quantile,
)
from likewise.shapes import Array, Bool, Float, Int, Shaped

MOST_GROUPS = 40
FOLDS = 5


@dataclass(frozen=True)
class Cases:
    """What a question is asked of: pairs of items, or items.

    Attributes:
        first: The row of an item of each case.
        second: That of the other of a pair; equal to `first` where a case is one item.
        positive: The true answer: a different pair, or a forged item.
        unit_first: The identity of the first, as a number.
        unit_second: That of the second.
        folds: Which fold each case is in; no identity is in two. -1 where there are too few
            identities for folds.
        units: How many identities there are.
    """

    first: Int[Array, "m"]
    second: Int[Array, "m"]
    positive: Bool[Array, "m"]
    unit_first: Int[Array, "m"]
    unit_second: Int[Array, "m"]
    folds: Int[Array, "m"]
    units: int

    def __len__(self) -> int:
        return len(self.first)

    def take(self, kept: Shaped[Array, "m"]) -> "Cases":
        """Some of the cases."""
        return Cases(
            self.first[kept],
            self.second[kept],
            self.positive[kept],
            self.unit_first[kept],
            self.unit_second[kept],
            self.folds[kept],
            self.units,
        )


@dataclass(frozen=True)
class Auc:
    """Probability that a positive case has the larger value, ties counting half.

    Attributes:
        value: .5 is chance.
        low: Lower end of the 95% interval; None if the identities are too few for one.
        high: Upper end; None likewise.
        leave_out: The value without each group of identities in turn; empty without an interval.
    """

    value: float
    low: float | None
    high: float | None
    leave_out: Float[Array, "groups"]

    @property
    def least(self) -> float:
        """What the value is at the least: the lower end, or .5 where no interval can be had."""
        return 0.5 if self.low is None else self.low


def _aucs(
    values: Float[Array, "m"], positive: Bool[Array, "m"], kept: Bool[Array, "groups m"]
) -> Float[Array, "groups"]:
    """The AUC of each choice of cases; NaN where one lacks one of the sorts."""
    if not len(values):
        return np.full(len(kept), np.nan)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    kept, positive = kept[:, order], positive[order]
    above = np.add.reduceat((kept & positive).astype(np.float64), starts, axis=1)
    below = np.add.reduceat((kept & ~positive).astype(np.float64), starts, axis=1)
    # Ties count half.
    passed = (above * (np.cumsum(below, 1) - below / 2)).sum(1)
    with np.errstate(invalid="ignore"):
        found: Array = passed / (above.sum(1) * below.sum(1))
    return found


def auc(
    values: Float[Array, "m"], cases: Cases, *, by_fold: bool = False, two_sided: bool = False
) -> Auc:
    """The AUC of some values, with a jackknife over groups of identities.

    Args:
        values: One for each case.
        cases: What they belong to.
        by_fold: Compare only within a fold, and average: what a probe says in two folds is not on
            one scale.
        two_sided: Turn the values around where the positive cases have the smaller ones.

    References:
        Kott, "The delete-a-group jackknife", Journal of Official Statistics, 2001, with at most 40
        groups. Departures: a case is left out with the group of either of its identities, and the
        interval is taken on the logit scale.
    """
    every = np.ones((1, len(cases)), dtype=np.bool_)
    value = float(_folded(values, cases, every, by_fold=by_fold)[0])
    if two_sided and value < 0.5:
        values, value = -values, 1 - value
    groups = min(MOST_GROUPS, cases.units)
    if groups < FEWEST_UNITS or not cases.positive.any() or cases.positive.all():
        return Auc(value, None, None, np.zeros(0))
    # Identities come in the order of their names, which may follow how they were gathered.
    group = np.random.default_rng(0).permutation(cases.units) % groups
    number = np.arange(groups)[:, None]
    kept = (group[cases.unit_first] != number) & (group[cases.unit_second] != number)
    leave_out = _folded(values, cases, kept, by_fold=by_fold)
    return Auc(value, *rate_interval(value, leave_out, cases.units / 2), leave_out)


def difference(one: Auc, other: Auc) -> tuple[float, float | None]:
    """How much more the first tells than the second on the same cases, and at least how much.

    The second figure is the lower end of a 95% interval; None where there is none.
    """
    gain = one.value - other.value
    if not len(one.leave_out) or len(one.leave_out) != len(other.leave_out):
        return gain, None
    return gain, gain - _half(one.leave_out - other.leave_out)


def _half(leave_out: Float[Array, "groups"]) -> float:
    """Half the width of a 95% interval of what was computed without each group in turn."""
    return student_quantile(len(leave_out) - 1, (1 + CONFIDENCE) / 2) * jackknife_error(leave_out)


def _folded(
    values: Float[Array, "m"], cases: Cases, kept: Bool[Array, "groups m"], *, by_fold: bool
) -> Float[Array, "groups"]:
    """The AUC of each choice of cases, within folds and averaged if asked; .5 if there is none."""
    folds = np.unique(cases.folds) if by_fold else np.zeros(1)
    found = np.full((len(folds), len(kept)), np.nan)
    for at, fold in enumerate(folds):
        inside = cases.folds == fold if by_fold else np.ones(len(cases), dtype=np.bool_)
        found[at] = _aucs(values[inside], cases.positive[inside], kept[:, inside])
    known = ~np.isnan(found)
    totals = np.where(known, found, 0.0).sum(0)
    means: Array = np.where(known.any(0), totals / np.maximum(known.sum(0), 1), 0.5)
    return means


def association_folds(units: int, random: np.random.Generator) -> Int[Array, "units"]:
    """A fold for each identity; all -1 where there are fewer than four."""
    folds = min(FOLDS, units // 2)
    if folds < 2:
        return np.full(units, -1)
    return random.permutation(units) % folds


def association_pairs(
    identities: Shaped[Array, "n"], most: int, random: np.random.Generator
) -> Cases:
    """Pairs of items of one identity, and as many of two of the same fold, drawn by chance.

    Identities have equally many same pairs as far as they have so many, and equal chances in the
    different ones.

    Args:
        identities: Of each item.
        most: How many pairs in all, about.
        random: Where chance comes from.
    """
    names, codes = np.unique(identities, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes, minlength=len(names))
    starts = np.cumsum(counts) - counts
    folds = association_folds(len(names), random)
    paired = np.flatnonzero(counts >= 2)
    each = max(1, most // 2 // max(1, len(paired)))
    chosen = paired if len(paired) * each <= most else random.permutation(paired)[: most // 2]
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for code in chosen.tolist():
        one, other = _inside(int(counts[code]), each, random)
        first.append(order[starts[code] + one])
        second.append(order[starts[code] + other])
    ones, others = np.concatenate(first), np.concatenate(second)
    same = len(ones)
    # Two of one fold; where a fold has one identity only, no pair is drawn in it.
    left = random.integers(len(names), size=4 * same + 64)
    right = random.integers(len(names), size=len(left))
    kept = np.flatnonzero((left != right) & (folds[left] == folds[right]))
    if len(kept) < same:
        left, right = _within(folds, same, random)
        kept = np.arange(len(left))
    left, right = left[kept[:same]], right[kept[:same]]
    far_one = order[starts[left] + random.integers(counts[left])]
    far_other = order[starts[right] + random.integers(counts[right])]
    rows, mates = np.concatenate([ones, far_one]), np.concatenate([others, far_other])
    positive = np.arange(len(rows)) >= same
    return Cases(rows, mates, positive, codes[rows], codes[mates], folds[codes[rows]], len(names))


def _inside(
    count: int, each: int, random: np.random.Generator
) -> tuple[Int[Array, "m"], Int[Array, "m"]]:
    """Pairs among so many items, by chance; distinct up to 64 items."""
    if count <= 64:
        one, other = np.triu_indices(count, 1)
        some = random.permutation(len(one))[:each]
        return one[some], other[some]
    one = random.integers(count, size=each)
    other = (one + random.integers(1, count, size=each)) % count
    return one, other


def _within(
    folds: Int[Array, "units"], wanted: int, random: np.random.Generator
) -> tuple[Int[Array, "m"], Int[Array, "m"]]:
    """Pairs of two identities, drawn fold by fold."""
    left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    labels = np.unique(folds)
    for fold in labels:
        inside = np.flatnonzero(folds == fold)
        if len(inside) < 2:
            continue
        size = wanted // len(labels) + 1
        one = random.integers(len(inside), size=size)
        other = (one + random.integers(1, len(inside), size=size)) % len(inside)
        left.append(inside[one])
        right.append(inside[other])
    mixed = random.permutation(sum(map(len, left)))
    return np.concatenate(left)[mixed], np.concatenate(right)[mixed]
