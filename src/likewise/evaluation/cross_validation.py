"""Thresholds fitted on some of the data and applied to the rest, in turn, until all is decided.

Nothing decides about what it was fitted on: units (identities, or groups of linked pairs) are dealt
into folds, each fold is decided by thresholds fitted on the others, and the decisions are pooled,
never the distances.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from likewise.calibration import (
    AUTO,
    USUAL,
    Calibration,
    DecisionRequest,
    GradedDistances,
    check_calibrator,
    fit_calibration,
)
from likewise.evaluation.accuracy import Judged, accuracy, judged, pooled_rates
from likewise.evaluation.pooled import FoldProbabilities, pool_probabilities
from likewise.evaluation.verification import verify_all
from likewise.pairs import PairSet
from likewise.precomputed import FOLDS, Precomputed, PrecomputedComparisons, deal, is_stratified
from likewise.results import (
    BALANCED,
    Accuracy,
    Cell,
    Graded,
    Probability,
    Result,
    Verification,
    point_rows,
)
from likewise.shapes import Array, Int
from likewise.types import Claim

CLAIM = Claim.NEW_IDENTITIES
ACCURACY_POINT = str(BALANCED)
"""The operating point at which accuracy is measured: where the mean of both errors is least."""


@dataclass(frozen=True)
class Fitting:
    """How a calibration is fitted.

    Attributes:
        calibrator: Spec; `auto` chooses one by all of the data, see `probabilities.choose`.
        request: How to decide where nobody says, as `fit_calibration` takes it.
    """

    calibrator: str = AUTO
    request: DecisionRequest = USUAL

    def fit_precomputed(self, given: "Precomputed") -> Calibration:
        """Calibrate on all of the data, on their grades too where they have some.

        Raises:
            SpecError: If the calibrator is none.
        """
        graded = graded_by(given)
        grades = None if graded is None else graded.calibrated()
        return replace(self.fit_pairs(given.compared()), source=given.place, grades=grades)

    def fit_pairs(self, known: PairSet, calibrator: str = "") -> Calibration:
        """Calibrate on these pairs, by another calibrator if one is named.

        Raises:
            SpecError: If the calibrator is none.
        """
        named = calibrator or check_calibrator(self.calibrator)
        return fit_calibration(known, CLAIM, named, self.request)


@dataclass(frozen=True, repr=False)
class Measured(Result):
    """What a frozen calibration does to other data.

    Attributes:
        verification: The rates of its points, and what the distances are like.
        probability: What its probabilities are worth.
        grades: How the distance follows the grades of all pairs; None where nobody graded them.
    """

    verification: Verification
    probability: Probability
    grades: Graded | None = None

    def summary(self) -> str:
        """Return what was compared, and the equal error rate."""
        return f"{self.verification.counted}, equal error rate {self.verification.eer:.4f}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each operating point."""
        return point_rows(self.verification.points)


@dataclass(frozen=True, repr=False)
class CrossFitted(Result):
    """What thresholds do to data that they were not fitted on.

    Attributes:
        calibration: Fitted on all of the data; the rates of its points are those of the folds.
        verification: What the distances are like, and the same points.
        accuracy: At the point `balanced` of each fold, every pair weighing equally; None where the
            folds could not be stratified, or all pairs of embeddings were compared.
        balanced_accuracy: One less the mean of FAR and FRR, there.
        probability: What the probabilities are worth, each fold's by the calibration of the others.
        folds: Into how many parts the data were dealt.
        parts: How many units each part has.
        thresholds: Of each point that was measured, those that decided about each part.
        stratified: Whether each part has its share of same and of different pairs, to a pair.
        grades: How the distance follows the grades of all pairs; None where nobody graded them.
    """

    calibration: Calibration
    verification: Verification
    accuracy: Accuracy | None
    balanced_accuracy: Accuracy
    probability: Probability
    folds: int
    parts: tuple[int, ...]
    thresholds: Mapping[str, tuple[float, ...]]
    stratified: bool
    grades: Graded | None = None

    def summary(self) -> str:
        """Return what was compared, and the equal error rate."""
        return f"{self.verification.counted}, equal error rate {self.verification.eer:.4f}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each operating point."""
        return point_rows(self.verification.points)


def decide_folds(
    given: Precomputed,
    dealt: Int[Array, "units"],
    fit: Callable[[PairSet], Mapping[str, float]],
) -> dict[str, list[Judged]]:
    """Decide each fold by thresholds that were fitted on the others.

    Args:
        given: The data.
        dealt: The fold of each unit.
        fit: Gives thresholds by name.

    Returns:
        For each name that every fold has, what became of each fold.
    """
    found: list[dict[str, Judged]] = []
    for fold in range(int(dealt.max()) + 1):
        thresholds = fit(given.take(np.flatnonzero(dealt != fold)).compared())
        new = given.take(np.flatnonzero(dealt == fold)).compared()
        tallies = new.tallies(list(thresholds.values()), CLAIM)
        found.append(dict(zip(thresholds, judged(new, tallies), strict=True)))
    shared = [name for name in found[0] if all(name in one for one in found)]
    return {name: [one[name] for one in found] for name in shared}


def cross_fit(
    given: Precomputed, *, folds: int = FOLDS, seed: int = 0, fitting: Fitting | None = None
) -> CrossFitted:
    """Calibrate on all of the data, and measure that by folds.

    Args:
        given: Embeddings or comparisons.
        folds: Into how many parts to deal.
        seed: Of the dealing.
        fitting: How to calibrate.

    Raises:
        BadArgument: If there are not 2 to 100 folds.
        SpecError: If the calibrator is none.
        SplitError: If the data cannot be dealt into so many.
    """
    how = fitting or Fitting()
    dealt = deal(given, folds, seed)
    whole = given.compared()
    fitted, graded = how.fit_precomputed(given), graded_by(given)
    found: list[Calibration] = []

    def thresholds_fitted_on(known: PairSet) -> dict[str, float]:
        found.append(how.fit_pairs(known, fitted.calibrator))
        # A limit that a fold's data cannot guarantee has no threshold there.
        return {p.name: p.threshold for p in found[-1].points if p.supported or not p.guaranteed}

    decided = decide_folds(given, dealt, thresholds_fitted_on)
    said = [
        FoldProbabilities.of(
            given.take(np.flatnonzero(dealt == fold)).compared(),
            one.ratios,
            CLAIM,
            how.request.prior,
        )
        for fold, one in enumerate(found)
    ]
    points = [
        replace(point, test=pooled_rates(decided[point.name]) if point.name in decided else None)
        for point in fitted.points
    ]
    at = decided[ACCURACY_POINT]
    even = isinstance(given, PrecomputedComparisons) and is_stratified(given, dealt)
    return CrossFitted(
        calibration=fitted.with_points(points),
        verification=replace(verify_all(whole, (), CLAIM), points=tuple(points)),
        accuracy=accuracy(at, balanced=False) if even else None,
        balanced_accuracy=accuracy(at, balanced=True),
        probability=pool_probabilities(said, how.request.prior, one_scale=True),
        folds=folds,
        parts=tuple(np.bincount(dealt, minlength=folds).tolist()),
        thresholds={
            name: tuple(next(p.threshold for p in one.points if p.name == name) for one in found)
            for name in decided
        },
        stratified=even,
        grades=None if graded is None else graded.cross_fitted(folds, seed=seed),
    )


def graded_by(given: Precomputed) -> GradedDistances | None:
    """The pairs that were graded; None where none were."""
    return given.graded if isinstance(given, PrecomputedComparisons) else None
