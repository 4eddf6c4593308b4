"""Look at everything in a gallery, mend what can be mended, and copy a gallery that is in use."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likewise.data import as_source
from likewise.errors import BadArgument, EmptySource, UnreadableItem
from likewise.gallery import Gallery, store_spec
from likewise.model import Model, as_model
from likewise.registry import Spec
from likewise.results import Result
from likewise.stores.rows import Change, Rows
from likewise.stores.sqlite.checking import (
    SqliteFindings,
    check_sqlite_gallery,
    copy_sqlite_gallery,
    mend_sqlite_gallery,
    sqlite_rows,
    upgrade_sqlite_gallery,
)
from likewise.tasks.origins import Origins
from likewise.types import Items, Raw


@dataclass(frozen=True, repr=False)
class CheckedGallery(Result):
    """What was found in a gallery, and what became of it.

    Attributes:
        entries: How many there are now.
        checksums: Whether it has checksums; without them a damaged vector cannot be told.
        upgraded: Whether it had none before.
        mended: What was made again: ids of entries that were embedded anew, and whatever else.
        left_out: Ids that were removed, since nobody can say what they were.
        damaged: Id and what is wrong, of each entry that is still damaged and never answered.
    """

    entries: int
    checksums: bool
    upgraded: bool
    mended: tuple[str, ...]
    left_out: tuple[str, ...]
    damaged: tuple[tuple[str, str], ...]

    def summary(self) -> str:
        """Return whether the gallery is whole."""
        state = f"{len(self.damaged):,} damaged" if self.damaged else "whole"
        sums = "" if self.checksums else ", no checksums"
        return f"{self.entries:,} entries, {state}{sums}"


def check_gallery(
    gallery: str | Path,
    model: Model | str | Path | None = None,
    *,
    source: object = None,
    leave_out: bool = False,
    upgrade: bool = False,
) -> CheckedGallery:
    """Read all of a gallery, compare it with its checksums, and mend what can be mended.

    SQLite's indexes, the counts and the list of empty places are made again from the entries. An
    entry whose vector is damaged is embedded again by the model, from the item that was kept, else
    from a source, else from the file whose path was noted. An entry whose id, identity or metadata
    is damaged cannot be mended.

    Args:
        gallery: The path of its file.
        model: The model that it is of, to embed damaged entries again; they are only named if None.
        source: Where items are, if not where they were: a path, a spec or a `Source`.
        leave_out: Remove the entries that cannot be mended.
        upgrade: Give a gallery of the last version its checksums, of what it now holds.

    Returns:
        What was found, and what was done.

    Raises:
        DamagedGallery: If it is damaged so that entries cannot be told apart.
        ForeignEmbedding: If the model is another.
        BadArgument: If the gallery is in PostgreSQL, whose server has checksums of its own.

    Example:
        >>> from likewise.tasks.check_gallery import check_gallery
        >>> check_gallery("people.db")
        CheckedGallery(126 entries, whole)
    """
    path = sqlite_path(gallery)
    # Before anything is changed, so that what cannot be done is refused.
    embedder = None if model is None else as_model(model)
    built = None if source is None or embedder is None else as_source(source, kind=embedder.kind)
    upgraded = upgrade and upgrade_sqlite_gallery(path)
    found = check_sqlite_gallery(path)
    mended = [*found.indexes, *([found.counts] if found.counts else [])]
    if found.traces:
        mended.append("traces that a killed writer left were overwritten")
    lost = list(found.texts) if leave_out else []
    if mended or lost:
        mend_sqlite_gallery(path, without=lost)
    again: list[str] = []
    if embedder is not None and (found.vectors or found.items):
        again = _embedded_again(path, embedder, Origins(built), found)
    left = [found.texts[key] for key in lost]
    if leave_out:
        gone = [one for one in _without_texts(found) if one not in again]
        with Gallery(path) as opened:
            opened.remove(*gone)
        left += gone
    after = check_sqlite_gallery(path)
    return CheckedGallery(
        entries=after.entries,
        checksums=after.checksums,
        upgraded=upgraded,
        mended=(*mended, *again),
        left_out=tuple(left),
        damaged=_damaged(after),
    )


def back_up_gallery(gallery: str | Path, copy: str | Path) -> int:
    """Copy a gallery that may be in use to another file, whole; say how many entries it has.

    Others can read it meanwhile, and wait to write. To copy its files one by one is right only
    while nobody writes.

    Args:
        gallery: The path of its file.
        copy: Of the copy, which is not there yet.

    Raises:
        SaveFailed: If something is there, or it cannot be written; nothing of it is left.
        GalleryError: If the gallery cannot be read.
        BadArgument: If the gallery is in PostgreSQL, which has a backup of its own.

    Example:
        >>> from likewise.tasks.check_gallery import back_up_gallery
        >>> back_up_gallery("people.db", "copy.db")
        126
    """
    return copy_sqlite_gallery(sqlite_path(gallery), Path(copy))


def sqlite_path(gallery: str | Path) -> Path:
    """The file of a gallery that is in one.

    Raises:
        BadArgument: If it is in a database's server.
    """
    spec = Spec.parse(store_spec(gallery))
    if spec.name != "sqlite" or not spec.args:
        raise BadArgument(
            "A gallery in PostgreSQL is checked and copied by its server: it keeps checksums "
            "(pg_checksums), and pg_dump copies it. Give the file of a gallery."
        )
    return Path(str(spec.args[0]))


def _without_texts(found: SqliteFindings) -> list[str]:
    return [*found.vectors.values(), *found.items.values()]


def _damaged(found: SqliteFindings) -> tuple[tuple[str, str], ...]:
    kinds = (
        (found.texts, "its id, identity or metadata is altered"),
        (found.vectors, "its vector is altered"),
        (found.items, "its kept item is altered"),
    )
    rest = [(found.search_index, "the index of approximate search")] if found.search_index else []
    return (
        *((name, why) for some, why in kinds for name in some.values()),
        *((what, why) for why, what in rest),
    )


def _embedded_again(path: Path, model: Model, origins: Origins, found: SqliteFindings) -> list[str]:
    """Embed the entries of damaged vectors and items again, and say which could be."""
    done: list[str] = []
    with Gallery(path, model) as opened:
        rows = sqlite_rows(path, _without_texts(found))
        names, raw = list[int](), list[Raw]()
        for at, name in enumerate(rows.ids):
            kept = None if name in found.items.values() else rows.items[at]
            with contextlib.suppress(UnreadableItem):
                raw.append(origins.read(name, rows.metadata[at], kept))
                names.append(at)
        if not names:
            return done
        ids = [rows.ids[at] for at in names]
        table = Items.build("gallery", ids, model.kind, ids, raw.__getitem__)
        with contextlib.suppress(EmptySource):
            for block in model.blocks(table):
                read = block.rows.tolist()
                some = rows.take(np.array([names[row] for row in read], dtype=np.int64))
                kept_again = [
                    item if item is None else _kept(raw[row])
                    for row, item in zip(read, some.items, strict=True)
                ]
                whole = Rows.of(some.ids, some.identities, block.vectors, some.metadata, kept_again)
                put = opened.store.write(Change(whole, taken="known")).put
                done += [whole.ids[at] for at in np.flatnonzero(put).tolist()]
    return done


def _kept(raw: Raw) -> bytes | None:
    return raw if isinstance(raw, bytes) else None
