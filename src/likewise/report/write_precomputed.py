"""Puts the page of data alone together, which `evaluate` writes, and writes it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from likewise.calibration import Calibration
from likewise.evaluation import CrossFitted, Measured
from likewise.io import atomic
from likewise.precomputed import Precomputed
from likewise.report.precomputed import Dealt, PrecomputedReport, render_precomputed
from likewise.report.precomputed_wording import UNKNOWN_TRAINING, counted, stratified_words
from likewise.report.write import made_with


def cross_fitted_report(given: Precomputed, found: CrossFitted, rerun: str) -> PrecomputedReport:
    """Return what the page shows of thresholds that were fitted in folds.

    Args:
        given: The data.
        found: What `tasks.precomputed.evaluate_precomputed` measured.
        rerun: The command that makes it again.
    """
    measured, default = found.verification, found.calibration.default()
    name = "" if default is None else default.name
    thresholds: Sequence[float | None] = found.thresholds.get(name, (None,) * found.folds)
    accuracy = {} if found.accuracy is None else {"Accuracy": found.accuracy}
    cautions = [stratified_words(found), UNKNOWN_TRAINING]
    return PrecomputedReport(
        source=given.place,
        counted=counted(given, measured),
        measure=given.measure,
        how=(
            f"Measured in {found.folds} folds: each is decided by thresholds fitted on the others."
        ),
        caution=" ".join(words for words in cautions if words),
        verification=measured,
        default_point=name,
        accuracy={**accuracy, "Balanced accuracy": found.balanced_accuracy},
        probability=found.probability,
        said=(
            "No pair is asked about by a calibration that was fitted on it: each fold's "
            "probabilities come from the other folds."
        ),
        choice=found.calibration.choice,
        dealt=tuple(
            Dealt(number, units, threshold)
            for number, (units, threshold) in enumerate(
                zip(found.parts, thresholds, strict=True), 1
            )
        ),
        rerun=(rerun,),
        environment={"compared by": given.measure},
        grades=found.grades,
    )


def frozen_report(
    given: Precomputed, measured: Measured, calibration: Calibration, path: str, rerun: str
) -> PrecomputedReport:
    """Return what the page shows of thresholds that were fitted on other data.

    Args:
        given: The data.
        measured: What `tasks.precomputed.evaluate_precomputed_at` measured.
        calibration: Whose thresholds they are.
        path: Of its file.
        rerun: The command that makes it again.
    """
    default = calibration.default()
    cautions = [
        f"They were fitted on {calibration.source}: on the same data no rate is a promise."
        if calibration.source == given.place
        else "",
        UNKNOWN_TRAINING,
    ]
    return PrecomputedReport(
        source=given.place,
        counted=counted(given, measured.verification),
        measure=given.measure,
        how=f"The thresholds are those of {path}, fitted before these data were seen.",
        caution=" ".join(words for words in cautions if words),
        verification=measured.verification,
        default_point="" if default is None else default.name,
        accuracy={},
        probability=measured.probability,
        said=f"The probabilities are those of {path}.",
        choice=None,
        dealt=(),
        rerun=(rerun,),
        environment={"compared by": given.measure},
        grades=measured.grades,
    )


def write_precomputed_page(report: PrecomputedReport, page: Path) -> None:
    """Write the page of data alone, replaced as a whole.

    Args:
        report: What it shows; the versions of what made it are added to its environment.
        page: The file.

    Raises:
        SaveFailed: If it cannot be written.
    """
    made = replace(report, environment={**report.environment, **made_with()})
    atomic.replace(page, render_precomputed(made).encode())
