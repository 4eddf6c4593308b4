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
    from likewise.cli.text.output import as_json_line, grading_options, layout_lines, rerun
    from likewise.data import source_named
    from likewise.model import Model
    from likewise.report import NAMELESS, UNKNOWN_TRAINING, check_report, evaluation_page
    from likewise.tasks.evaluate import evaluate

    if report:
        check_report(Path(report))
    loaded, built = Model(model), source_named(source, by=by, grading=grading)
    place = Path(report) if report else loaded.folder
    options = {
        "--comparator": comparator,
        "--calibration": calibration if calibration != "default" else "",
        "--prior": prior if prior != 0.5 else None,
        "--by": by,
        "--rerank": rerank,
        **grading_options(grading),
        "--allow-overlap": allow_overlap,
    }
    evaluation = evaluate(
        loaded,
        built,
        calibration=calibration,
        comparator=comparator,
        prior=prior,
        allow_overlap=allow_overlap,
        strict=strict,
        by=by,
        rerank=rerank,
        report=place,
        examples=examples,
        described=source,
        rerun=(rerun("evaluate", model, source, options=options),),
    )
    page = evaluation_page(place, evaluation.source)
    lines = evaluation_lines(evaluation)
    lines += layout_lines(built)
    lines += [NAMELESS] if loaded.trained_on.is_private else []
    lines += [] if "recipe" in loaded.manifest.files else [UNKNOWN_TRAINING]
    print(as_json_line(evaluation) if as_json else "\n".join([*lines, f"report: {page}"]))
