"""`likewise enrol`: put items into a gallery."""

import typer


def command(
    model: str = typer.Argument(metavar="MODEL", help="A model's folder."),
    gallery: str = typer.Argument(
        metavar="GALLERY",
        help="A gallery's file, which is made where there is none; or one in PostgreSQL, as "
        "postgresql://user@host/database#name.",
    ),
    source: str = typer.Argument(
        metavar="SOURCE",
        help="A folder or .zip with one sub-folder an identity, an .npz or .ts file, a table, or "
        "a source's spec.",
    ),
    note: list[str] = typer.Option(
        [],
        "--note",
        metavar="NAME=VALUE",
        show_default=False,
        help="Metadata of every item, which --where can ask for; may be given again. A number or "
        "true or false is one, everything else a text.",
    ),
    update: bool = typer.Option(
        False,
        "--update",
        help="Put items in the place of those that are enrolled under the same ids; they are left "
        "as they are otherwise.",
    ),
    keep_items: bool = typer.Option(
        False,
        "--keep-items",
        help="Keep the files' bytes in the gallery, too. Without it, only embeddings are stored.",
    ),
    paths: bool = typer.Option(
        True,
        "--paths/--no-paths",
        help="Note each file's path and SHA-256 in its metadata, from where gallery migrate reads "
        "it again.",
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
    """Put items into a gallery, where others can be found.

    Each item is embedded and kept under its place as its id. Of a table, the other columns become
    metadata, which --where can ask for. What was said to be enrolled is on
    the disk, whatever happens then; after a stop, the same command goes on. A gallery belongs to
    one model, and refuses every other.

    Examples:
        likewise enrol model/ people.db others/
        likewise enrol model/ people.db images/ --note season=winter --update
        likewise enrol model/ goods.db goods.csv
        likewise enrol model/ kept.db others.zip --keep-items --json

    Writes:
        GALLERY            ids, identities and metadata (SQLite)
        GALLERY-vectors-N  the embeddings; both files belong together
        Of a gallery in PostgreSQL, a table in that database's schema likewise.

    Exit codes:
        0  enrolled, whatever could not be read left out and named
        2  bad input; what was enrolled before stays

    Next:
        likewise identify model/ people.db a.png
    """
    import json as json_
    from dataclasses import asdict

    from likewise.cli.progress import Counter
    from likewise.cli.text.gallery import notes_of
    from likewise.data import source_spec
    from likewise.gallery import Gallery
    from likewise.io.display import printable, without_secrets
    from likewise.model import Model
    from likewise.sources import FAMILY
    from likewise.tasks.enrol import enrol

    metadata = notes_of(note)
    built = FAMILY.build(source_spec(source))
    loaded = Model(model)
    with Gallery(gallery, loaded) as opened:
        with Counter("enrolling", quiet=json) as count:
            done = enrol(
                loaded,
                opened,
                built,
                metadata=metadata,
                keep_items=keep_items,
                paths=paths,
                replace=update,
                strict=strict,
                threads=threads,
                progress=count.show,
            )
        total = opened.count()
    shown = without_secrets(gallery)
    if json:
        print(json_.dumps({"gallery": shown, "entries": total, **asdict(done)}))
        return
    print(f"{done.added:,} items enrolled in {shown}, which holds {total:,}")
    if done.known:
        fate = "replaced" if update else "left as they are (--update replaces them)"
        print(f"{len(done.known):,} were enrolled already, and {fate}:")
        _named(done.known)
    if done.failed:
        print(f"{len(done.failed):,} items failed to read:")
        _named([printable(f"{place}: {reason}") for place, reason in done.failed])
    if done.passed:
        print(f"{len(done.passed):,} columns cannot be metadata, by their name or what they hold:")
        _named(done.passed)
    if done.trained:
        print(
            f"{len(done.trained):,} of the identities trained the model: thresholds for strangers "
            "that are found among them are too wide:"
        )
        _named(done.trained)


def _named(lines: "list[str] | tuple[str, ...]") -> None:
    for line in lines[:10]:
        print(f"  {line}")
    if len(lines) > 10:
        print(f"  and {len(lines) - 10:,} more")
