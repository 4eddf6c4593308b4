"""`likewise calibrate`: fit decision and probability again, for another population."""

import typer

from likewise.cli import options
from likewise.cli.help import ALONE, DECIDING
from likewise.cli.options import WITH_MODEL, WITHOUT_MODEL, refuse


def command(
    model: str = typer.Argument(
        metavar="MODEL",
        help="A model's folder; or, alone, data that need no model: an .npz of embeddings with "
        "labels, or a table of comparisons (.csv, .tsv, .parquet or .jsonl).",
    ),
    source: str = typer.Argument(
        "",
        metavar="SOURCE",
        show_default=False,
        help="Items that the model was not trained on, with who or what they show: a folder or "
        ".zip with one sub-folder an identity, a table, an .npz or .ts file, or a source's spec.",
    ),
    name: str = typer.Option(
        "",
        metavar="NAME",
        show_default="default",
        help="What the calibration is called; the model's own is called default, and replaced "
        "only with --overwrite.",
    ),
    calibrator: str = typer.Option(
        "auto",
        metavar="SPEC",
        rich_help_panel=DECIDING,
        help="From a distance to a probability: logistic, isotonic, beta; or auto, which takes the "
        "one with the least log loss on identities that it was not fitted on.",
    ),
    far: float | None = typer.Option(
        None,
        metavar="RATE",
        rich_help_panel=DECIDING,
        show_default="0.01",
        help="The false-accept rate to decide by where nobody says. Thresholds for 0.001, 0.01, "
        "0.05 and 0.1 are fitted in any case; this adds another. What the data cannot support "
        "is refused, with what they lack.",
    ),
    guarantee: bool = typer.Option(
        False,
        "--guarantee",
        rich_help_panel=DECIDING,
        help="Decide by thresholds whose false-accept rate is within the target with 95% "
        "confidence. Both sorts are fitted; this says which one is used where nobody asks.",
    ),
    cost_false_accept: float | None = typer.Option(
        None,
        "--cost-false-accept",
        metavar="COST",
        rich_help_panel=DECIDING,
        show_default=False,
        help="Fit a threshold of least cost, too; 1 where only the other cost is given.",
    ),
    cost_false_reject: float | None = typer.Option(
        None,
        "--cost-false-reject",
        metavar="COST",
        rich_help_panel=DECIDING,
        show_default=False,
        help="What a false reject costs, in the same unit.",
    ),
    prior: float = typer.Option(
        0.5,
        metavar="SHARE",
        rich_help_panel=DECIDING,
        help="The share of same pairs where this is used, between 0 and 1: where the costs arise, "
        "and where the probabilities are measured.",
    ),
    impostors: str = typer.Option(
        "",
        "--impostors",
        "--against",
        metavar="WHICH",
        rich_help_panel=DECIDING,
        show_default="skilled where items are forged",
        help="Which different pairs the thresholds are fitted for, where some items are forged: "
        "skilled, random or both.",
    ),
    share: float | None = typer.Option(
        None,
        metavar="FRACTION",
        show_default="0.5",
        help="How many of the identities calibrate; on the others it is measured.",
    ),
    seed: options.Seed = 0,
    claim: str = typer.Option(
        "",
        metavar="CLAIM",
        show_default="that of the model",
        help="What the rates promise: new_identities, or known_classes, where these items show "
        "the classes that the model was trained on.",
    ),
    overwrite: bool = typer.Option(
        False, "--overwrite", help="Replace the calibration of that name."
    ),
    allow_overlap: bool = typer.Option(
        False,
        "--allow-overlap",
        help="Calibrate on what the model was trained on, too; such rates promise nothing.",
    ),
    strict: options.Strict = False,
    out: str = typer.Option(
        "",
        metavar="FILE",
        rich_help_panel=ALONE,
        show_default=False,
        help="The .json to write, which decide and evaluate --calibration take; needed.",
    ),
    distance: options.Distance = "",
    columns: options.ColumnNames = "",
    similarity: options.Similarity = "",
    same_from: options.SameFrom = None,
    different_to: options.DifferentTo = None,
    folds: options.FoldCount = None,
    identity_level: options.IdentityLevel = 0,
    as_json: options.AsJson = False,
) -> None:
    """Fit decision and probability for other items, without training.

    Half of the identities fit thresholds and probabilities, the others say how often they err.
    The result stands in the model beside its other calibrations, under a name that verify,
    evaluate and monitor take. Whom it was fitted on is remembered, so that nobody measures on
    them; and so are up to 1,000 of their embeddings, for monitor. Items that the model was
    trained on are refused.

    Without a model, all embeddings or comparisons fit them, and folds say how often such
    thresholds err on what they were not fitted on.

    Examples:
        likewise calibrate model/ others/ --name clinic
        likewise calibrate model/ others/ --name door --far 0.02
        likewise calibrate model/ others/ --name desk --cost-false-accept 10
        likewise calibrate model/ others/ --name safe --guarantee --json
        likewise calibrate vectors.npz --distance cosine --out calibration.json
        likewise calibrate comparisons.csv --out calibration.json

    Writes:
        MODEL/model.toml  and the files it names: calibration, reference, trained_on
        FILE              the calibration, where data are given alone

    Exit codes:
        0  calibrated
        2  bad input, a name that is taken, or items that the model was trained on

    Next:
        likewise verify model/ a.png b.png --calibration clinic
    """
    from likewise.calibration import DecisionRequest
    from likewise.cli.precomputed import calibrate_alone, columns_of, read_alone
    from likewise.cli.text.evaluation import calibration_lines, costs_of, evaluation_lines
    from likewise.cli.text.output import as_json_line, layout_lines
    from likewise.data import grading_of, levelled, source_named
    from likewise.evaluation import Fitting
    from likewise.model import Model
    from likewise.tasks.calibrate import SHARE, calibrate

    costs = costs_of(cost_false_accept, cost_false_reject)
    grading = grading_of(same_from, different_to)
    if not source:
        own = {"--name": name, "--claim": claim, "--overwrite": overwrite, "--share": share}
        own |= {"--impostors": impostors}
        own |= {"--allow-overlap": allow_overlap, "--strict": strict}
        refuse(own, WITHOUT_MODEL)
        data = read_alone(model, distance, columns_of(columns, similarity, grading))
        request = DecisionRequest(far=far, guaranteed=guarantee, costs=costs, prior=prior)
        fitting = Fitting(calibrator, request)
        calibrate_alone(data, out=out, folds=folds, seed=seed, fitting=fitting, as_json=as_json)
        return
    alone = {"--distance": distance, "--columns": columns, "--similarity": similarity}
    refuse({**alone, "--folds": folds, "--out": out}, WITH_MODEL)
    loaded = Model(model)
    built = source_named(levelled(source, identity_level), grading=grading)
    found = calibrate(
        loaded,
        built,
        name=name or "default",
        calibrator=calibrator,
        share=SHARE if share is None else share,
        seed=seed,
        claim=claim,
        limit="guarantee" if guarantee else "plain",
        far=far,
        costs=costs,
        prior=prior,
        impostors=impostors,
        overwrite=overwrite,
        allow_overlap=allow_overlap,
        strict=strict,
    )
    lines = [*calibration_lines(found.name, found.calibration), found.split]
    lines += [*evaluation_lines(found.evaluation), *layout_lines(built)]
    print(as_json_line(found) if as_json else "\n".join(lines))
