"""`likewise evaluate`: how good are the decisions on items never learned from?"""

from typing import Annotated

import typer

from likewise.cli import options
from likewise.cli.options import WITH_MODEL, WITHOUT_MODEL, refuse

FOLDING = "Of a recipe or source in folds"


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
    no_examples: options.NoExamples = False,
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
    strict: options.Strict = False,
    distance: options.Distance = "",
    columns: options.ColumnNames = "",
    similarity: options.Similarity = "",
    same_from: options.SameFrom = None,
    different_to: options.DifferentTo = None,
    folds: options.FoldCount = None,
    budget: str = typer.Option(
        "",
        metavar="TIME",
        rich_help_panel=FOLDING,
        show_default="as the recipe says",
        help="Train so long in each fold: 90s, 2min, 1.5h.",
    ),
    settings: Annotated[list[str] | None, options.recipe_fields(FOLDING)] = None,
    named: Annotated[str, options.recipe_name(FOLDING)] = "",
    identity_level: options.IdentityLevel = 0,
    as_json: options.AsJson = False,
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
    from likewise.cli.cross_validation import evaluate_in_folds, trains
    from likewise.cli.evaluate_model import evaluate_model
    from likewise.cli.evaluate_precomputed import evaluate_alone
    from likewise.data import grading_of, levelled

    data_alone = {"--distance": distance, "--columns": columns, "--similarity": similarity}
    of_model: dict[str, object] = {"--no-examples": no_examples, "--allow-overlap": allow_overlap}
    of_model |= {"--by": by, "--rerank": rerank}
    graded = {"--same-from": same_from, "--different-to": different_to}
    if not source and trains(model):
        others = {**of_model, "--calibration": calibration, **data_alone, **graded}
        refuse(others, "In folds a model is trained for each; leave it out.")
        evaluate_in_folds(
            levelled(model, identity_level),
            folds=folds,
            budget=budget,
            settings=settings or [],
            named=named,
            comparator=comparator,
            prior=prior,
            strict=strict,
            report=report,
            as_json=as_json,
        )
        return
    learning = {"--budget": budget, "--set": settings, "--recipe": named}
    refuse(learning, "It is for a recipe or a source that is trained in folds. Leave it out.")
    grading = grading_of(same_from, different_to)
    if not source:
        refuse({**of_model, "--comparator": comparator, "--strict": strict}, WITHOUT_MODEL)
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
            as_json=as_json,
        )
        return
    refuse({**data_alone, "--folds": folds}, WITH_MODEL)
    evaluate_model(
        model,
        levelled(source, identity_level),
        calibration=calibration or "default",
        comparator=comparator,
        prior=prior,
        allow_overlap=allow_overlap,
        strict=strict,
        by=by,
        rerank=rerank,
        report=report,
        examples=not no_examples,
        grading=grading,
        as_json=as_json,
    )
