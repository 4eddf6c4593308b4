"""`likewise enrol`: put items into a gallery."""

import typer

from likewise.cli import options


def command(
    model: options.ModelFolder,
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
    force: bool = typer.Option(
        False,
        "--force",
        help="Enrol identities, too, whose names cannot be told by eye from others'.",
    ),
    threads: options.Threads = None,
    strict: options.Strict = False,
    identity_level: options.IdentityLevel = 0,
    as_json: options.AsJsonAlone = False,
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
    from likewise.cli.text.output import as_json_line, failed_lines, first_of, layout_lines
    from likewise.data import levelled, source_named
    from likewise.gallery import Gallery
    from likewise.io.display import printable, shown_place
    from likewise.io.progress import Counter
    from likewise.model import Model
    from likewise.tasks.enrol import enrol

    metadata = _notes_of(note)
    built = source_named(levelled(source, identity_level))
    loaded = Model(model)
    with Gallery(gallery, loaded) as opened:
        with Counter("enrolling", quiet=as_json) as count:
            done = enrol(
                loaded,
                opened,
                built,
                metadata=metadata,
                keep_items=keep_items,
                paths=paths,
                replace=update,
                strict=strict,
                force=force,
                threads=threads,
                progress=count.show,
            )
        total = opened.count()
    shown = shown_place(gallery)
    if as_json:
        print(as_json_line(done, gallery=shown, entries=total))
        return
    print(f"{done.added:,} items enrolled in {shown}, which holds {total:,}")
    lines = layout_lines(built)
    if done.known:
        fate = "replaced" if update else "left as they are (--update replaces them)"
        lines += [f"{len(done.known):,} were enrolled already, and {fate}:", *first_of(done.known)]
    lines += map(printable, failed_lines(done.failed))
    if done.passed:
        count_words = f"{len(done.passed):,} columns cannot be metadata"
        lines += [f"{count_words}, by their name or what they hold:", *first_of(done.passed)]
    if done.trained:
        lines += [
            (
                f"{len(done.trained):,} of the identities trained the model: thresholds for "
                "strangers that are found among them are too wide:"
            ),
            *first_of(done.trained),
        ]
    for line in lines:
        print(line)


def _notes_of(notes: list[str]) -> dict[str, str | int | float | bool]:
    """Metadata from words like `season=winter`.

    Raises:
        BadArgument: If one has no equals sign, or a name comes twice.
    """
    from likewise.errors import BadArgument

    found: dict[str, str | int | float | bool] = {}
    for note in notes:
        name, equals, text = note.partition("=")
        if not equals or name in found:
            raise BadArgument(
                f"--note is {note!r}, and NAME=VALUE, each name once, is expected, as in "
                "season=winter."
            )
        found[name] = _value(text)
    return found


def _value(text: str) -> str | int | float | bool:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
