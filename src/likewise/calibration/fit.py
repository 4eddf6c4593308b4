"""Fit thresholds and probabilities on the *calibrate* items."""

from collections.abc import Sequence

from likewise.calibration.calibration import PREFERRED, TARGETS, Calibration
from likewise.calibration.probability import AUTO, choose_calibrator, fit_calibrator
from likewise.calibration.request import USUAL, DecisionRequest
from likewise.calibration.thresholds import (
    fit_points,
    fit_thresholds,
    guaranteed,
    needed_for,
)
from likewise.pairs import ForgeryPairs, PairSet
from likewise.results import BALANCED, EQUAL_ERROR, Criterion
from likewise.types import Claim


def fit_calibration(
    comparisons: PairSet,
    claim: Claim,
    calibrator: str = "logistic",
    request: DecisionRequest = USUAL,
    *,
    targets: Sequence[float] = TARGETS,
) -> Calibration:
    """Fit thresholds and probabilities on *calibrate* items.

    Both sorts of points are fitted: those whose false-accept rate is the target on these items
    (`far=0.01`), and those whose 95% upper limit is (`far<=0.01`).

    Args:
        comparisons: Of the calibrate items.
        claim: What rates measured later will claim.
        calibrator: Spec; `auto` chooses one, see `probabilities.choose`.
        request: How to decide where nobody says: `guaranteed` chooses the sort, and `far` the rate,
            which is fitted beside the targets; `costs` add `cost=10:1`, at the prior.
        targets: False-accept rates, each above 0 and at most 1.

    Raises:
        BadArgument: If a target is not one.
        BadDistance: If a distance is not a number.
    """
    if request.far is not None:
        targets = sorted({*targets, request.far})
    criteria = [*map(Criterion.of_rate, targets), EQUAL_ERROR, BALANCED]
    if request.costs is not None:
        criteria.append(Criterion.of_costs(request.costs, request.prior))
    spread = comparisons.spread()
    fitted = fit_thresholds(comparisons, spread, criteria)
    refusals, limits = {}, {}
    for target, threshold in guaranteed(comparisons, spread, claim, targets).items():
        limit_of = Criterion.of_rate(target, guaranteed=True)
        if threshold is None:
            refusals[limit_of] = needed_for(target, comparisons, claim)
        # A refused point stands with the threshold that has the rate, and promises nothing.
        limits[limit_of] = fitted[Criterion.of_rate(target)] if threshold is None else threshold
    plain = {one: at for one, at in fitted.items() if one.target is not None}
    thresholds = {**plain, **limits, **fitted}
    rates = comparisons.rates(list(thresholds.values()), claim)
    units, unit_name, *independent = comparisons.trials(claim)
    points = fit_points(
        thresholds, dict(zip(thresholds, rates, strict=True)), units, unit_name, refusals
    )
    choice = choose_calibrator(comparisons, claim) if calibrator == AUTO else None
    calibrator = calibrator if choice is None else choice.calibrator
    parameters = fit_calibrator(calibrator, spread, (independent[0], independent[1]))
    against = comparisons.against if isinstance(comparisons, ForgeryPairs) else ""
    return Calibration(
        claim,
        calibrator,
        parameters,
        points,
        units,
        unit_name,
        "guarantee" if request.guaranteed else "plain",
        choice,
        against=against,
        preferred=PREFERRED if request.far is None else request.far,
    )
