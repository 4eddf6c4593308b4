"""`likewise identify`: who is this?"""

import typer

from likewise.cli import options
from likewise.cli.help import DECIDING


def command(
    model: options.ModelFolder,
    gallery: options.GalleryPlace,
    probe: str = typer.Argument(metavar="PROBE", help="A file that shows somebody."),
    fpir: float | None = typer.Option(
        None,
        metavar="RATE",
        rich_help_panel=DECIDING,
        show_default="0.01 where the gallery supports it, else the smallest of 0.05 and 0.1",
        help="Keep the share of strangers that are taken for somebody within this, 95% sure.",
    ),
    prior_unknown: float = typer.Option(
        0.5,
        "--prior-unknown",
        metavar="SHARE",
        rich_help_panel=DECIDING,
        help="How often a probe shows nobody of the gallery, for the probabilities.",
    ),
    fusion: str = typer.Option(
        "nearest",
        metavar="RULE",
        rich_help_panel=DECIDING,
        help="How several items of an identity are held against the probe: the nearest, the mean "
        "of their distances, or the distance to their centroid.",
    ),
    fuse: str = typer.Option("", hidden=True),  # its name before
    calibration: str = typer.Option(
        "default",
        metavar="NAME",
        rich_help_panel=DECIDING,
        help="Which of the model's calibrations gives the probabilities.",
    ),
    candidates: int = typer.Option(
        5, "-k", "--candidates", min=1, metavar="N", help="How many candidates to name."
    ),
    as_json: options.AsJson = False,
    exit_code: options.ExitCode = False,
) -> None:
    """Say who an item shows, or that it shows nobody of the gallery.

    Prints a name, or unknown; or undecided where the gallery is too small for any error rate.
    Then the candidates, nearest first, with their probabilities, which count that the probe may
    be unknown. The threshold is that of the gallery as it now is: every identity is left out in
    turn, and asked for as a stranger would be. Nothing is written.

    Examples:
        likewise identify model/ people.db a.png
        likewise identify model/ people.db a.png --fusion centroid --prior-unknown .9
        likewise identify model/ people.db a.png --json

    Exit codes:
        0   answered; with --exit-code: identified
        2   bad input, or a rate that the gallery cannot support
        10  with --exit-code: unknown
        11  with --exit-code: undecided
        12  with --exit-code: not acquired, as where an item cannot be decoded

    Next:
        likewise search model/ people.db a.png
    """
    from likewise.cli.text.gallery import identified_lines
    from likewise.cli.text.output import as_json_line
    from likewise.gallery import check_rule
    from likewise.model import Model
    from likewise.tasks.identify import identify

    found = identify(
        Model(model),
        gallery,
        probe,
        fpir=fpir,
        prior_unknown=prior_unknown,
        fusion=check_rule(fuse or fusion),
        calibration=calibration,
        candidates=candidates,
    )
    print(as_json_line(found) if as_json else "\n".join(identified_lines(found)))
    if exit_code:
        codes = {"identified": 0, "unknown": options.DIFFERENT}
        raise typer.Exit(codes.get(found.verdict, options.UNDECIDED))
