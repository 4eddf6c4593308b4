"""How often pairs are decided rightly, over folds that each decide by a threshold of their own.

Both errors are one ratio, in which same and different pairs weigh as they should. Two ratios whose
intervals are put together afterwards would cover too seldom: where a threshold is off, one error
is rare because the other is frequent, and each alone looks sure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise.metrics.tally import Tally
from likewise.pairs import SKILLED, AllPairs, ForgeryPairs, ListedPairs, PairSet
from likewise.results import Accuracy, ErrorRates, Rate
from likewise.shapes import Array, Int


@dataclass(frozen=True, eq=False)
class Judged:
    """What one threshold did to units of its own.

    Attributes:
        far: About different pairs.
        frr: About same pairs.
        units: For each of the two, which units its tally goes through.
        count: How many units there are.
    """

    far: Tally
    frr: Tally
    units: tuple[Int[Array, "f"], Int[Array, "r"]]
    count: int


def units_of(compared: PairSet) -> tuple[Int[Array, "f"], Int[Array, "r"]]:
    """Which units the tallies of different and of same pairs go through, where units are new.

    Raises:
        TypeError: If these are no pairs whose units are known.
    """
    if isinstance(compared, ListedPairs):
        return np.unique(compared.codes[~compared.same]), np.unique(compared.codes[compared.same])
    every = np.arange(len(compared.names))
    if isinstance(compared, ForgeryPairs):
        paired = np.flatnonzero(np.bincount(compared.genuine.codes) > 1)
        return (
            np.array(sorted(compared.forgeries)) if compared.against == SKILLED else every
        ), paired
    if isinstance(compared, AllPairs):
        return every, np.flatnonzero(np.bincount(compared.codes) > 1)
    raise TypeError(f"{type(compared).__name__} are no pairs whose units are known.")


def judged(compared: PairSet, tallies: Sequence[tuple[Tally, Tally]]) -> list[Judged]:
    """What each threshold did to these pairs, given its tallies under new identities."""
    units = units_of(compared)
    return [Judged(far, frr, units, len(compared.names)) for far, frr in tallies]


def joined_rates(tallies: Sequence[tuple[Tally, Tally]]) -> ErrorRates:
    """Both error rates over all folds, from what became of different and of same pairs in each."""
    far, frr = (Tally.join([pair[sort] for pair in tallies]) for sort in (0, 1))
    return ErrorRates(far.rate(), frr.rate())


def pooled_rates(judged: Sequence[Judged]) -> ErrorRates:
    """Both error rates over all folds."""
    return joined_rates([(one.far, one.frr) for one in judged])


def accuracy(judged: Sequence[Judged], *, balanced: bool) -> Accuracy:
    """The share of right decisions over all folds.

    Args:
        judged: What became of each fold.
        balanced: Whether same and different pairs weigh as much in all; else every pair does.
    """
    scales = (1.0, 1.0)
    if balanced:
        far, frr = (sum(one.far.weight for one in judged), sum(one.frr.weight for one in judged))
        scales = (0.5 / far, 0.5 / frr)
    wrong = Tally.join([_both(one, scales) for one in judged]).rate()
    return _complement(wrong)


def _both(judged: Judged, scales: tuple[float, float]) -> Tally:
    """One tally of both errors of a fold, each pair weighing as its sort does."""
    total = weight = 0.0
    totals, weights = np.zeros(judged.count), np.zeros(judged.count)
    for tally, units, scale in zip((judged.far, judged.frr), judged.units, scales, strict=True):
        total += scale * tally.total
        weight += scale * tally.weight
        totals[units] += scale * (tally.total - tally.total_without)
        weights[units] += scale * (tally.weight - tally.weight_without)
    return Tally(
        total=total,
        weight=weight,
        total_without=total - totals,
        weight_without=weight - weights,
        errors=judged.far.errors + judged.frr.errors,
        trials=judged.far.trials + judged.frr.trials,
        independent=min(judged.far.independent, judged.frr.independent),
    )


def _complement(wrong: Rate) -> Accuracy:
    return Accuracy(
        value=1 - wrong.value,
        right=wrong.trials - wrong.errors,
        trials=wrong.trials,
        units=wrong.units,
        low=None if wrong.high is None else 1 - wrong.high,
        high=None if wrong.low is None else 1 - wrong.low,
    )
