"""`likewise monitor`: do today's items still look like those it was calibrated on?"""

import typer

from likewise.cli import options


def command(
    model: options.ModelFolder,
    source: str = typer.Argument(
        metavar="SOURCE",
        help="Today's items; they need no labels. A folder or .zip of files, with one sub-folder "
        "an identity or without any, a table, an .npz or .ts file, or a source's spec.",
    ),
    calibration: str = typer.Option(
        "default",
        metavar="NAME",
        help="Which of the model's calibrations: likewise list MODEL names them.",
    ),
    unlabelled: bool = typer.Option(
        False,
        "--unlabelled",
        help="Take every item by itself, as where sub-folders are days and not identities. Many "
        "items of one identity may then pass for a shift.",
    ),
    level: float = typer.Option(
        0.05,
        metavar="SHARE",
        help="How often an alarm may be false where nothing changed, from 0.001.",
    ),
    seed: options.Seed = 0,
    strict: options.Strict = False,
    identity_level: options.IdentityLevel = 0,
    as_json: options.AsJson = False,
    exit_code: bool = typer.Option(False, "--exit-code", help="Say it by the exit code, too."),
) -> None:
    """Say whether items look like those that a model was calibrated on.

    The embeddings of single items are compared, not distances of pairs, which move with the mix
    of same and different pairs, too. So a change is seen before any error rate is known. Whole
    identities are what is drawn, where the source names them: other people are no shift by
    themselves, other light is. Nothing is written.

    Examples:
        likewise monitor model/ others/
        likewise monitor model/ others/ --unlabelled --level 0.01 --json

    Exit codes:
        0   no difference was found; without --exit-code also where one was
        2   bad input, or too few items to tell
        10  with --exit-code: they look different

    Next:
        likewise calibrate model/ others/ --name today
    """
    from likewise.cli.text.evaluation import monitor_lines
    from likewise.cli.text.output import as_json_line
    from likewise.data import levelled, source_named
    from likewise.model import Model
    from likewise.tasks.monitor import monitor

    found = monitor(
        Model(model),
        source_named(levelled(source, identity_level)),
        calibration=calibration,
        unlabelled=unlabelled,
        level=level,
        seed=seed,
        strict=strict,
    )
    print(as_json_line(found) if as_json else "\n".join(monitor_lines(found)))
    if exit_code and found.shifted:
        raise typer.Exit(options.DIFFERENT)
