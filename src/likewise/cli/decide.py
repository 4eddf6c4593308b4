"""`likewise decide`: what does this distance say?"""

from pathlib import Path

import typer

from likewise.cli import options
from likewise.cli.help import DECIDING


def command(
    calibration: str = typer.Argument(
        metavar="CALIBRATION", help="A file that likewise calibrate wrote."
    ),
    distance: float = typer.Argument(
        metavar="DISTANCE",
        help="How far apart two items are, in the same measure; where it was fitted on "
        "similarities, how alike they are.",
    ),
    far: float | None = typer.Option(
        None,
        metavar="RATE",
        rich_help_panel=DECIDING,
        show_default="0.01 where the data support it, else the smallest that they do",
        help="Use the threshold fitted for this false-accept rate.",
    ),
    at: str = typer.Option(
        "",
        "--operating-point",
        "--at",
        metavar="POINT",
        rich_help_panel=DECIDING,
        show_default=False,
        help="Use the operating point of this name instead of --far: eer, balanced, or far=0.01.",
    ),
    prior: float = typer.Option(
        0.5,
        metavar="SHARE",
        rich_help_panel=DECIDING,
        help="The share of same pairs where this is used, between 0 and 1. It moves the "
        "probability that is printed, not the decision.",
    ),
    as_json: options.AsJson = False,
    exit_code: options.ExitCode = False,
) -> None:
    """Decide by a distance alone whether two items are the same.

    Prints same or different, or undecided where the data behind the calibration support no error
    rate; then the threshold, the probability that the two are the same, and how often this
    threshold was seen to err. Nothing is written.

    Examples:
        likewise decide calibration.json 0.31
        likewise decide calibration.json 0.31 --far 0.05 --prior 0.001 --json

    Exit codes:
        0   decided; with --exit-code: the same
        2   bad input
        10  with --exit-code: different
        11  with --exit-code: undecided

    Next:
        likewise evaluate comparisons.csv
    """
    from likewise.cli.text.decision import decision_lines
    from likewise.cli.text.output import as_json_line
    from likewise.tasks.decide import decide
    from likewise.tasks.precomputed import load_calibration

    decision = decide(calibration, distance, far=far, operating_point=at, prior=prior)
    alike = load_calibration(Path(calibration))[0] == "similarity"
    beside = f" (similarity {distance:.4f})" if alike else ""
    held = f"distance     {decision.distance:.4f}{beside}"
    trials = f"measured on {decision.unit} that it was not fitted on"
    print(as_json_line(decision) if as_json else "\n".join(decision_lines(decision, held, trials)))
    if exit_code:
        codes = {"same": 0, "different": options.DIFFERENT}
        raise typer.Exit(codes.get(decision.verdict, options.UNDECIDED))
