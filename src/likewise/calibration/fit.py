"""Fit thresholds and probabilities on the *calibrate* items."""

from collections.abc import Sequence
from typing import Literal

from likewise.calibration.calibration import PREFERRED, TARGETS, Calibration
from likewise.calibration.probability import AUTO, choose_calibrator, fit_calibrator
from likewise.calibration.thresholds import (
    check_target,
    fit_points,
    fit_thresholds,
    guaranteed,
    needed_for,
)
from likewise.pairs import ForgeryPairs, PairSet
from likewise.types import Claim


def fit_calibration(
    comparisons: PairSet,
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
        limit,
        choice,
        against=against,
        preferred=PREFERRED if far is None else far,
    )
