"""`likewise audit`: what is wrong with the data, before anything is learned from them?"""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from likewise.cli import options
from likewise.cli.options import refuse

if TYPE_CHECKING:
    from likewise.auditing import Audit
    from likewise.precomputed import Columns

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
    from dataclasses import replace

    from likewise import transforms
    from likewise.auditing import audit_items, check_labels, worst_first
    from likewise.cli.precomputed import columns_of
    from likewise.cli.progress import Counter
    from likewise.cli.text.output import grading_options, rerun
    from likewise.data import graded_spec, grading_of, source_spec
    from likewise.errors import BadArgument
    from likewise.io import atomic
    from likewise.precomputed import is_precomputed
    from likewise.report import write_audit
    from likewise.sources import FAMILY
    from likewise.tasks.audit import audit_model

    page = Path(out)
    atomic.check_page(page)
    grading = grading_of(same_from, different_to)
    if columns or similarity or is_precomputed(source):
        items_only = {"--transform": transform, "--model": model, "--quick": quick}
        refuse({**items_only, "--no-examples": no_examples}, NO_ITEMS)
        named = columns_of(columns, similarity, grading)
        found = _audit_precomputed(source, distance, named, margin, seed, page)
        _print(found, page, as_json=as_json)
        return
    if (distance or margin is not None) and not model:
        raise BadArgument(
            "--distance and --margin are held against embeddings, and no --model was given that "
            "makes some of these items. Name one, or leave them out."
        )
    built = FAMILY.build(graded_spec(source_spec(source), grading))
    items = built.items()
    check_labels(items)
    seen = transforms.FAMILY.build(transform, state=None) if transform else None
    # What the model refuses is refused before the long look.
    more = audit_model(model, items, distance=distance, margin=margin, seed=seed) if model else []
    with Counter("auditing", quiet=as_json) as count:
        found = audit_items(items, seen, seed=seed, quick=quick, progress=count.show)
    found = replace(found, findings=worst_first([*found.findings, *more]))
    again = rerun(
        "audit",
        source,
        options={
            "--transform": transform,
            "--model": model,
            "--distance": distance,
            "--margin": margin,
            **grading_options(grading),
            "--quick": quick,
            "--seed": seed or None,
        },
    )
    write_audit(found, items, page, examples=not no_examples, rerun=(again,))
    _print(found, page, as_json=as_json)


def _audit_precomputed(
    path: str,
    distance: str,
    columns: "Columns | None",
    margin: float | None,
    seed: int,
    page: Path,
) -> "Audit":
    """Audit embeddings or comparisons, and write the page."""
    from likewise.auditing import audit_comparisons, audit_embeddings
    from likewise.cli.text.output import grading_options, rerun
    from likewise.precomputed import RawEmbeddings, read_raw
    from likewise.report import write_audit

    held = read_raw(path, distance=distance, columns=columns)
    if isinstance(held, RawEmbeddings):
        found = audit_embeddings(held, margin=margin, seed=seed)
    else:
        found = audit_comparisons(held, margin=margin)
    given: dict[str, object] = {"--distance": distance}
    if columns is not None:
        given["--columns"] = f"{columns.first},{columns.second},{columns.said},{columns.distance}"
        given |= {"--similarity": columns.similarity, **grading_options(columns.grading)}
    given |= {"--margin": margin, "--seed": seed or None}
    write_audit(found, None, page, examples=False, rerun=(rerun("audit", path, options=given),))
    return found


def _print(found: "Audit", page: Path, *, as_json: bool) -> None:
    from likewise.cli.text.output import as_json_line
    from likewise.io.display import printable

    lines = [*map(printable, found.lines()), f"page: {page}"]
    print(as_json_line(found) if as_json else "\n".join(lines))
