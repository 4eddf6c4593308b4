"""`likewise audit`: what is wrong with the data, before anything is learned from them?"""

from pathlib import Path

import typer

from likewise.cli import options
from likewise.cli.options import refuse

NO_ITEMS = (
    "It is for items, and embeddings or comparisons alone were given, which show none. Leave it "
    "out."
)


def command(
    source: str = typer.Argument(
        metavar="SOURCE",
        help="What to audit: a folder or .zip with one sub-folder an identity, a table of items or "
        "of pairs, an .npz or .ts file, a source's spec; or embeddings with labels (.npz), or a "
        "table of comparisons.",
    ),
    transform: str = typer.Option(
        "",
        metavar="SPEC",
        show_default="the items as they are",
        help="Audit what comes out of this transform, as in 'image(size=64)'.",
    ),
    model: str = typer.Option(
        "",
        metavar="MODEL",
        show_default="none",
        help="A model's folder: is its embedding of these items collapsed, and does its margin fit "
        "its distances?",
    ),
    distance: str = typer.Option(
        "",
        metavar="SPEC",
        show_default="that of the model; cosine for embeddings alone",
        help="What compares embeddings: likewise list distances.",
    ),
    margin: float | None = typer.Option(
        None,
        metavar="NUMBER",
        show_default="that of the model's loss",
        help="The margin to hold against the distances.",
    ),
    columns: options.ColumnNames = "",
    similarity: options.Similarity = "",
    same_from: options.SameFrom = None,
    different_to: options.DifferentTo = None,
    out: str = typer.Option(
        "audit.html", "--out", "--report", metavar="FILE", help="Where to write the page."
    ),
    no_examples: options.NoExamples = False,
    quick: bool = typer.Option(
        False, "--quick", help="Leave out the probes, which take most of the time on small data."
    ),
    seed: options.Seed = 0,
    identity_level: options.IdentityLevel = 0,
    as_json: options.AsJsonAlone = False,
) -> None:
    """Find what is wrong with data before learning from them.

    It names copies under two labels, pairs that contradict one another, and shortcuts: trivial
    things, such as the grey of the paper, that give the answer away. What is alarming comes
    first, with the items that show it and what to do; then what a model must beat to be worth
    having; then what is worth knowing. Every item is read once.

    Embeddings and comparisons need no model and no item. Their rows are named: numbers that are
    none, equal vectors under two labels, a collapsed embedding, pairs at odds with one another.

    Examples:
        likewise audit others/
        likewise audit others.zip --transform 'image(size=16)' --json
        likewise audit others/ --model model/ --out others-audit.html
        likewise audit vectors.npz --margin 0.3
        likewise audit comparisons.csv --report comparisons.html

    Writes:
        audit.html  the findings with pictures, one file

    Exit codes:
        0  audited, whatever was found
        2  bad input; nothing is written

    Next:
        likewise train others/ --out model/
    """
    from likewise.cli.precomputed import columns_of
    from likewise.cli.text.output import as_json_line, grading_options, layout_lines, rerun
    from likewise.data import grading_of, levelled, source_named
    from likewise.io import atomic
    from likewise.io.display import printable
    from likewise.io.progress import Counter
    from likewise.precomputed import is_precomputed
    from likewise.tasks.audit import audit

    atomic.check_page(Path(out))
    source = levelled(source, identity_level)
    grading = grading_of(same_from, different_to)
    compared = None
    given: dict[str, object] = {"--distance": distance, "--margin": margin}
    given |= {"--seed": seed or None, **grading_options(grading)}
    alone = bool(columns or similarity) or is_precomputed(source)
    if alone:
        items_only = {"--transform": transform, "--model": model, "--quick": quick}
        refuse({**items_only, "--no-examples": no_examples}, NO_ITEMS)
        compared = columns_of(columns, similarity, grading)
        if compared is not None:
            names = (compared.first, compared.second, compared.said, compared.distance)
            given |= {"--columns": ",".join(names), "--similarity": similarity}
    else:
        given |= {"--transform": transform, "--model": model, "--quick": quick}
    given_source = source if alone else source_named(source, grading=grading)
    with Counter("auditing", quiet=as_json) as count:
        found = audit(
            given_source,
            model=model or None,
            transform=transform,
            distance=distance,
            margin=margin,
            compared=compared,
            quick=quick,
            seed=seed,
            report=out,
            examples=not (no_examples or alone),
            rerun=(rerun("audit", source, options=given),),
            progress=count.show,
        )
    lines = [*map(printable, found.lines()), *layout_lines(given_source), f"page: {out}"]
    print(as_json_line(found) if as_json else "\n".join(lines))
