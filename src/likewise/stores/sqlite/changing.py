"""How a SQLite gallery changes, so that a kill at any moment loses nothing that was acknowledged.

Vectors are flushed to the disk before the rows that name them are. A slot is overwritten with
zeros after no row names it any more; which slots these are is part of the same transaction, so
that the next writer overwrites what a kill prevented. Reclaiming writes another file of vectors,
and the transaction that names it is the moment of the change. So it is where a gallery goes over
to another model, whose vectors are all in a file of their own.
"""

import contextlib
import glob
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from likewise.errors import DamagedGallery, GalleryBusy
from likewise.io import atomic
from likewise.shapes import Array, Bool, Int
from likewise.stores.rows import (
    Change,
    Moved,
    Rows,
    Written,
    check_not_migrated,
    digest,
    metadata_texts,
)
from likewise.stores.sqlite import vectors
from likewise.stores.sqlite.database import Database, bound, chunks
from likewise.stores.sqlite.schema import Head, head_of
from likewise.stores.sqlite.stamp import stamp_of

_COPIED = 4096


@dataclass
class Slots:
    """What one writer remembers of slots between its changes.

    Attributes:
        wiped: Those that it overwrote, and that the database still lists.
        tidied: Whether it looked for what a killed writer left.
    """

    wiped: set[int] = field(default_factory=set)
    tidied: bool = False


def apply_sqlite_change(database: Database, asked: Change, slots: Slots) -> Written:
    """Put and remove rows; see `Store.write`."""
    texts = [] if asked.put is None else metadata_texts(asked.put.metadata)
    adds = asked.taken == "new" and not asked.remove
    with database.changing(adds=adds) as connection:
        head = head_of(connection, database.path)
        check_not_migrated(database.path, head.pin, database.pin)
        if not slots.tidied:
            tidy(database, connection, head)
        _finish_wiping(database, connection, head, slots)
        before = connection.total_changes
        log: list[tuple[str, str]] = []
        removed, freed = _remove(connection, asked.remove, log)
        put, replaced, written = np.zeros(0, np.bool_), list[int](), 0
        if asked.put is not None:
            put, replaced = _put(database, connection, head, asked.put, texts, asked.taken, log)
            written = int(put.sum())
        freed += replaced
        generation = head.generation
        if connection.total_changes > before:
            generation += 1
            log_sqlite_change(connection, head, log, freed)
            connection.execute(
                "UPDATE gallery SET slots = ?, entries = ?, generation = ?, removals = ?",
                (
                    head.slots + written,
                    head.entries + written - len(freed),
                    generation,
                    head.removals + len(freed),
                ),
            )
    slots.tidied = True
    if freed:
        with atomic.saving(database.path), database.said():
            vectors.wipe(database.vectors_path(head.file), head.dim, freed)
            slots.wiped.update(freed)
            _empty_log(database)
    return Written(generation, put, removed)


def _empty_log(database: Database) -> None:
    """Take what was removed out of the write-ahead log, too; elsewhere the journal is empty."""
    if not database.wal:
        return
    (busy, *_) = database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise GalleryBusy(
            f"What was removed from {database.path} is removed, but a reader keeps traces of it in "
            "the write-ahead log. Change the gallery again when nobody reads."
        )


def _finish_wiping(
    database: Database, connection: sqlite3.Connection, head: Head, slots: Slots
) -> None:
    """Overwrite what a killed writer did not, and note all that is overwritten."""
    rows = connection.execute("SELECT slot FROM holes WHERE wiped = 0").fetchall()
    left = {slot for (slot,) in rows}
    if left - slots.wiped:
        vectors.wipe(database.vectors_path(head.file), head.dim, sorted(left - slots.wiped))
    if left:
        connection.execute("UPDATE holes SET wiped = 1 WHERE wiped = 0")
    slots.wiped.clear()


def _remove(
    connection: sqlite3.Connection, ids: Sequence[str], log: list[tuple[str, str]]
) -> tuple[Bool[Array, "m"], list[int]]:
    """Which of the ids were removed, and their slots."""
    there: dict[str, int] = {}
    for some in chunks(list(dict.fromkeys(ids))):
        places = bound(len(some))
        asked = f"SELECT id, slot FROM rows WHERE id IN {places}"  # noqa: S608 - ids are bound
        there.update(connection.execute(asked, some))
        connection.execute(f"DELETE FROM rows WHERE id IN {places}", some)  # noqa: S608 - as above
    log += (("removed", one) for one in there)
    return np.array([one in there for one in ids], dtype=np.bool_), list(there.values())


def _put(
    database: Database,
    connection: sqlite3.Connection,
    head: Head,
    rows: Rows,
    texts: list[str],
    taken: str,
    log: list[tuple[str, str]],
) -> tuple[Bool[Array, "n"], list[int]]:
    """Which rows were written, and the slots of those that they replaced."""
    there: dict[str, int] = {}
    for some in chunks(list(rows.ids)):
        asked = f"SELECT id, slot FROM rows WHERE id IN {bound(len(some))}"  # noqa: S608 - bound
        there.update(connection.execute(asked, some))
    first = {one: at for at, one in reversed(list(enumerate(rows.ids)))}
    known = taken == "known"
    put = np.array(
        [(one in there) is known and first[one] == at for at, one in enumerate(rows.ids)],
        dtype=np.bool_,
    )
    which = np.flatnonzero(put).tolist()
    if not which:
        return put, []
    data = rows.vectors if len(which) == len(put) else rows.vectors[put]
    vectors.append(database.vectors_path(head.file), head.slots, data)
    columns = [
        (rows.identities[at], texts[at], head.slots + place, rows.items[at], rows.ids[at])
        for place, at in enumerate(which)
    ]
    connection.executemany(
        "UPDATE rows SET identity = ?, metadata = ?, slot = ?, item = ? WHERE id = ?"
        if known
        else "INSERT INTO rows (identity, metadata, slot, item, id) VALUES (?, ?, ?, ?, ?)",
        columns,
    )
    log += (("updated" if known else "enrolled", rows.ids[at]) for at in which)
    return put, [there[rows.ids[at]] for at in which] if known else []


