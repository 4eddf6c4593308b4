"""How a SQLite gallery changes, so that a kill at any moment loses nothing that was acknowledged.

Vectors are flushed to the disk before the rows that name them are. A slot is overwritten with
zeros after no row names it any more; which slots these are is part of the same transaction, so
that the next writer overwrites what a kill prevented.
"""

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from likewise.errors import DamagedGallery, GalleryBusy, SaveFailed
from likewise.io import atomic
from likewise.shapes import Array, Bool
from likewise.stores.index.sidecar import sidecar_token
from likewise.stores.rows import (
    Change,
    Rows,
    Written,
    check_not_migrated,
    digest,
    metadata_texts,
)
from likewise.stores.sqlite import checksums, vectors
from likewise.stores.sqlite.database import Database, bound, chunks
from likewise.stores.sqlite.schema import Head, head_of, write_head
from likewise.stores.sqlite.stamp import stamp_of

# The journal of a removal of some hundred rows.
_RESERVED_BYTES = 2**20
_RESERVE_MARK = b"LikewiseReserve\x01"


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
    """Put and remove rows; see `Store.write`.

    To remove works on a full disk, too: it then takes the room that was reserved for that.
    """
    reserve = database.reserve_path()
    try:
        done = _apply(database, asked, slots)
    except SaveFailed:
        if asked.put is not None or not asked.remove or not release_reserve(reserve):
            raise
        done = _apply(database, asked, slots)
    if not reserve.exists():
        _keep(reserve)
    return done


def release_reserve(reserve: Path) -> bool:
    """Give the room free, if the file is the one that was made for it."""
    try:
        if reserve.is_symlink() or not reserve.read_bytes().startswith(_RESERVE_MARK):
            return False
        reserve.unlink()
    except OSError:
        return False
    return True


def _keep(reserve: Path) -> None:
    """Take room on the disk; where there is none, the next change tries again."""
    try:
        file = atomic.open_private(reserve, os.O_WRONLY)
    except OSError:
        return
    try:
        room = _RESERVE_MARK + bytes(_RESERVED_BYTES - len(_RESERVE_MARK))
        atomic.write_at(file, room, 0, flush=False)
    except OSError:
        atomic.discard_path(reserve)
    finally:
        os.close(file)


def _apply(database: Database, asked: Change, slots: Slots) -> Written:
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
            changed = head._replace(
                slots=head.slots + written,
                entries=head.entries + written - len(freed),
                generation=generation,
                removals=head.removals + len(freed),
            )
            write_head(connection, changed)
    slots.tidied = True
    if freed:
        with atomic.saving(database.path), database.said():
            vectors.wipe(database.vectors_path(head.file), head.dim, freed)
            slots.wiped.update(freed)
            empty_log(database)
    return Written(generation, put, removed)


def empty_log(database: Database) -> None:
    """Take what was removed out of the write-ahead log, too; elsewhere the journal is empty."""
    if not database.wal:
        return
    (busy, *_) = database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise GalleryBusy(
            f"What was removed from {database.path} is removed, but a reader keeps traces of it in "
            "the write-ahead log. Change the gallery again when nobody reads."
        )


def wipe_traces(database: Database, head: Head) -> None:
    """Overwrite vectors that a killed writer left without rows, unless another is at work."""
    file = database.vectors_path(head.file)
    if not vectors.has_tail(file, head.dim, head.slots):
        return
    connection = database.connection()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        with database.changing() as connection:
            now = head_of(connection, database.path)
            if now.file == head.file:
                vectors.wipe_tail(file, now.dim, now.slots)
    except (GalleryBusy, SaveFailed):
        # Who writes now, or next, does it.
        pass
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(1000 * database.timeout_seconds)}")


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
    columns: list[tuple[object, ...]] = [
        (rows.identities[at], texts[at], head.slots + place, rows.items[at])
        for place, at in enumerate(which)
    ]
    names = ["identity", "metadata", "slot", "item"]
    if head.sums:
        checksums.write_sums(connection, head.slots, checksums.vector_sums(data))
        names += ["row_sum", "item_sum"]
        columns = [
            (
                *columns[place],
                checksums.row_sum(rows.ids[at], rows.identities[at], texts[at], head.slots + place),
                checksums.item_sum(rows.items[at]),
            )
            for place, at in enumerate(which)
        ]
    if known:
        statement = f"UPDATE rows SET {' = ?, '.join(names)} = ? WHERE id = ?"  # noqa: S608 - ours
    else:
        statement = f"INSERT INTO rows ({', '.join(names)}, id) VALUES {bound(len(names) + 1)}"  # noqa: S608 - ours
    ids = [rows.ids[at] for at in which]
    connection.executemany(
        statement, ((*one, name) for one, name in zip(columns, ids, strict=True))
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


def tidy(database: Database, connection: sqlite3.Connection, head: Head) -> None:
    """Remove files of vectors, and indexes, that this gallery made and does not need any more.

    They are known by their names, to the letter, and by the gallery's token in them.
    """
    kept = {database.vectors_path(head.file)}
    with contextlib.suppress(DamagedGallery):
        stamp = stamp_of(connection)
        if stamp.method != "none" and stamp.file == head.file:
            kept.add(database.index_path(stamp.number))
    made = {"vectors": vectors.token_of, "index": sidecar_token}
    named = re.compile(re.escape(database.path.name) + r"-(vectors|index)-[1-9][0-9]*")
    for path in set(database.path.parent.iterdir()) - kept:
        found = named.fullmatch(path.name)
        if found and made[found[1]](path) == head.token:
            with contextlib.suppress(OSError):
                path.unlink()
