"""`likewise embed`: the vectors of many items."""

import typer


def embed(
    model: str = typer.Argument(help="A model's folder."),
    source: str = typer.Argument(
        help="A folder or .zip of items, an .npz, .ts or table, or a source's spec."
    ),
    out: str = typer.Option(
        ...,
        help="The file: .npz, .npy (with .rows.csv and .failed.csv beside it) or .parquet.",
    ),
    strict: bool = typer.Option(False, help="Stop at the first item that cannot be read."),
    threads: int | None = typer.Option(
        None, min=1, help="How many threads work; as many as there are cores when left out."
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Write the embedding of every item, with its identity, place and group.

    The file is written at the end, whole or not at all. It holds the model's fingerprint, since
    vectors of two models are never compared, and the name of every item that could not be read.

    Example: likewise embed model/ images/ --out e.npz
    """
    import json as json_
    from pathlib import Path

    from likewise.cli.progress import Counter
    from likewise.cli.words import source_spec
    from likewise.errors import BadArgument
    from likewise.model import Model
    from likewise.printable import printable
    from likewise.sources import FAMILY
    from likewise.tasks.embed import embed_to
    from likewise.tasks.vectors import check_path

    target = Path(out)
    check_path(target)
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
