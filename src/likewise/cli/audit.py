"""`likewise audit`: what is wrong with the data, before anything is learned from them?"""

import typer

from likewise.cli import precomputed
from likewise.cli.text import grades


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
    columns: str = precomputed.COLUMNS,
    similarity: str = precomputed.SIMILARITY,
    same_from: float | None = grades.SAME_FROM,
    different_to: float | None = grades.DIFFERENT_TO,
    out: str = typer.Option(
        "audit.html", "--out", "--report", metavar="FILE", help="Where to write the page."
    ),
    no_examples: bool = typer.Option(False, "--no-examples", help="Show no items on the page."),
    quick: bool = typer.Option(
        False, "--quick", help="Leave out the probes, which take most of the time on small data."
    ),
    seed: int = typer.Option(0, min=0, metavar="N", help="Where all chance comes from."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object, and no progress."),
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
    import shlex
    from dataclasses import replace
    from pathlib import Path

    from likewise.cli import precomputed_audit
    from likewise.io import atomic
    from likewise.precomputed import is_precomputed

    atomic.check_page(Path(out))
    if columns or similarity or is_precomputed(source):
        items_only = {"--transform": transform, "--model": model, "--quick": quick}
        precomputed.refuse({**items_only, "--no-examples": no_examples}, precomputed.NO_ITEMS)
        precomputed_audit.audit(
            source,
            distance=distance,
            columns=precomputed.columns_of(
                columns, similarity, grades.grading_of(same_from, different_to)
            ),
            margin=margin,
            seed=seed,
            page=Path(out),
            json=json,
        )
        return
    from likewise.auditing import audit_items, check_labels, worst_first
    from likewise.cli.progress import Counter
    from likewise.cli.text.evaluation import as_json
    from likewise.data import graded_spec, source_spec
    from likewise.errors import BadArgument
    from likewise.io.display import printable
    from likewise.report import write_audit
    from likewise.sources import FAMILY
    from likewise.tasks.audit import audit_model
    from likewise.transforms import FAMILY as TRANSFORMS

    if (distance or margin is not None) and not model:
        raise BadArgument(
            "--distance and --margin are held against embeddings, and no --model was given that "
            "makes some of these items. Name one, or leave them out."
        )
    grading = grades.grading_of(same_from, different_to)
    built = FAMILY.build(graded_spec(source_spec(source), grading))
    items = built.items()
    check_labels(items)
    seen = TRANSFORMS.build(transform, state=None) if transform else None
    # What the model refuses is refused before the long look.
    more = audit_model(model, items, distance=distance, margin=margin, seed=seed) if model else []
    with Counter("auditing", quiet=json) as count:
        found = audit_items(items, seen, seed=seed, quick=quick, progress=count.show)
    found = replace(found, findings=worst_first([*found.findings, *more]))
    again = ["likewise", "audit", source]
    for name, value in (("--transform", transform), ("--model", model), ("--distance", distance)):
        again += [name, value] if value else []
    again += ["--margin", f"{margin:g}"] if margin is not None else []
    again += [*grades.grading_words(grading), *(["--quick"] if quick else [])]
    again += ["--seed", str(seed)] if seed else []
    page = Path(out)
    write_audit(found, items, page, examples=not no_examples, rerun=(shlex.join(again),))
    if json:
        print(as_json(found))
        return
    print("\n".join(printable(line) for line in found.lines()))
    print(f"page: {page}")
