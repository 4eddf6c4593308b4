"""How what was measured with no model reads on a terminal."""

from typing import TYPE_CHECKING

from likewise.cli.text.evaluation import calibration_lines, probability_lines
from likewise.cli.text.grades import equal_lines, grade_lines
from likewise.cli.text.rates import point_lines, right_words
from likewise.report import UNKNOWN_TRAINING, counted, stratified_words

if TYPE_CHECKING:
    from likewise.calibration import Calibration
    from likewise.evaluation import CrossFitted, Measured
    from likewise.precomputed import Precomputed
    from likewise.results import Verification
    from likewise.tasks.precomputed import PrecomputedCalibration


def cross_fitted_lines(given: "Precomputed", found: "CrossFitted") -> list[str]:
    """Return a cross-fitted evaluation as the lines that a person reads."""
    measured = found.verification
    lines = [
        counted(given, measured),
        *grade_lines(found.grades),
        (
            f"{found.folds} folds: thresholds are fitted on all others and applied to each, and "
            "decisions are pooled"
        ),
    ]
    if found.accuracy is not None:
        lines.append(f"accuracy {right_words(found.accuracy, measured.unit)}")
    elif words := stratified_words(found):
        lines.append(words)
    right = right_words(found.balanced_accuracy, measured.unit, balanced=True)
    lines.append(f"balanced accuracy {right}")
    lines += _distance_lines(measured)
    lines.append(f"calibrated by {found.calibration.calibrator}, each fold by the others:")
    return [*lines, *probability_lines(found.probability), UNKNOWN_TRAINING]


def frozen_lines(
    given: "Precomputed", found: "Measured", frozen: "Calibration", path: str
) -> list[str]:
    """Return what thresholds of other data did, as the lines that a person reads.

    Args:
        given: The data.
        found: What was measured.
        frozen: Whose thresholds they are.
        path: Of its file.
    """
    lines = [counted(given, found.verification), f"thresholds as {path} has them"]
    if frozen.source == given.place:
        lines.append(f"they were fitted on {frozen.source}: on the same data no rate is a promise")
    lines += [*grade_lines(found.grades), *_distance_lines(found.verification)]
    return [*lines, *probability_lines(found.probability)]


def calibrated_lines(made: "PrecomputedCalibration") -> list[str]:
    """Return a calibration of data alone as the lines that a person reads."""
    measured = f"rates measured in {made.folds} folds, each by thresholds fitted on the others"
    if made.unmeasured:
        measured = f"its rates were not measured on other data. {made.unmeasured}"
    return [*calibration_lines(made.measure, made.calibration), measured, UNKNOWN_TRAINING]


def _distance_lines(measured: "Verification") -> list[str]:
    """Return what describes the distances, and every operating point."""
    lines = [
        (
            f"AUC {measured.auc:.4f}, equal error rate {measured.eer:.4f} (its threshold is chosen "
            "on these very pairs: optimistic)"
        ),
        *equal_lines(measured),
    ]
    return lines + [line for point in measured.points for line in point_lines(measured, point)]
