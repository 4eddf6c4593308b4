"""Thresholds fitted on some of the data and applied to the rest, in turn, until all is decided.

Nothing decides about what it was fitted on: units (identities, or groups of linked pairs) are dealt
into folds, each fold is decided by thresholds fitted on the others, and the decisions are pooled,
never the distances.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from likewise.calibration import Calibration
from likewise.comparisons import Compared
from likewise.evaluation import calibrate, verify_all
from likewise.given import Given, GivenComparisons
from likewise.given.folds import FOLDS, deal, is_stratified
from likewise.graded import Graded
from likewise.metrics import probability
from likewise.metrics.tally import Tally
from likewise.metrics.verification import bin_values
from likewise.probabilities import AUTO, check
from likewise.rates import ErrorRates, Rate
from likewise.results import Verification
from likewise.shapes import Array, Int
from likewise.thresholds import cost_name
from likewise.types import Claim

CLAIM = Claim.NEW_IDENTITIES
ACCURACY_POINT = "balanced"
"""The operating point at which accuracy is measured: where the mean of both errors is least."""


@dataclass(frozen=True)
class Fitting:
    """How a calibration is fitted.

    Attributes:
        calibrator: Spec; `auto` chooses one by all of the data, see `probabilities.choose`.
        limit: Which points are used where nobody says, see `Calibration`.
        costs: What a false accept and what a false reject costs; adds the point of least cost.
        prior: The share of same pairs where this is used, for the costs and the log loss.
    """

    calibrator: str = AUTO
    limit: Literal["plain", "guarantee"] = "plain"
    costs: tuple[float, float] | None = None
    prior: float = 0.5

    def fit(self, known: Compared, calibrator: str = "") -> Calibration:
        """Calibrate on these pairs, by another calibrator if one is named.

        Raises:
            SpecError: If the calibrator, a cost or the prior is none.
        """
        return calibrate(
            known,
            CLAIM,
            calibrator or check(self.calibrator),
            limit=self.limit,
            costs=self.costs,
            prior=self.prior,
        )


@dataclass(frozen=True)
class Accuracy:
    """The share of pairs that were decided rightly.

    Attributes:
        value: A fraction.
        right: How many pairs were decided rightly.
        trials: Of how many.
        units: How many independent trials stand behind the interval.
        low: Lower end of the 95% interval; None if the units are too few for one.
        high: Upper end; None likewise.
    """

    value: float
    right: int
    trials: int
    units: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CrossFitted:
    """What thresholds do to data that they were not fitted on.

    Attributes:
        calibration: Fitted on all of the data; the rates of its points are those of the folds.
        verification: What the distances are like, and the same points.
        accuracy: At the point `balanced` of each fold, every pair weighing equally; None where the
            folds could not be stratified, or all pairs of embeddings were compared.
        balanced_accuracy: One less the mean of FAR and FRR, there.
        prior: The share of same pairs that the log loss assumes.
        log_loss: Of the probabilities, in nats, the mean over the folds.
        uninformed: The log loss of always saying the prior.
        cllr: Of the likelihood ratios, in bits, likewise; 1 is what says nothing.
        folds: Into how many parts the data were dealt.
        stratified: Whether each part has its share of same and of different pairs, to a pair.
        grades: How the distance follows the grades of all pairs; None where nobody graded them.
    """

    calibration: Calibration
    verification: Verification
    accuracy: Accuracy | None
    balanced_accuracy: Accuracy
    prior: float
    log_loss: float
    uninformed: float
    cllr: float
    folds: int
    stratified: bool
    grades: Graded | None = None


@dataclass(frozen=True)
class Decided:
    """What one threshold did to the fold that it was not fitted on.

    Attributes:
        far: About different pairs.
        frr: About same pairs.
        units: For each of the two, which units its tally goes through.
        count: How many units the fold has.
    """

    far: Tally
    frr: Tally
    units: tuple[Int[Array, "f"], Int[Array, "r"]]
    count: int


def pool(
    given: Given,
    dealt: Int[Array, "units"],
    fit: Callable[[Compared], Mapping[str, float]],
) -> dict[str, list[Decided]]:
    """Decide each fold by thresholds that were fitted on the others.

    Args:
        given: The data.
        dealt: The fold of each unit.
        fit: Gives thresholds by name.

    Returns:
        For each name that every fold has, what became of each fold.
    """
    found: list[dict[str, Decided]] = []
    for fold in range(int(dealt.max()) + 1):
        thresholds = fit(given.take(np.flatnonzero(dealt != fold)).compared())
        new = given.take(np.flatnonzero(dealt == fold))
        apart, alike = (np.flatnonzero(weight) for weight in new.weights())
        tallies = new.compared().tallies(list(thresholds.values()), CLAIM)
        found.append(
            {
                name: Decided(far, frr, (apart, alike), len(new.names))
                for name, (far, frr) in zip(thresholds, tallies, strict=True)
            }
        )
    shared = [name for name in found[0] if all(name in one for one in found)]
    return {name: [one[name] for one in found] for name in shared}


def rates(decided: Sequence[Decided]) -> ErrorRates:
    """Both error rates over all folds."""
    far, frr = (Tally.join(part) for part in ([d.far for d in decided], [d.frr for d in decided]))
    return ErrorRates(far.rate(), frr.rate())


def accuracy(decided: Sequence[Decided], *, balanced: bool) -> Accuracy:
    """The share of right decisions over all folds.

    Args:
        decided: What became of each fold.
        balanced: Whether same and different pairs weigh as much in all; else every pair does.
    """
    scales = (1.0, 1.0)
    if balanced:
        far, frr = (sum(d.far.weight for d in decided), sum(d.frr.weight for d in decided))
        scales = (0.5 / far, 0.5 / frr)
    wrong = Tally.join([_both(one, scales) for one in decided]).rate()
    return _complement(wrong)


def _both(decided: Decided, scales: tuple[float, float]) -> Tally:
    """One tally of both errors of a fold, each pair weighing as its sort does."""
    total = weight = 0.0
    totals, weights = np.zeros(decided.count), np.zeros(decided.count)
    for tally, units, scale in zip((decided.far, decided.frr), decided.units, scales, strict=True):
        total += scale * tally.total
        weight += scale * tally.weight
        totals[units] += scale * (tally.total - tally.total_without)
        weights[units] += scale * (tally.weight - tally.weight_without)
    return Tally(
        total=total,
        weight=weight,
        total_without=total - totals,
        weight_without=weight - weights,
        errors=decided.far.errors + decided.frr.errors,
        trials=decided.far.trials + decided.frr.trials,
        independent=min(decided.far.independent, decided.frr.independent),
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


def cross_fit(
    given: Given, *, folds: int = FOLDS, seed: int = 0, fitting: Fitting | None = None
) -> CrossFitted:
    """Calibrate on all of the data, and measure that by folds.

    Args:
        given: Embeddings or comparisons.
        folds: Into how many parts to deal.
        seed: Of the dealing.
        fitting: How to calibrate.

    Raises:
        BadArgument: If there are not 2 to 100 folds.
        SpecError: If the calibrator, a cost or the prior is none.
        SplitError: If the data cannot be dealt into so many.
    """
    how = fitting or Fitting()
    cost_name(how.costs or (1.0, 1.0), how.prior)
    dealt = deal(given, folds, seed)
    whole = given.compared()
    fitted = replace(how.fit(whole), source=given.place)
    found: list[Calibration] = []

    def fit(known: Compared) -> dict[str, float]:
        found.append(how.fit(known, fitted.calibrator))
        # A limit that a fold's data cannot guarantee has no threshold there.
        return {p.name: p.threshold for p in found[-1].points if p.supported or not p.guaranteed}

    decided = pool(given, dealt, fit)
    costs = [
        _costs(given.take(np.flatnonzero(dealt == fold)).compared(), one, how.prior)
        for fold, one in enumerate(found)
    ]
    log_loss, cllr = np.mean(costs, axis=0).tolist()
    points = [
        replace(point, test=rates(decided[point.name]) if point.name in decided else None)
        for point in fitted.points
    ]
    at = decided[ACCURACY_POINT]
    even = isinstance(given, GivenComparisons) and is_stratified(given, dealt)
    return CrossFitted(
        calibration=fitted.measured(points),
        verification=replace(verify_all(whole, (), CLAIM), points=tuple(points)),
        accuracy=accuracy(at, balanced=False) if even else None,
        balanced_accuracy=accuracy(at, balanced=True),
        prior=how.prior,
        log_loss=log_loss,
        uninformed=-how.prior * math.log(how.prior) - (1 - how.prior) * math.log1p(-how.prior),
        cllr=cllr,
        folds=folds,
        stratified=even,
        grades=graded_by(given),
    )


def graded_by(given: Given) -> Graded | None:
    """How the distance follows the grades; None where nobody graded pairs."""
    if not isinstance(given, GivenComparisons) or given.graded is None:
        return None
    return given.graded.follow()


def _costs(new: Compared, fitted: Calibration, prior: float) -> tuple[float, float]:
    """Log loss and Cllr of probabilities on pairs that they were not fitted on."""
    spread = new.spread()
    used = np.flatnonzero(spread.same + spread.different)
    ratios = fitted.ratios(bin_values()[used])
    shares = spread.same[used], spread.different[used]
    return probability.log_loss(ratios, *shares, prior), probability.cllr(ratios, *shares)
