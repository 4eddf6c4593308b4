"""`likewise gallery`: what a gallery holds, and its care."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from likewise.gallery import Gallery

ACTIONS = (
    "info",
    "list",
    "remove",
    "export",
    "import",
    "compact",
    "index",
    "rebuild",
    "migrate",
)


def command(
    action: str = typer.Argument(
        metavar="ACTION",
        help="One of info, list, remove, export, import, compact, index, rebuild and migrate.",
    ),
    gallery: str = typer.Argument(
        metavar="GALLERY", help="A gallery's file, or its postgresql:// URL."
    ),
    what: list[str] = typer.Argument(
        [],
        metavar="WHAT",
        show_default=False,
        help="For remove, ids; for export and import, a .parquet file; for migrate, the folder of "
        "the new model.",
    ),
    where: str = typer.Option(
        "",
        metavar="CONDITION",
        show_default=False,
        help="For list, what metadata must be; likewise search --help says how.",
    ),
    identity: str = typer.Option(
        "", metavar="NAME", show_default=False, help="For remove, everything of this identity."
    ),
    kind: str = typer.Option(
        "",
        metavar="KIND",
        show_default="hnsw",
        help="For index: hnsw, a graph of neighbours; ivf, inverted lists, made sooner (not in "
        "PostgreSQL); none takes the index away.",
    ),
    recall: float | None = typer.Option(
        None,
        metavar="SHARE",
        show_default="0.99",
        help="For index, the share of the 10 nearest that a search should find, 95% sure.",
    ),
    source: str = typer.Option(
        "",
        "--from",
        metavar="SOURCE",
        show_default=False,
        help="For migrate, where the items are, if not where they were: a source that has the "
        "same places.",
    ),
    leave_out: bool = typer.Option(
        False,
        "--leave-out",
        help="For migrate, remove the entries whose items are missing or changed, in place of "
        "refusing all.",
    ),
    json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Show what a gallery holds, and take care of it.

    info counts entries and identities, names the model, the rates that identify can promise and
    what removed entries still take; list prints every entry. What is removed is overwritten in
    the gallery's files at once (in PostgreSQL, by compact); copies, and the disk's own, are not.
    import makes the gallery where there is none, and leaves ids that are there as they are.

    index makes an index for search --approximate, measures on rows drawn by lot how many of their
    10 nearest it finds, and makes its search as broad as --recall needs. Its file may be deleted
    at any time; rebuild makes it again from the rows.

    migrate gives every entry the embedding of another model, from the items that were kept, else
    from --from, else from the paths that were noted. It says what is missing before it starts,
    goes on after a stop, and changes over at once when all is ready; identities, metadata and the
    log stay. The thresholds are then those of the new model.

    Examples:
        likewise gallery info people.db
        likewise gallery list people.db --where 'group = "group1"'
        likewise gallery export people.db people.parquet
        likewise gallery import copied.db people.parquet
        likewise gallery remove people.db others/group0/glyph1002/0.png
        likewise gallery remove people.db --identity group1/glyph1003
        likewise gallery compact people.db --json
        likewise gallery index people.db --kind ivf --recall 0.95
        likewise gallery rebuild people.db
        likewise gallery migrate copied.db model/

    Writes:
        export writes the file that it is given, whole or not at all.
        import, remove and compact change the gallery's own files.
        index and rebuild write GALLERY-index-N beside them, or into the database.
        migrate writes GALLERY-migration (or a table) until it changes over.

    Exit codes:
        0  done
        2  bad input, or nothing to remove

    Next:
        likewise search model/ people.db a.png
    """
    from likewise.cli.migrating import migrate
    from likewise.errors import BadArgument
    from likewise.gallery import Gallery
    from likewise.registry import unknown

    if action not in ACTIONS:
        raise unknown("no action is named", action, ACTIONS)
    _check(action, what, where, identity)
    if action != "index" and (kind or recall is not None):
        raise BadArgument(f"{action} takes no --kind and no --recall; index does.")
    if action != "migrate" and (source or leave_out):
        raise BadArgument(f"{action} takes no --from and no --leave-out; migrate does.")
    if action == "migrate":
        migrate(gallery, what[0], source, leave_out=leave_out, as_json=json)
        return
    if action == "import":
        _import(gallery, what[0], as_json=json)
        return
    with Gallery(gallery, writing=action not in ("info", "list", "export")) as opened:
        if action == "info":
            _say(_info(opened), as_json=json)
        elif action == "list":
            _list(opened, where, as_json=json)
        elif action == "remove":
            _say(_remove(opened, what, identity), as_json=json)
        elif action == "export":
            _say(_export(opened, what[0]), as_json=json)
        elif action in ("index", "rebuild"):
            _say(_index(opened, action, kind, recall), as_json=json)
        else:
            before = opened.store.state().bytes_used
            opened.compact()
            after = opened.store.state().bytes_used
            _say({"bytes_before": before, "bytes_after": after}, as_json=json)


