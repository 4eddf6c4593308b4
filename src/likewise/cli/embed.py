"""`likewise embed`: the vectors of many items."""

import typer


def embed(
    model: str = typer.Argument(help="A model's folder."),
    source: str = typer.Argument(help="A folder or .zip of items, or a source's spec."),
    out: str = typer.Option(..., help="The .npz file to write."),
    strict: bool = typer.Option(False, help="Stop at the first item that cannot be read."),
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Write the embedding of every item: vectors, identities, places, fingerprint.

    Example: likewise embed model/ images/ --out e.npz
    """
    import json as json_
    from pathlib import Path

    from likewise.cli.words import source_spec
    from likewise.model import Model
    from likewise.sources import FAMILY
    from likewise.tasks import embed as task

    task.check_path(Path(out))
    made = task.embed(Model(model), FAMILY.build(source_spec(source)), strict=strict)
    task.save(made, Path(out))
    count, dim = made.vectors.shape
    if json:
        print(
            json_.dumps(
                {"out": out, "items": count, "dim": dim, "failed": [list(f) for f in made.failed]}
            )
        )
        return
    print(f"{count} items, {dim} numbers each, written to {out}")
    if made.failed:
        print(f"{len(made.failed)} items failed to read:")
        for place, reason in made.failed[:10]:
            print(f"  {place}: {reason}")
