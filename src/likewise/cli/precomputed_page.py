"""The page that `evaluate` writes of data alone."""

import shlex
from pathlib import Path
from typing import Any

from likewise.cli import precomputed
from likewise.cli.precomputed import UNKNOWN_TRAINING, counted, stratified_words
from likewise.cli.text.grades import grading_words


def cross_fitted(given: Any, found: Any, rerun: str) -> Any:
    """What the page shows of thresholds that were fitted in folds.

    Args:
        given: The data.
        found: What `tasks.given.evaluate` measured.
        rerun: The command that makes it again.
    """
    from likewise.report import Dealt, PrecomputedReport

    measured, default = found.verification, found.calibration.default()
    name = "" if default is None else default.name
    thresholds = found.thresholds.get(name, [None] * found.folds)
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


def frozen(given: Any, measured: Any, calibration: Any, path: str, rerun: str) -> Any:
    """What the page shows of thresholds that were fitted on other data.

    Args:
        given: The data.
        measured: What `tasks.given.evaluate_at` measured.
        calibration: Whose thresholds they are.
        path: Of its file.
        rerun: The command that makes it again.
    """
    from likewise.report import PrecomputedReport

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


def page_of(report: str, source: str) -> Path:
    """Where a page goes: where a person said, else `evaluation-NAME.html` in this folder.

    Args:
        report: What a person said; empty for nothing.
        source: What is measured: a path, or a source's spec.

    Raises:
        BadArgument: If it cannot be written there.
        MissingExtra: If what draws it is not installed.
    """
    from likewise.report import check_report

    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in Path(source).stem)
    page = Path(report) if report else Path(f"evaluation-{name.strip('-') or 'data'}.html")
    check_report(page)
    return page


def evaluate_alone(
    path: str,
    *,
    distance: str,
    columns: str,
    similarity: str,
    grading: Any,
    folds: int | None,
    calibration: str,
    prior: float,
    report: str,
    json: bool,
) -> None:
    """Read, measure and print what needs no model; the arguments are what a person gave."""
    data = precomputed.read(
        path, distance=distance, columns=columns, similarity=similarity, grading=grading
    )
    options = {"--distance": distance, "--columns": columns, "--similarity": similarity}
    options |= {"--folds": str(folds or ""), "--calibration": calibration}
    options |= {"--prior": f"{prior:g}" if prior != 0.5 else ""}
    words = [word for name, value in options.items() if value for word in (name, value)]
    words += grading_words(grading)
    precomputed.evaluate(
        data,
        folds=folds,
        calibration=calibration,
        prior=prior,
        page=page_of(report, path),
        rerun=shlex.join(["likewise", "evaluate", path, *words]),
        json=json,
    )