def _check(action: str, words: list[str], where: str, identity: str) -> None:
    from likewise.errors import BadArgument

    files = action in ("export", "import")
    if files and (len(words) != 1 or not words[0].endswith(".parquet")):
        raise BadArgument(f"{action} takes one file that ends in .parquet, and {words} were given.")
    if action == "remove" and bool(words) is bool(identity):
        raise BadArgument("remove takes ids or --identity, one of the two. Name what to remove.")
    if action == "migrate" and len(words) != 1:
        raise BadArgument(f"migrate takes the folder of a model, and {words} were given.")
    if words and not files and action not in ("remove", "migrate"):
        raise BadArgument(f"{action} takes nothing but the gallery, and {words} were given.")
    if where and action != "list":
        raise BadArgument(f"{action} takes no --where; list does.")
    if identity and action != "remove":
        raise BadArgument(f"{action} takes no --identity; remove does.")


def _say(found: dict[str, Any], *, as_json: bool) -> None:
    import json

    if as_json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        shown = f"{value:,}" if isinstance(value, int) else value
        print(f"{name.replace('_', ' '):<14}{shown}")


def _info(opened: "Gallery") -> dict[str, Any]:
    from likewise.cli.text.gallery import index_of
    from likewise.gallery.open_set import TARGETS

    state = opened.store.state(log=1)
    limits = [opened.limit(target) for target in TARGETS]
    kept = [f"{limit.target:g}" for limit in limits if limit.threshold is not None]
    return {
        "entries": state.count,
        "identities": opened.identities(),
        "model": state.pin.fingerprint,
        "distance": state.pin.distance,
        "dim": state.pin.dim,
        "changes": state.generation,
        "removed": state.removals,
        "bytes": state.bytes_used,
        "rates": ", ".join(kept) or limits[-1].reason,
        **index_of(_looked_at(opened)),
    }


def _looked_at(opened: "Gallery") -> Any:
    """The index, once it was asked something, so that one that is damaged is known to be."""
    import numpy as np

    if opened.store.state().index is not None:
        probe = np.ones((1, opened.pin.dim), dtype=np.float32)
        opened.store.neighbours(probe, 1, approximate=True)
    return opened.store.state().index


def _index(opened: "Gallery", action: str, kind: str, recall: float | None) -> dict[str, Any]:
    from likewise.cli.text.gallery import index_of
    from likewise.stores.index.indexing import index_method

    there = opened.store.state().index
    if action == "index":
        made = opened.index(index_method(kind or "hnsw"), 0.99 if recall is None else recall)
    elif there is None:
        return {"index": "none", "rebuilt": "nothing, since nothing is derived from the rows"}
    elif (again := there.again) is None:
        made = opened.index()
    else:
        made = opened.index(again.method, again.recall)
    return index_of(made)


def _list(opened: "Gallery", where: str, *, as_json: bool) -> None:
    import json

    from likewise.cli.text.gallery import entry_line

    entries = []
    for rows in opened.rows(where or None, vectors=False):
        for name, who, metadata in zip(rows.ids, rows.identities, rows.metadata, strict=True):
            if as_json:
                entries.append({"id": name, "identity": who, "metadata": dict(metadata)})
            else:
                print(entry_line(name, who, metadata))
    if as_json:
        print(json.dumps({"entries": entries}))


def _remove(opened: "Gallery", ids: list[str], identity: str) -> dict[str, Any]:
    from likewise.errors import NotEnrolled

    removed = opened.remove_identity(identity) if identity else opened.remove(*ids)
    if not removed:
        raise NotEnrolled(
            f"Nothing of {identity or ', '.join(ids)} is enrolled, so nothing was removed. Look "
            "for it: likewise gallery list GALLERY."
        )
    told: dict[str, Any] = {
        "removed": removed,
        "not_there": 0 if identity else len(set(ids)) - removed,
    }
    if opened.store.state().erases == "reclaimed":
        told["erased"] = "by likewise gallery compact GALLERY; the server's logs and copies apart"
    return told


def _export(opened: "Gallery", path: str) -> dict[str, Any]:
    from pathlib import Path

    from likewise.gallery.exchange import export_rows

    return {"exported": export_rows(opened.store, Path(path)), "file": path}


def _import(gallery: str, path: str, *, as_json: bool) -> None:
    from pathlib import Path

    from likewise.gallery import Gallery
    from likewise.gallery.exchange import bring_in, pin_of

    with Gallery(gallery, pin=pin_of(Path(path))) as opened:
        added, known = bring_in(opened.store, Path(path))
    _say({"imported": added, "known_already": known}, as_json=as_json)
