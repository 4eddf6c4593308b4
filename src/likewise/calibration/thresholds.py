"""Which threshold: for a false-accept rate, for a limit of it, or of the least cost.

Thresholds come from histograms of the distances and are then made exact, so that the memory does
not grow with the pairs.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from likewise.metrics import verification
from likewise.metrics.intervals import FEWEST_UNITS, trials_bounding
from likewise.pairs import PairSet
from likewise.results import Criterion, ErrorRates, OperatingPoint
from likewise.shapes import Array
from likewise.types import Claim

FEWEST_FOR_THRESHOLDS = 10
FEWEST_FALSE_ACCEPTS = 30
# With a limit at .95, simulated thresholds kept their target in .96 to .99 of the runs of most
# settings, and in .90 of 100 runs of one (300 identities, .01): the limit is an estimate and the
# threshold is searched. This leaves a margin (benchmarks/coverage.py).
SURE = 0.965
_LEVELS = 20
_ROUNDS = 3


def fit_thresholds(
    comparisons: PairSet, spread: verification.DistanceHistograms, criteria: Sequence[Criterion]
) -> dict[Criterion, float]:
    """Fit the threshold of each criterion, but for those that guarantee a limit.

    Args:
        comparisons: Of the *calibrate* items.
        spread: Their histograms.
        criteria: What to fit for.
    """
    rates = {one: spread.far_bin(one.target) for one in criteria if one.target is not None}
    weighed = {one: one.weights for one in criteria if one.weights is not None}
    cheap = {one: spread.cheapest_bins(*pair) for one, pair in weighed.items()}
    eer_bin = spread.eer_bin()
    wanted = {*rates.values(), eer_bin}.union(*cheap.values())
    inside = comparisons.inside(sorted(wanted))
    found = {}
    for one in criteria:
        if one.target is not None:
            found[one] = _far_threshold(spread, inside[rates[one]], rates[one], one.target)
        elif one in weighed:
            pairs = {key: inside[key] for key in cheap[one]}
            found[one] = _cheapest(spread, pairs, weighed[one])
        else:
            found[one], _ = verification.equal_error(*inside[eer_bin], *spread.below(eer_bin))
    return found


def guaranteed(
    comparisons: PairSet,
    spread: verification.DistanceHistograms,
    claim: Claim,
    targets: Sequence[float],
) -> dict[float, float | None]:
    """For each target the largest threshold whose false-accept rate is surely within it.

    That is: the one-sided upper limit of the rate on these identities is at most the target, and
    in 95% of all cases the true rate is. The share of different pairs that a threshold accepts is
    searched from the target downwards in steps of a twentieth of it, then between the two steps
    where the limit is passed, to 1/8000 of the target. There is none where not even a twentieth
    keeps the limit, or where there are so few pairs of identities that no false accept among them
    would bound the rate by the target even if they were independent.

    Args:
        comparisons: Of the *calibrate* items.
        spread: Their histograms.
        claim: Whether identities or items are the trials.
        targets: False-accept rates.

    Returns:
        Thresholds; None for a target that the data cannot guarantee.
    """
    brackets = {target: (0.0, float(target)) for target in targets}
    for _ in range(_ROUNDS):
        tried = [
            (target, low + (high - low) * step / _LEVELS)
            for target, (low, high) in brackets.items()
            for step in range(1, _LEVELS)
        ]
        thresholds = spread.distances_at([level for _, level in tried])
        tallies = [far for far, _ in comparisons.tallies(thresholds, claim)]
        limits = [
            far.upper(SURE) if far.weight >= _trials(target) else 1.0
            for (target, _), far in zip(tried, tallies, strict=True)
        ]
        for target, (low, high) in list(brackets.items()):
            levels = [level for of, level in tried if of == target]
            kept = [
                limit <= target
                for (of, _), limit in zip(tried, limits, strict=True)
                if of == target
            ]
            edges = [low, *levels, high]
            last = max((place + 1 for place, one in enumerate(kept) if one), default=0)
            if last == 0 and low == 0:
                del brackets[target]
                continue
            brackets[target] = (edges[last], edges[last + 1])
    found = spread.distances_at([low for low, _ in brackets.values()])
    given: dict[float, float] = dict(zip(brackets, found, strict=True))
    return {target: given.get(target) for target in targets}


def needed_for(target: float, comparisons: PairSet, claim: Claim) -> str:
    """What it would take to guarantee a limit that these data cannot, as a sentence."""
    units, name, *_ = comparisons.trials(claim)
    listed = name == "groups of linked pairs"
    identities = len(comparisons.names)
    pairs = comparisons.counts[1] if listed else identities * (identities - 1) / 2
    least = math.ceil(_trials(target))
    if units < FEWEST_UNITS:
        needed = f"at least {FEWEST_UNITS} {name}"
    elif pairs < least and listed:
        needed = f"at least {least:,} different pairs"
    elif pairs < least:
        needed = f"at least {math.ceil((1 + math.sqrt(1 + 8 * least)) / 2):,} identities"
    else:
        needed = f"more, perhaps {2 * units:,} {name},"
    return (
        f"With these {units:,} {name} no threshold keeps the 95% upper limit of the false-accept "
        f"rate within {target:g}. It needs {needed} to calibrate on."
    )


def _trials(target: float) -> float:
    """How many independent trials without an error bound the rate by the target."""
    return trials_bounding(min(target, 1 - 1e-12))


def fit_points(
    thresholds: Mapping[Criterion, float],
    rates: Mapping[Criterion, ErrorRates],
    units: int,
    unit_name: str,
    refusals: Mapping[Criterion, str],
) -> tuple[OperatingPoint, ...]:
    """Operating points from thresholds, each supported or refused with what would be needed.

    Args:
        thresholds: By what each was fitted for.
        rates: What each does on the *calibrate* items.
        units: How many independent units the calibrate items hold.
        unit_name: What they are called: `identities` or `items`.
        refusals: Of the points that guarantee a limit, those that cannot, and what they need.
    """
    points = []
    for criterion, threshold in thresholds.items():
        target, measured = criterion.target, rates[criterion]
        expected = measured.far.trials * (1.0 if target is None else target)
        lacking = []
        if units < FEWEST_FOR_THRESHOLDS:
            lacking.append(f"{FEWEST_FOR_THRESHOLDS} {unit_name} (there are {units})")
        if expected < FEWEST_FALSE_ACCEPTS:
            needed = math.ceil(FEWEST_FALSE_ACCEPTS / (target or 1.0))
            lacking.append(
                f"{needed:,} different pairs, which make {FEWEST_FALSE_ACCEPTS} expected false "
                f"accepts (there are {measured.far.trials:,}),"
            )
        plain = f"It needs at least {' and '.join(lacking)} to calibrate on." if lacking else ""
        reason = refusals.get(criterion, plain)
        points.append(OperatingPoint(criterion, threshold, not reason, reason, measured, None))
    return tuple(points)


def _cheapest(
    spread: verification.DistanceHistograms,
    inside: Mapping[int, tuple[Array, Array, Array]],
    weights: tuple[float, float],
) -> float:
    """The smallest threshold of least cost, from the bins in one of which it lies."""
    found = [
        verification.least_cost(*pairs, *spread.below(key), *weights)
        for key, pairs in inside.items()
    ]
    least = min(cost for _, cost in found)
    return min(threshold for threshold, cost in found if cost <= least + 1e-12 * sum(weights))


def _far_threshold(
    spread: verification.DistanceHistograms,
    inside: tuple[Array, Array, Array],
    key: int,
    target: float,
) -> float:
    """The largest threshold within the target, from the bin in which it is passed."""
    distances, _, different = inside
    real = different > 0
    _, below = spread.below(key)
    found = verification.far_threshold(distances[real], different[real], below, target)
    if found is not None:
        return found
    # Not even the bin's first different pair may be accepted: stay just below it.
    first = float(distances[real].min()) if real.any() else 0.0
    return float(np.nextafter(np.float32(first), np.float32(0.0))) if first > 0 else 0.0
