"""Does a threshold's promise hold on other identities? Hundreds of re-splits of real embeddings.

    python -m benchmarks.resplits --budget 30s
    python -m benchmarks.resplits --source omniglot --budget 90s --each 60

An encoder is trained once and frozen. Identities that it did not learn from are dealt anew again
and again, so many to calibrate and as many to test; the threshold is fitted for a false-accept rate
on the former and measured on the latter. `both` is the share of splits in which the measured rate
lies in the interval of `likewise.metrics.promises`, which knows what is uncertain of both rates;
`test alone` that in which the target lies in the 95% interval of the measured rate, as if the
threshold had been fitted on everybody; `surprises` in how many the promise was called broken
although calibrate and test are of one population.

What the shares mean: calibrate and test are drawn from one finite pool without an overlap, so that
a high rate on the one goes with a low rate on the other. Of a mean over identities, the difference
of the two parts varies as if both were drawn anew from all the world (their covariance, -S^2/N,
makes up for what drawing without replacement takes from either variance), so the shares are fair
for the difference, which is what the interval is about. The splits share that pool: many splits
make the share exact for this pool, and tell nothing of how it varies between pools. Omniglot needs
LIKEWISE_DATA. AT&T's faces are too few: 16 people to train leave 12 to calibrate and 12 to test,
and below 20 no interval is given.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from benchmarks import results
from benchmarks.calibrators import Frozen, characters, evaluation_alphabets
from benchmarks.machine import machine_line
from likewise.calibration.fit import fit_calibration
from likewise.calibration.thresholds import fit_points, fit_thresholds
from likewise.metrics.promises import predicted, promise_of
from likewise.pairs.all_pairs import AllPairs
from likewise.recipe.recipe import seconds_of
from likewise.results import Criterion
from likewise.results.evaluation import OperatingPoint
from likewise.types import Claim

CLAIM = Claim.NEW_IDENTITIES
TARGETS = (0.01, 0.05)
ALL_OF_OMNIGLOT = 659


@dataclass(frozen=True)
class Held:
    """What became of the promises of one operating point.

    Attributes:
        splits: In how many splits it was supported, and both rates had an interval.
        both: The share in which the rate on test lies where the uncertainty of both puts it.
        below: The share in which it lies below that.
        alone: The share in which the target lies in the interval of the rate on test.
        broken: The share in which the promise is said not to be kept.
        median: The median rate on test.
    """

    splits: int
    both: float
    below: float
    alone: float
    broken: float
    median: float


def resplit(frozen: Frozen, each: int, splits: int, *, guarantee: bool = False) -> dict[str, Held]:
    """Fit and measure over and over, for every point that was fitted for a false-accept rate."""
    names = np.unique(frozen.names)
    found: dict[str, list[OperatingPoint]] = {}
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(names)
        known = frozen.comparisons(order[:each])
        others = frozen.comparisons(order[each : 2 * each])
        points = [point for point in fitted(known, guarantee=guarantee) if point.supported]
        rates = others.rates([point.threshold for point in points], CLAIM)
        for point, rate in zip(points, rates, strict=True):
            found.setdefault(point.name, []).append(replace(point, test=rate))
    return {name: _held(points) for name, points in sorted(found.items())}


def fitted(known: AllPairs, *, guarantee: bool) -> tuple[OperatingPoint, ...]:
    """The points for the targets, as `likewise.calibration.fit.fit_calibration` fits them."""
    if guarantee:
        points = fit_calibration(known, CLAIM, targets=TARGETS).points
        return tuple(point for point in points if point.target is not None)
    criteria = [Criterion.of_rate(target) for target in TARGETS]
    thresholds = fit_thresholds(known, known.spread(), criteria)
    rates = dict(zip(thresholds, known.rates([*thresholds.values()], CLAIM), strict=True))
    return fit_points(thresholds, rates, len(known.names), "identities", {})


def _held(points: Sequence[OperatingPoint]) -> Held:
    inside, below, alone, broken, rates = [], [], [], [], []
    for point in points:
        promise = promise_of(point)
        if promise is None or point.test is None or point.target is None:
            continue
        far = point.test.far
        low, high = predicted(point.calibrate.far, far) or (0.0, 1.0)
        inside.append(low <= far.value <= high)
        below.append(far.value < low)
        alone.append((far.low or 0.0) <= point.target <= (1.0 if far.high is None else far.high))
        broken.append(not promise.kept)
        rates.append(far.value)
    means = (float(np.mean(one)) for one in (inside, below, alone, broken))
    return Held(len(inside), *means, float(np.median(rates)))


def too_few(share: float, splits: int, least: float = 0.93) -> bool:
    """Whether a share is significantly (one-sided, 5%) below this."""
    return share < float(stats.binom.ppf(0.05, splits, least)) / splits


def main() -> None:
    """Train once, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", choices=["characters", "omniglot"], default="characters")
    parser.add_argument("--budget", default="30s")
    parser.add_argument("--splits", type=int, default=400)
    parser.add_argument("--each", type=int, default=30, help="identities that calibrate, and test")
    parser.add_argument("--guarantee", action="store_true", help="the points far<= too; slower")
    given = parser.parse_args()
    print(machine_line())
    budget = seconds_of(given.budget)
    if given.source == "characters":
        frozen = characters(budget)
    else:
        frozen = evaluation_alphabets(budget, ALL_OF_OMNIGLOT)
    count = len(np.unique(frozen.names))
    results.note(
        f"{given.source}: {count} characters not trained on, encoder trained for {given.budget}; "
        f"{given.each} calibrate and {given.each} test in each of {given.splits} splits"
    )
    found = resplit(frozen, given.each, given.splits, guarantee=given.guarantee)
    for name, held in found.items():
        results.row(
            "",
            {
                "point": name,
                "splits": held.splits,
                "both": held.both,
                "below": held.below,
                "test alone": held.alone,
                "surprises": held.broken,
                "median FAR": held.median,
                "mark": "too few" if too_few(held.both, held.splits) else None,
            },
        )


if __name__ == "__main__":
    results.run("resplits", main)
