"""What `evaluate --folds` does with a recipe or a source: train, calibrate and test in folds."""

from pathlib import Path

from likewise.errors import BadArgument


def trains(target: str) -> bool:
    """Return whether what was given alone is to be learned from: a recipe or a source."""
    path = Path(target)
    if path.is_dir():
        return not (path / "model.toml").is_file()
    if path.is_file():
        return path.suffix.lower() in {".toml", ".zip", ".ts"}
    return target.endswith(".toml") or target.isidentifier() or "(" in target or ":" in target


def evaluate_in_folds(
    target: str,
    *,
    folds: int | None,
    budget: str,
    settings: list[str],
    named: str,
    comparator: str,
    prior: float,
    strict: bool,
    report: str,
    as_json: bool,
) -> None:
    """Train and measure a recipe or a source in folds, write the page, and print what was found."""
    from likewise.cli.text.folds import fold_lines
    from likewise.cli.text.output import as_json_line, rerun
    from likewise.learn import cross_validate
    from likewise.report import page_of

    if folds is None:
        raise BadArgument(
            f"{target} is no model. To train and measure it in folds, say how many, as in --folds "
            "5; or give a model's folder first."
        )
    page = page_of(report, target)
    options = {
        "--folds": folds,
        "--budget": budget,
        "--set": settings,
        "--recipe": named,
        "--comparator": comparator,
        "--prior": prior if prior != 0.5 else None,
    }
    found = cross_validate(
        target,
        folds=folds,
        budget=budget or None,
        recipe=named,
        settings=settings,
        comparator=comparator,
        prior=prior,
        strict=strict,
        report=page,
        rerun=(rerun("evaluate", target, options=options),),
        progress=not as_json,
    )
    print(as_json_line(found) if as_json else "\n".join([*fold_lines(found), f"report: {page}"]))
