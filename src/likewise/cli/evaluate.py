"""`likewise evaluate`: how good are the decisions on items never learned from?"""

import typer


def evaluate(
    model: str = typer.Argument(help="A model's folder."),
    source: str = typer.Argument(help="A folder or .zip of identities, or a source's spec."),
    report: str = typer.Option(
        "", help="Where to write the report; by default evaluation-NAME.html in the model."
    ),
    allow_overlap: bool = typer.Option(
        False, "--allow-overlap", help="Measure on what the model learned from, too."
    ),
    no_examples: bool = typer.Option(False, "--no-examples", help="Show no items in the report."),
    comparator: str = typer.Option(
        "", help="distance or matcher; the matcher where the model has one."
    ),
    strict: bool = typer.Option(False, help="Stop at the first item that cannot be read."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Measure a model's frozen operating points on other items, and write the report.

    Example: likewise evaluate model/ other/
    """
    import shlex
    from pathlib import Path

    from likewise.cli.words import as_json, evaluation_lines, source_spec
    from likewise.model import Model
    from likewise.presentation import examples_of, report_of, write
    from likewise.sources import FAMILY
    from likewise.tasks.evaluate import evaluate as measure

    loaded = Model(model)
    built = FAMILY.build(source_spec(source))
    evaluation, decoded = measure(
        loaded, built, comparator=comparator, allow_overlap=allow_overlap, strict=strict
    )
    with decoded:
        shown = () if no_examples else examples_of(evaluation, decoded)
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in evaluation.source)
    page = Path(report) if report else loaded.folder / f"evaluation-{name}.html"
    made = report_of(
        loaded,
        evaluation,
        shown,
        data={"test": f"{evaluation.verification.counted}: {source}"},
        rerun=(f"likewise evaluate {shlex.quote(model)} {shlex.quote(source)}",),
    )
    write(made, page)
    if json:
        print(as_json(evaluation))
        return
    print("\n".join(evaluation_lines(evaluation)))
    print(f"report: {page}")
