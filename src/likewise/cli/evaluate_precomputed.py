"""What `evaluate` does with data alone: no model, but embeddings or comparisons."""

from pathlib import Path
from typing import TYPE_CHECKING

from likewise.cli.options import refuse
from likewise.cli.precomputed import columns_of, read_alone
from likewise.errors import BadArgument

if TYPE_CHECKING:
    from likewise.precomputed import Precomputed
    from likewise.sources.tabular.grades import Grading


def evaluate_alone(
    path: str,
    *,
    distance: str,
    columns: str,
    similarity: str,
    grading: "Grading | None",
    folds: int | None,
    calibration: str,
    prior: float,
    report: str,
    as_json: bool,
) -> None:
    """Read, measure and print what needs no model; the arguments are what a person gave."""
    from likewise.calibration import DecisionRequest
    from likewise.cli.text.output import as_json_line, grading_options, rerun
    from likewise.cli.text.precomputed import cross_fitted_lines, frozen_lines
    from likewise.evaluation import Fitting
    from likewise.precomputed import FOLDS
    from likewise.report import (
        cross_fitted_report,
        frozen_report,
        page_of,
        write_precomputed_page,
    )
    from likewise.tasks.precomputed import (
        evaluate_precomputed,
        evaluate_precomputed_at,
        load_calibration,
    )

    given = read_alone(path, distance, columns_of(columns, similarity, grading))
    page = page_of(report, path)
    options = {
        "--distance": distance,
        "--columns": columns,
        "--similarity": similarity,
        "--folds": folds,
        "--calibration": calibration,
        "--prior": prior if prior != 0.5 else None,
        **grading_options(grading),
    }
    again = rerun("evaluate", path, options=options)
    if calibration:
        refuse({"--folds": folds}, "The thresholds of --calibration are fitted already. Give one.")
        measure, frozen = load_calibration(Path(calibration))
        _check_measure(calibration, measure, given)
        found = evaluate_precomputed_at(given, frozen, prior)
        write_precomputed_page(frozen_report(given, found, frozen, calibration, again), page)
        answer, lines = as_json_line(found), frozen_lines(given, found, frozen, calibration)
    else:
        fitting = Fitting(request=DecisionRequest(prior=prior))
        cross = evaluate_precomputed(given, folds=folds or FOLDS, fitting=fitting)
        write_precomputed_page(cross_fitted_report(given, cross, again), page)
        answer, lines = as_json_line(cross), cross_fitted_lines(given, cross)
    print(answer if as_json else "\n".join([*lines, f"report: {page}"]))


def _check_measure(path: str, measure: str, given: "Precomputed") -> None:
    """Refuse a calibration of other distances than these."""
    if measure != given.measure:
        raise BadArgument(
            f"{path} was fitted on {measure!r} and {given.place} gives {given.measure!r}: a "
            "threshold of the one means nothing for the other. Choose the same (--distance, "
            "--similarity), or calibrate again."
        )
