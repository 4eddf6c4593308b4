"""What `evaluate` does with a model: measure it on items that it did not learn from."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from likewise.sources.tabular.grades import Grading


def evaluate_model(
    model: str,
    source: str,
    *,
    calibration: str,
    comparator: str,
    prior: float,
    allow_overlap: bool,
    strict: bool,
    by: str,
    rerank: int | None,
    report: str,
    examples: bool,
    grading: "Grading | None",
    as_json: bool,
) -> None:
    """Measure a model, write the page and print what was found."""
    from likewise.cli.text.evaluation import evaluation_lines
    from likewise.cli.text.output import as_json_line, grading_options, rerun
    from likewise.data import source_named
    from likewise.model import Model
    from likewise.report import (
        UNKNOWN_TRAINING,
        check_report,
        examples_of,
        report_of,
        write_report,
    )
    from likewise.tasks.evaluate import evaluate

    built = source_named(source, by=by, grading=grading)
    if report:
        check_report(Path(report))
    loaded = Model(model)
    evaluation, decoded = evaluate(
        loaded,
        built,
        calibration=calibration,
        comparator=comparator,
        prior=prior,
        allow_overlap=allow_overlap,
        strict=strict,
        by=by,
        rerank=rerank,
    )
    with decoded:
        shown = examples_of(evaluation, decoded) if examples else ()
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in evaluation.source)
    page = Path(report) if report else loaded.folder / f"evaluation-{name}.html"
    options = {
        "--comparator": comparator,
        "--calibration": calibration if calibration != "default" else "",
        "--prior": prior if prior != 0.5 else None,
        "--by": by,
        "--rerank": rerank,
        **grading_options(grading),
        "--allow-overlap": allow_overlap,
    }
    made = report_of(
        loaded,
        evaluation,
        shown,
        data={"test": f"{evaluation.verification.counted}: {source}"},
        rerun=(rerun("evaluate", model, source, options=options),),
        choice=loaded.calibration(calibration, comparator).choice,
    )
    write_report(made, page)
    lines = evaluation_lines(evaluation)
    lines += [] if "recipe" in loaded.manifest.files else [UNKNOWN_TRAINING]
    print(as_json_line(evaluation) if as_json else "\n".join([*lines, f"report: {page}"]))
