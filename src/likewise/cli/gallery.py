"""`likewise gallery`: what a gallery holds, and its care; one function an action."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likewise.cli import gallery_care, gallery_index, options
from likewise.cli.help import Cover, Page
from likewise.cli.text.output import say

if TYPE_CHECKING:
    from likewise.gallery import Gallery
    from likewise.stores.index.indexing import Indexed

app = typer.Typer(cls=Cover, rich_markup_mode=None)

ParquetFile = Annotated[str, typer.Argument(metavar="FILE", help="A .parquet file.")]


@app.callback()
def about() -> None:
    """Show what a gallery holds, and take care of it.

    Each of these takes the gallery's file, or its postgresql:// URL, and has a page of its own:
    likewise gallery info --help. What is removed is overwritten in the gallery's files at once (in
    PostgreSQL, by compact); copies, and the disk's own, are not.

    Examples:
        likewise gallery info people.db
        likewise gallery remove people.db --identity group1/glyph1003
        likewise gallery compact people.db --json

    Writes:
        export writes the file that it is given, whole or not at all.
        import, remove, compact and check change the gallery's own files.
        backup writes the copy that it is given, whole or not at all.
        index and rebuild write GALLERY-index-N beside them, or into the database.
        migrate writes GALLERY-migration (or a table) until it changes over.

    Exit codes:
        0  done
        2  bad input, or nothing to remove

    Next:
        likewise search model/ people.db a.png
    """


@app.command("info", cls=Page)
def info(gallery: options.GalleryPlace, as_json: options.AsJson = False) -> None:
    """Count entries and identities, and say what the gallery can promise.

    It names the model, the rates that identify can promise, what the index of approximate search
    is worth, and what removed entries still take. Nothing is written.

    Examples:
        likewise gallery info people.db
        likewise gallery info people.db --json

    Exit codes:
        0  done
        2  bad input

    Next:
        likewise gallery list people.db
    """
    from likewise.cli.text.gallery import index_of, sums_of
    from likewise.gallery import TARGETS, Gallery

    with Gallery(gallery, writing=False) as opened:
        state = opened.store.state(log=1)
        limits = [opened.limit(target) for target in TARGETS]
        kept = [f"{limit.target:g}" for limit in limits if limit.threshold is not None]
        found = {
            "entries": state.count,
            "identities": opened.identities(),
            "model": state.pin.fingerprint,
            "distance": state.pin.distance,
            "dim": state.pin.dim,
            "changes": state.generation,
            "removed": state.removals,
            "bytes": state.bytes_used,
            **sums_of(state.checksums, state.damaged),
            "rates": ", ".join(kept) or limits[-1].reason,
            **index_of(_looked_at(opened)),
        }
    say(found, as_json=as_json)


def _looked_at(opened: "Gallery") -> "Indexed | None":
    """The index, once it was asked something, so that one that is damaged is known to be."""
    import numpy as np

    if opened.store.state().index is not None:
        probe = np.ones((1, opened.pin.dim), dtype=np.float32)
        opened.store.neighbours(probe, 1, approximate=True)
    return opened.store.state().index


@app.command("list", cls=Page)
def list_entries(
    gallery: options.GalleryPlace,
    where: Annotated[
        str,
        typer.Option(
            metavar="CONDITION",
            show_default=False,
            help="What metadata must be; likewise search --help says how.",
        ),
    ] = "",
    as_json: options.AsJson = False,
) -> None:
    """Print every entry: its identity, its id and its metadata.

    Nothing is written.

    Examples:
        likewise gallery list people.db
        likewise gallery list people.db --where 'group = "group1"'

    Exit codes:
        0  done
        2  bad input

    Next:
        likewise gallery export people.db people.parquet
    """
    from likewise.cli.text.gallery import entry_line
    from likewise.cli.text.output import json_line
    from likewise.gallery import Gallery

    entries = []
    with Gallery(gallery, writing=False) as opened:
        for rows in opened.rows(where or None, vectors=False):
            for name, who, metadata in zip(rows.ids, rows.identities, rows.metadata, strict=True):
                if as_json:
                    entries.append({"id": name, "identity": who, "metadata": dict(metadata)})
                else:
                    print(entry_line(name, who, metadata))
    if as_json:
        print(json_line({"entries": entries}))


@app.command("remove", cls=Page)
def remove(
    gallery: options.GalleryPlace,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", show_default=False, help="What to remove.")
    ] = None,
    identity: Annotated[
        str,
        typer.Option(metavar="NAME", show_default=False, help="Everything of this identity."),
    ] = "",
    as_json: options.AsJson = False,
) -> None:
    """Remove entries by their ids, or everything of an identity.

    What is removed is overwritten in the gallery's files at once (in PostgreSQL, by compact);
    copies, and the disk's own, are not.

    Examples:
        likewise gallery remove people.db others/group0/glyph1002/0.png
        likewise gallery remove people.db --identity group1/glyph1003

    Writes:
        the gallery's own files

    Exit codes:
        0  removed
        2  bad input, or nothing to remove

    Next:
        likewise gallery compact people.db --json
    """
    from likewise.errors import BadArgument, NotEnrolled
    from likewise.gallery import Gallery

    named = ids or []
    if bool(named) is bool(identity):
        raise BadArgument("remove takes ids or --identity, one of the two. Name what to remove.")
    with Gallery(gallery, writing=True) as opened:
        removed = opened.remove_identity(identity) if identity else opened.remove(*named)
        erases = opened.store.state().erases
    if not removed:
        raise NotEnrolled(
            f"Nothing of {identity or ', '.join(named)} is enrolled, so nothing was removed. Look "
            "for it: likewise gallery list GALLERY."
        )
    told: dict[str, object] = {
        "removed": removed,
        "not_there": 0 if identity else len(set(named)) - removed,
    }
    if erases == "reclaimed":
        told["erased"] = "by likewise gallery compact GALLERY; the server's logs and copies apart"
    say(told, as_json=as_json)


@app.command("export", cls=Page)
def export_entries(
    gallery: options.GalleryPlace, file: ParquetFile, as_json: options.AsJson = False
) -> None:
    """Write every entry to a file, which import takes.

    Examples:
        likewise gallery export people.db people.parquet

    Writes:
        FILE  whole or not at all

    Exit codes:
        0  written
        2  bad input; nothing is written

    Next:
        likewise gallery import copied.db people.parquet
    """
    from likewise.gallery import Gallery, export_rows

    path = _parquet("export", file)
    with Gallery(gallery, writing=False) as opened:
        exported = export_rows(opened.store, path)
    say({"exported": exported, "file": file}, as_json=as_json)


@app.command("import", cls=Page)
def import_entries(
    gallery: options.GalleryPlace, file: ParquetFile, as_json: options.AsJson = False
) -> None:
    """Bring in the entries of a file that export wrote.

    It makes the gallery where there is none, and leaves ids that are there as they are.

    Examples:
        likewise gallery import copied.db people.parquet

    Writes:
        the gallery's own files

    Exit codes:
        0  done
        2  bad input

    Next:
        likewise gallery info people.db
    """
    from likewise.gallery import Gallery, bring_in, pin_of

    path = _parquet("import", file)
    with Gallery(gallery, pin=pin_of(path)) as opened:
        added, known = bring_in(opened.store, path)
    say({"imported": added, "known_already": known}, as_json=as_json)


@app.command("compact", cls=Page)
def compact(gallery: options.GalleryPlace, as_json: options.AsJson = False) -> None:
    """Give back the room that removed entries still take.

    Examples:
        likewise gallery compact people.db --json

    Writes:
        the gallery's own files

    Exit codes:
        0  done
        2  bad input

    Next:
        likewise gallery info people.db
    """
    from likewise.gallery import Gallery

    with Gallery(gallery, writing=True) as opened:
        before = opened.store.state().bytes_used
        opened.compact()
        after = opened.store.state().bytes_used
    say({"bytes_before": before, "bytes_after": after}, as_json=as_json)


app.command("check", cls=Page)(gallery_care.check)
app.command("backup", cls=Page)(gallery_care.backup)
app.command("index", cls=Page)(gallery_index.index)
app.command("rebuild", cls=Page)(gallery_index.rebuild)


@app.command("migrate", cls=Page)
def migrate_gallery(
    gallery: options.GalleryPlace,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The new model's folder.")],
    source: options.ItemsFrom = "",
    leave_out: Annotated[
        bool,
        typer.Option(
            "--leave-out",
            help="Remove the entries whose items are missing or changed, in place of refusing all.",
        ),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Give every entry the embedding of another model.

    The items are those that were kept, else those of --from, else those at the paths that were
    noted. It says what is missing before it starts, goes on after a stop, and changes over at once
    when all is ready; identities, metadata and the log stay. The thresholds are then those of the
    new model.

    Examples:
        likewise gallery migrate copied.db model/

    Writes:
        GALLERY-migration (or a table) until it changes over

    Exit codes:
        0  done
        2  bad input

    Next:
        likewise gallery info people.db
    """
    from likewise.cli.text.gallery import migrated_lines
    from likewise.cli.text.output import as_json_line
    from likewise.data import source_named
    from likewise.io.display import shown_place
    from likewise.io.progress import Counter
    from likewise.model import Model
    from likewise.tasks.migrate import migrate

    shown = shown_place(gallery)
    built = source_named(source) if source else None
    with Counter("embedding", quiet=as_json) as count:
        done = migrate(
            gallery, Model(model), source=built, leave_out=leave_out, progress=count.show
        )
    lines = migrated_lines(shown, model, done)
    print(as_json_line(done, gallery=shown) if as_json else "\n".join(lines))


def _parquet(action: str, file: str) -> Path:
    """The file that is written or read; its ending says what it is."""
    from likewise.errors import BadArgument

    if not file.endswith(".parquet"):
        raise BadArgument(f"{action} takes a file that ends in .parquet, and {file!r} was given.")
    return Path(file)
