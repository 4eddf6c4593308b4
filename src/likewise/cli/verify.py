"""`likewise verify`: are these two the same?"""

import typer

from likewise.cli import options
from likewise.cli.help import DECIDING


def command(
    model: options.ModelFolder,
    first: str = typer.Argument(
        metavar="FIRST",
        help="A file: an image; or a series as .npy, or as text with one time step a line.",
    ),
    second: str = typer.Argument(metavar="SECOND", help="Another file of the same kind."),
    far: float | None = typer.Option(
        None,
        metavar="RATE",
        rich_help_panel=DECIDING,
        show_default="0.01 where the data support it, else the smallest that they do",
        help="Use the threshold fitted for this false-accept rate: 0.001, 0.01, 0.05 or 0.1.",
    ),
    at: str = typer.Option(
        "",
        "--operating-point",
        "--at",
        metavar="POINT",
        rich_help_panel=DECIDING,
        show_default=False,
        help="Use the operating point of this name instead of --far: eer (both errors equally "
        "frequent), balanced (their mean smallest), or far=0.01.",
    ),
    guarantee: bool = typer.Option(
        False,
        "--guarantee",
        rich_help_panel=DECIDING,
        help="Use a threshold whose false-accept rate is within --far with 95% confidence, not "
        "one that had this rate on the items calibrated on.",
    ),
    cost_false_accept: float | None = typer.Option(
        None,
        "--cost-false-accept",
        metavar="COST",
        rich_help_panel=DECIDING,
        show_default=False,
        help="Use the threshold of least cost, which likewise calibrate fitted for the same costs "
        "and --prior; 1 where only the other is given.",
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
        help="The share of same pairs where this is used, between 0 and 1. It moves the "
        "probability that is printed, and of the decision only one by costs.",
    ),
    calibration: str = typer.Option(
        "default",
        metavar="NAME",
        rich_help_panel=DECIDING,
        help="Which of the model's calibrations: likewise list MODEL names them.",
    ),
    comparator: str = typer.Option(
        "",
        metavar="WHICH",
        rich_help_panel=DECIDING,
        show_default="matcher where the model has one, else distance",
        help="What compares: distance or matcher.",
    ),
    as_json: options.AsJson = False,
    exit_code: options.ExitCode = False,
) -> None:
    """Decide whether two items are the same.

    Prints same or different, or undecided where the model's data support no error rate; then the
    distance, the threshold it was held against, the probability that the two are the same, and
    how often this threshold was seen to err. Nothing is written.

    Examples:
        likewise verify model/ a.png b.png
        likewise verify model/ a.png b.png --far 0.05 --prior 0.001
        likewise verify model/ a.png b.png --at balanced --json
        likewise verify model/ a.png b.png --guarantee --calibration default
        likewise verify model/ a.png b.png --exit-code && echo the same

    Exit codes:
        0   decided; with --exit-code: the same
        2   bad input
        10  with --exit-code: different
        11  with --exit-code: undecided
        12  with --exit-code: not acquired, as where an item cannot be decoded

    Next:
        likewise evaluate model/ others/
    """
    from likewise.calibration import DecisionRequest
    from likewise.cli.text.decision import decision_lines
    from likewise.cli.text.evaluation import costs_of
    from likewise.cli.text.output import as_json_line
    from likewise.model import Model
    from likewise.results import claim_sentence
    from likewise.tasks.verify import decide_pair

    loaded = Model(model)
    request = DecisionRequest(
        far=far,
        operating_point=at,
        guaranteed=guarantee or None,
        costs=costs_of(cost_false_accept, cost_false_reject),
        prior=prior,
        calibration=calibration,
        comparator=comparator,
    )
    decision = decide_pair(loaded, first, second, request)
    learned = loaded.comparator_name(comparator) == "matcher"
    held = f"{'dissimilarity' if learned else 'distance   '}  {decision.distance:.4f}"
    trials = claim_sentence(decision.claim, decision.unit)
    if decision.point.test is not None:
        trials += f" ({decision.point.test.far.units})"
    print(as_json_line(decision) if as_json else "\n".join(decision_lines(decision, held, trials)))
    if exit_code:
        codes = {"same": 0, "different": options.DIFFERENT}
        raise typer.Exit(codes.get(decision.verdict, options.UNDECIDED))
