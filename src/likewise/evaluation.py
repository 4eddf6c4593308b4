"""Protocols that measure a set of embeddings, in blocks: no matrix of all pairs is held."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from likewise.calibration import PREFERRED, TARGETS, Calibration
from likewise.comparator import Comparator
from likewise.comparisons import Compared, Comparisons
from likewise.distribution import Histogram
from likewise.listed_pairs import ListedPairs
from likewise.metrics import verification
from likewise.metrics.curves import curve_of, frr_at, minimum_cost, thinned
from likewise.metrics.promises import promise_of
from likewise.populations import RANDOM, SKILLED, Populations
from likewise.probabilities import AUTO, choose, fit_calibrator
from likewise.rates import ErrorRates
from likewise.results import OperatingPoint, Verification
from likewise.shapes import Array, Float
from likewise.thresholds import check_target, fit_points, fit_thresholds, guaranteed, needed_for
from likewise.types import Claim, Items


def compare(
    vectors: Float[Any, "n dim"], items: Items, comparator: Comparator, against: str = ""
) -> Compared:
    """The pairs that a table can be measured on: those it lists, else all of its items.

    Args:
        vectors: Row for row with the items.
        items: Of which some may be forged.
        comparator: What compares them.
        against: Which different pairs a false-accept rate is of, where some items are forged:
            `skilled` (also if empty), `random` or `both`.

    Raises:
        SplitError: If there is no same or no different pair.
    """
    if items.pairs is not None:
        return ListedPairs.of(vectors, items, comparator)
    if items.forged.any():
        return Populations.of(vectors, items, comparator, against or SKILLED)
    return Comparisons.of(vectors, items.identities, comparator)


def verify_all(
    comparisons: Compared, points: Sequence[OperatingPoint], claim: Claim
) -> Verification:
    """Measure the frozen operating points, and describe the distances."""
    spread = comparisons.spread()
    curve = curve_of(spread)
    eer = _equal_error(comparisons, spread)
    rates = comparisons.rates([point.threshold for point in points], claim)
    measured = tuple(replace(p, test=r) for p, r in zip(points, rates, strict=True))
    promises = {point.name: promise_of(point) for point in measured}
    against, populations, eers = "", {}, {}
    if isinstance(comparisons, Populations):
        against = comparisons.against
        each = comparisons.each([point.threshold for point in points], claim)
        for name in (SKILLED, RANDOM):
            populations[name] = tuple(ErrorRates(a.rate(), r.rate()) for a, r in each[name])
            alone = replace(comparisons, against=name)
            eers[name] = _equal_error(alone, alone.spread())
    return Verification(
        claim=claim,
        identities=len(comparisons.names),
        items=len(comparisons.vectors),
        same_pairs=comparisons.counts[0],
        different_pairs=comparisons.counts[1],
        # What is beyond the twelfth digit comes from adding up very many weights.
        eer=round(eer, 12),
        auc=round(spread.auc, 12),
        points=measured,
        histogram=_histogram(spread),
        unit=comparisons.trials(claim)[1],
        curve=thinned(curve),
        tar={far: round(1 - frr_at(curve, far), 12) for far in TARGETS},
        min_dcf=round(minimum_cost(curve), 12),
        against=against,
        populations=populations,
        population_eers=eers,
        promises={name: one for name, one in promises.items() if one is not None},
    )


def _equal_error(comparisons: Compared, spread: verification.Spread) -> float:
    key = spread.eer_bin()
    return verification.equal_error(*comparisons.inside([key])[key], *spread.below(key))[1]


def _histogram(spread: verification.Spread, bins: int = 60) -> Histogram:
    values = verification.bin_values()
    used = np.flatnonzero(spread.same + spread.different)
    edges = np.linspace(0.0, float(values[used[-1]]) * 1.001 + 1e-12, bins + 1)
    place = np.searchsorted(edges, values[used], side="right") - 1
    make: Callable[[Array], Array] = lambda w: np.bincount(  # noqa: E731
        place, w[used], minlength=bins
    )
    return Histogram(edges, make(spread.same), make(spread.different))


def calibrate(
    comparisons: Compared,
    claim: Claim,
    calibrator: str = "logistic",
    *,
    limit: Literal["plain", "guarantee"] = "plain",
    targets: Sequence[float] = TARGETS,
    far: float | None = None,
    costs: tuple[float, float] | None = None,
    prior: float = 0.5,
) -> Calibration:
    """Fit thresholds and probabilities on *calibrate* items.

    Args:
        comparisons: Of the calibrate items.
        claim: What rates measured later will claim.
        calibrator: Spec; `auto` chooses one, see `probabilities.choose`.
        limit: What a decision uses where nobody says: points whose false-accept rate is the
            target on these items (`far=0.01`), or whose 95% upper limit is (`far<=0.01`). Both
            are fitted.
        targets: False-accept rates, each above 0 and at most 1.
        far: One more, whose point a decision uses where nobody says; .01 if None.
        costs: What a false accept and what a false reject costs; adds `cost=10:1`.
        prior: The share of same pairs where the costs arise.

    Raises:
        BadArgument: If a target, a cost or the prior is not one.
        BadDistance: If a distance is not a number.
    """
    if far is not None:
        check_target(far)
        targets = sorted({*targets, far})
    spread = comparisons.spread()
    fitted = fit_thresholds(comparisons, spread, targets, costs, prior)
    refusals, limits = {}, {}
    for target, threshold in guaranteed(comparisons, spread, claim, targets).items():
        name = f"far<={target}"
        if threshold is None:
            refusals[name] = needed_for(target, comparisons, claim)
        # A refused point stands with the threshold that has the rate, and promises nothing.
        limits[name] = fitted[f"far={target}"] if threshold is None else threshold
    plain = {name: at for name, at in fitted.items() if name.startswith("far=")}
    thresholds = {**plain, **limits, **fitted}
    rates = comparisons.rates(list(thresholds.values()), claim)
    units, unit_name, *independent = comparisons.trials(claim)
    points = fit_points(
        thresholds, dict(zip(thresholds, rates, strict=True)), units, unit_name, refusals
    )
    choice = choose(comparisons, claim) if calibrator == AUTO else None
    calibrator = calibrator if choice is None else choice.calibrator
    parameters = fit_calibrator(calibrator, spread, (independent[0], independent[1]))
    against = comparisons.against if isinstance(comparisons, Populations) else ""
    return Calibration(
        claim,
        calibrator,
        parameters,
        points,
        units,
        unit_name,
        limit,
        choice,
        against=against,
        preferred=PREFERRED if far is None else far,
    )