def log_sqlite_change(
    connection: sqlite3.Connection, head: Head, log: list[tuple[str, str]], freed: list[int]
) -> None:
    """Note what was done in the log, and which slots nobody names any more."""
    now = int(time.time())
    connection.executemany(
        "INSERT INTO log (at, action, digest) VALUES (?, ?, ?)",
        ((now, action, digest(head.log_key, one)) for action, one in log),
    )
    connection.executemany("INSERT INTO holes VALUES (?, 0)", ((slot,) for slot in freed))


def rewrite_vectors(database: Database, slots: Slots) -> None:
    """Write the vectors without the holes to a new file, and name that; no row is lost.

    Raises:
        SaveFailed: If there is no space; the old file stands.
    """
    with database.changing() as connection:
        head = head_of(connection, database.path)
        found = connection.execute("SELECT key, slot FROM rows ORDER BY key").fetchall()
        if head.slots > len(found):
            _copy(database, head, np.array([slot for _, slot in found], dtype=np.int64))
            connection.executemany(
                "UPDATE rows SET slot = ? WHERE key = ?",
                ((place, key) for place, (key, _) in enumerate(found)),
            )
            connection.execute("DELETE FROM holes")
            connection.execute(
                "UPDATE gallery SET slots = ?, file = file + 1, generation = generation + 1",
                (len(found),),
            )
    slots.wiped.clear()
    with database.changing() as connection:
        tidy(database, connection, head_of(connection, database.path))
    with database.said():
        database.connection().execute("VACUUM")
        _empty_log(database)


def _copy(database: Database, head: Head, slots: Int[Array, "n"]) -> None:
    old = vectors.Vectors(database.vectors_path(head.file), head.dim, head.token)
    try:
        matrix = old.view(head.slots)
        target = database.vectors_path(head.file + 1)
        vectors.create(target, head.dim, head.token)
        for start in range(0, len(slots), _COPIED):
            part = matrix[slots[start : start + _COPIED]]
            vectors.append(target, start, part, flush=start + _COPIED >= len(slots))
    finally:
        old.close()


def tidy(database: Database, connection: sqlite3.Connection, head: Head) -> None:
    """Remove files of vectors, and indexes, that are no longer, or were never, the gallery's."""
    kept = {database.vectors_path(head.file)}
    with contextlib.suppress(DamagedGallery):
        stamp = stamp_of(connection)
        if stamp.method != "none" and stamp.file == head.file:
            kept.add(database.index_path(stamp.number))
    name = glob.escape(database.path.name)
    for pattern in (f"{name}-vectors-*", f"{name}-index-*"):
        for path in set(database.path.parent.glob(pattern)) - kept:
            with contextlib.suppress(OSError):
                path.unlink()


def staging_path(path: Path) -> Path:
    """Where the vectors of another model stand until the gallery at a path goes over to it."""
    return path.with_name(f"{path.name}-migration")


def discard_staging(path: Path) -> None:
    """Remove those vectors; what was written of them last is removed first."""
    staging = staging_path(path)
    beside = path.parent.glob(f"{glob.escape(staging.name)}-*")
    for one in (staging, *sorted(beside)):
        with atomic.saving(one):  # Windows refuses it while others have it open
            one.unlink(missing_ok=True)


def move_sqlite_gallery(database: Database, moved: Moved, slots: Slots) -> Written:
    """Give all rows other vectors; see `Moved`.

    Raises:
        GalleryBusy: If rows were written since the generation that the vectors were made for.
        ForeignEmbedding: If another writer moved it meanwhile.
        SaveFailed: If it cannot be written; the gallery is as it was.
    """
    with database.changing() as connection:
        head = head_of(connection, database.path)
        check_not_migrated(database.path, head.pin, database.pin)
        moved.check(database.path, head.generation)
        log = []
        for (name,) in ((name,) for name in moved.left_out):
            done = connection.execute("DELETE FROM rows WHERE id = ?", (name,))
            log += [("removed", name)] * done.rowcount
        found = connection.execute("SELECT key, id FROM rows ORDER BY key").fetchall()
        target = database.vectors_path(head.file + 1)
        vectors.create(target, moved.pin.dim, head.token)
        start = 0
        for some in chunks(found, _COPIED):
            made = moved.of([name for _, name in some])
            vectors.append(target, start, made, flush=start + len(some) == len(found))
            start += len(some)
        connection.executemany(
            "UPDATE rows SET slot = ? WHERE key = ?",
            ((place, key) for place, (key, _) in enumerate(found)),
        )
        log_sqlite_change(connection, head, log, [])
        connection.execute("DELETE FROM holes")
        pin = moved.pin
        connection.execute(
            "UPDATE gallery SET fingerprint = ?, distance = ?, dim = ?, slots = ?, entries = ?, "
            "file = file + 1, generation = generation + 1, removals = removals + ?",
            (pin.fingerprint, pin.distance, pin.dim, len(found), len(found), head.entries),
        )
    slots.wiped.clear()
    with database.changing() as connection:
        tidy(database, connection, head_of(connection, database.path))
    none = np.zeros(0, dtype=np.bool_)
    return Written(head.generation + 1, none, none)
