"""What `evaluate` does with data alone: no model, but embeddings or comparisons."""

import shlex
from typing import Any

from likewise.cli import precomputed
from likewise.cli.text.grades import grading_words


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
    from likewise.report import page_of

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
