"""`likewise embed`: the vectors of many items."""

import typer

from likewise.cli.help import GIVEN


def command(
    model: str = typer.Argument(metavar="MODEL", help="A model's folder."),
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
    threads: int | None = typer.Option(
        None,
        min=1,
        metavar="N",
        show_default="as many as there are cores",
        help="How many threads read and decode.",
    ),
    strict: bool = typer.Option(
        False,
        "--strict",
        help="Stop at the first item that cannot be read, instead of leaving it out.",
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object, and no progress."),
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
    import json as json_
    from pathlib import Path

    from likewise.cli.progress import Counter
    from likewise.data import source_spec
    from likewise.errors import BadArgument
    from likewise.io.display import printable
    from likewise.model import Model
    from likewise.sources import FAMILY
    from likewise.tasks.embed import embed_to
    from likewise.tasks.vectors import check_vectors_path

    target = Path(out)
    check_vectors_path(target)
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise BadArgument(f"{out} is the source itself. Choose another name for the vectors.")
    built = FAMILY.build(source_spec(source))
    loaded = Model(model)
    with Counter("embedding", quiet=json) as count:
        made = embed_to(loaded, built, target, strict=strict, threads=threads, progress=count.show)
    paths = [str(path) for path in made.paths]
    if json:
        failed = [list(one) for one in made.failed]
        print(
            json_.dumps(
                {
                    "out": out,
                    "files": paths,
                    "items": made.items,
                    "dim": made.dim,
                    "failed": failed,
                }
            )
        )
        return
    print(f"{made.items} items, {made.dim} numbers each, written to {', '.join(paths)}")
    if made.failed:
        print(f"{len(made.failed)} items failed to read:")
        for place, reason in made.failed[:10]:
            print(printable(f"  {place}: {reason}"))
        if len(made.failed) > 10:
            print(f"  and {len(made.failed) - 10} more, all named in {paths[-1]}")
