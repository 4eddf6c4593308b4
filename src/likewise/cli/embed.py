"""`likewise embed`: the vectors of many items."""

import typer

from likewise.cli import options
from likewise.cli.help import GIVEN


def command(
    model: options.ModelFolder,
    source: str = typer.Argument(
        metavar="SOURCE",
        help="A folder or .zip of items, an .npz or .ts file, a table, or a source's spec.",
    ),
    out: str = typer.Option(
        ...,
        metavar="FILE",
        rich_help_panel=GIVEN,
        help="The file to write: .npz, .npy or .parquet, which its ending says.",
    ),
    threads: options.Threads = None,
    strict: options.Strict = False,
    identity_level: options.IdentityLevel = 0,
    as_json: options.AsJsonAlone = False,
) -> None:
    """Write the embedding of every item to a file.

    An embedding is the row of numbers that the model compares items by. Beside it stand the
    item's place, identity and group, and the model's fingerprint, since vectors of two models are
    never compared. Items that cannot be read are left out, and named.

    Examples:
        likewise embed model/ images/ --out e.npz
        likewise embed model/ images.zip --out e.parquet --threads 4
        likewise embed model/ images/ --out e.npy --strict --json

    Writes:
        FILE.npz      arrays vectors, identities, places, groups, fingerprint, and
                      failed_places with failed_reasons
        FILE.npy      the vectors; beside it FILE.rows.csv and FILE.failed.csv
        FILE.parquet  columns place, identity, group, vector
        Each is written at the end, whole or not at all.

    Exit codes:
        0  written
        2  bad input; nothing is written

    Next:
        likewise verify model/ a.png b.png
    """
    from pathlib import Path

    from likewise.cli.text.output import as_json_line, failed_lines, layout_lines
    from likewise.data import levelled, source_named
    from likewise.errors import BadArgument
    from likewise.io.display import printable
    from likewise.io.progress import Counter
    from likewise.model import Model
    from likewise.tasks.embed import embed_to
    from likewise.tasks.vectors import check_vectors_path

    target = Path(out)
    check_vectors_path(target)
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise BadArgument(f"{out} is the source itself. Choose another name for the vectors.")
    built = source_named(levelled(source, identity_level))
    loaded = Model(model)
    with Counter("embedding", quiet=as_json) as count:
        made = embed_to(loaded, built, target, strict=strict, threads=threads, progress=count.show)
    if as_json:
        print(as_json_line(made))
        return
    paths = [str(path) for path in made.paths]
    print(f"{made.items} items, {made.dim} numbers each, written to {', '.join(paths)}")
    for line in [*layout_lines(built), *failed_lines(made.failed, f", all named in {paths[-1]}")]:
        print(printable(line))
