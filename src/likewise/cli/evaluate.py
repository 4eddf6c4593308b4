"""`likewise evaluate`: how good are the decisions on items never learned from?"""

import typer

from likewise.cli import folds as folding
from likewise.cli import precomputed
from likewise.cli.text import grades


def command(
    model: str = typer.Argument(
        metavar="MODEL",
        help="A model's folder; or, alone, data that need no model: an .npz of embeddings with "
        "labels, or a table of comparisons (.csv, .tsv, .parquet or .jsonl); or, with --folds, a "
        "recipe.toml or source to train and measure.",
    ),
    source: str = typer.Argument(
        "",
        metavar="SOURCE",
        show_default=False,
        help="Items that the model did not learn from: a folder or .zip with one sub-folder an "
        "identity, a table, an .npz or .ts file, or a source's spec.",
    ),
    report: str = typer.Option(
        "",
        metavar="FILE",
        show_default="evaluation-NAME.html in the model's folder; without a model, in this one",
        help="Where to write the report, an HTML page.",
    ),
    no_examples: bool = typer.Option(False, "--no-examples", help="Show no items in the report."),
    comparator: str = typer.Option(
        "",
        metavar="WHICH",
        show_default="matcher where the model has one, else distance",
        help="What compares: distance or matcher.",
    ),
    calibration: str = typer.Option(
        "",
        metavar="NAME",
        show_default="default; with data alone, thresholds fitted in folds",
        help="Which of the model's calibrations: likewise list MODEL names them. With data alone, "
        "a file that likewise calibrate wrote of other data.",
    ),
    prior: float = typer.Option(
        0.5,
        metavar="SHARE",
        help="The share of same pairs where this is used, between 0 and 1, for what is measured "
        "of the probabilities.",
    ),
    allow_overlap: bool = typer.Option(
        False,
        "--allow-overlap",
        help="Measure on what the model learned from, too; such rates promise nothing.",
    ),
    by: str = typer.Option(
        "",
        metavar="COLUMN",
        show_default=False,
        help="Show the error rates of each group, too: of a table's column of this name, else "
        "group for the source's own groups.",
    ),
    rerank: int | None = typer.Option(
        None,
        "--rerank",
        metavar="K",
        show_default="50",
        help="How many of the nearest a matcher that reads feature maps puts in order, where items "
        "are recognised or retrieved.",
    ),
    strict: bool = typer.Option(
        False,
        "--strict",
        help="Stop at the first item that cannot be read, instead of leaving it out.",
    ),
    distance: str = precomputed.DISTANCE,
    columns: str = precomputed.COLUMNS,
    similarity: str = precomputed.SIMILARITY,
    same_from: float | None = grades.SAME_FROM,
    different_to: float | None = grades.DIFFERENT_TO,
    folds: int | None = precomputed.FOLDS_OPTION,
    budget: str = folding.BUDGET,
    settings: list[str] = folding.SETTINGS,
    named: str = folding.NAMED,
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Measure a model on other items, or data that need no model.

    The thresholds stay as the model has them: this says how often they err on these items, each
    rate with its 95% interval and the counts behind it; and whether the probabilities are what
    they say. Items that the model learned from are refused.

    Without a model, embeddings with labels or a table of comparisons are dealt into folds; each
    fold is decided by thresholds fitted on the others, and the decisions are pooled.

    With --folds, a recipe or a source is trained, calibrated and tested once for each fold, on
    identities of its own; every fold applies its own threshold, and the decisions are pooled. The
    models are not kept. Unless fractions are set, ten identities at least calibrate where 30 are
    left.

    Examples:
        likewise evaluate model/ others/
        likewise evaluate model/ others.zip --report others.html --no-examples
        likewise evaluate model/ others/ --comparator distance --json
        likewise evaluate vectors.npz --distance cosine
        likewise evaluate comparisons.csv --columns left,right,match,gap
        likewise evaluate comparisons.csv --similarity cosine --folds 10
        likewise evaluate graded.csv --same-from 4
        likewise evaluate model/ people.csv --by site
        likewise evaluate faces/ --folds 4 --budget 2min
        likewise evaluate recipe.toml --folds 5 --set loss.margin=0.3 --json

    Writes:
        MODEL/evaluation-NAME.html  the report, where NAME is that of the source
        evaluation-NAME.html        the same without a model, in this folder

    Exit codes:
        0  measured
        2  bad input, or items that the model learned from

    Next:
        likewise embed model/ images/ --out e.npz
    """
    from likewise.cli.precomputed_page import evaluate_alone
    from likewise.cli.start import grouped_spec
    from likewise.cli.text.evaluation import source_spec

    if not source and folding.trains(model):
        others = {"--no-examples": no_examples, "--calibration": calibration}
        others |= {"--allow-overlap": allow_overlap, "--distance": distance, "--columns": columns}
        others |= {
            "--similarity": similarity,
            "--by": by,
            "--rerank": rerank is not None,
            "--same-from": same_from is not None,
            "--different-to": different_to is not None,
        }
        precomputed.refuse(others, folding.NOT_HERE)
        folding.evaluate(
            model,
            folds=folds,
            budget=budget,
            settings=settings,
            named=named,
            comparator=comparator,
            prior=prior,
            strict=strict,
            report=report,
            json=json,
        )
        return
    precomputed.refuse(
        {"--budget": budget, "--set": settings, "--recipe": named}, folding.ONLY_HERE
    )
    grading = grades.grading_of(same_from, different_to)
    if not source:
        own = {"--no-examples": no_examples, "--comparator": comparator}
        own |= {"--allow-overlap": allow_overlap, "--strict": strict, "--by": by}
        own |= {"--rerank": rerank is not None}
        precomputed.refuse(own, "It is for a model, and data were given alone. Leave it out.")
        evaluate_alone(
            model,
            distance=distance,
            columns=columns,
            similarity=similarity,
            grading=grading,
            folds=folds,
            calibration=calibration,
            prior=prior,
            report=report,
            json=json,
        )
        return
    alone = {"--distance": distance, "--columns": columns, "--similarity": similarity}
    precomputed.refuse({**alone, "--folds": folds}, precomputed.WITH_MODEL)
    _with_model(
        model,
        source,
        grades.graded_spec(grouped_spec(source_spec(source), by), grading),
        calibration=calibration or "default",
        comparator=comparator,
        prior=prior,
        allow_overlap=allow_overlap,
        strict=strict,
        by=by,
        rerank=rerank,
        report=report,
        examples=not no_examples,
        grading=grades.grading_words(grading),
        json=json,
    )


def _with_model(
    model: str,
    source: str,
    spec: str,
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
    grading: list[str],
    json: bool,
) -> None:
    """Measure a model, write the page and print what was found."""
    import shlex
    from pathlib import Path

    from likewise.cli.text.evaluation import as_json, evaluation_lines
    from likewise.model import Model
    from likewise.report import check_report, examples_of, report_of, write_report
    from likewise.sources import FAMILY
    from likewise.tasks.evaluate import evaluate as measure

    if report:
        check_report(Path(report))
    loaded = Model(model)
    built = FAMILY.build(spec)
    evaluation, decoded = measure(
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
    again = ["likewise", "command", model, source]
    again += ["--comparator", comparator] if comparator else []
    again += ["--calibration", calibration] if calibration != "default" else []
    again += ["--prior", str(prior)] if prior != 0.5 else []
    again += ["--by", by] if by else []
    again += [] if rerank is None else ["--rerank", str(rerank)]
    again += grading
    again += ["--allow-overlap"] if allow_overlap else []
    made = report_of(
        loaded,
        evaluation,
        shown,
        data={"test": f"{evaluation.verification.counted}: {source}"},
        rerun=(shlex.join(again),),
        choice=loaded.calibration(calibration, comparator).choice,
    )
    write_report(made, page)
    if json:
        print(as_json(evaluation))
        return
    print("\n".join(evaluation_lines(evaluation)))
    if "recipe" not in loaded.manifest.files:
        print(precomputed.UNKNOWN_TRAINING)
    print(f"report: {page}")
