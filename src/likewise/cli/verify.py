"""`likewise verify`: are these two the same?"""

import typer


def verify(
    model: str = typer.Argument(help="A model's folder."),
    first: str = typer.Argument(help="A file."),
    second: str = typer.Argument(help="Another file."),
    far: float | None = typer.Option(
        None, help="Use the threshold fitted for this false-accept rate (a fraction)."
    ),
    prior: float = typer.Option(0.5, help="The share of same pairs where this is used."),
    at: str = typer.Option(
        "", help="Use the operating point of this name: eer, balanced or far=0.01."
    ),
    comparator: str = typer.Option(
        "", help="distance or matcher; the matcher where the model has one."
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
    exit_code: bool = typer.Option(
        False, "--exit-code", help="Exit 0 for same, 1 for different, 3 for undecided."
    ),
) -> None:
    """Decide whether two items are the same, with the error rate measured for it.

    Example: likewise verify model/ a.png b.png
    """
    from likewise.cli.words import as_json, point_words, rate_words
    from likewise.model import Model
    from likewise.results import claim_sentence
    from likewise.tasks.verify import verify as decide

    decision = decide(
        Model(model), first, second, far=far, prior=prior, comparator=comparator, at=at
    )
    point = decision.point
    if json:
        print(as_json(decision))
    else:
        print(decision.verdict)
        print(f"  distance     {decision.distance:.4f}")
        if point.supported:
            print(f"  threshold    {decision.threshold:.4f}, {point_words(point)}")
            print(
                f"  probability  {decision.probability:.3f} that they are the same, where "
                f"{decision.prior} of all pairs are"
            )
            if point.test is not None:
                print(f"  FAR          {rate_words(point.test.far, decision.unit)}")
                print(f"  FRR          {rate_words(point.test.frr, decision.unit)}")
                said = claim_sentence(decision.claim, decision.unit)
                print(f"               {said} ({point.test.far.units})")
        else:
            print(
                f"  threshold    {decision.threshold:.4f}, where both errors were equal; "
                f"unsupported: {point.reason}"
            )
    if exit_code:
        raise typer.Exit({"same": 0, "different": 1}.get(decision.verdict, 3))
