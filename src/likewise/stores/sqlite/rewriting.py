"""How all vectors of a SQLite gallery come to another file: compacted, or of another model.

Another file of vectors is written, and the transaction that names it is the moment of the change.
"""

import itertools
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from likewise.io import atomic
from likewise.shapes import Array, Float, Int, UInt64
from likewise.stores.rows import Moved, Written, check_not_migrated
from likewise.stores.sqlite import checksums, vectors
from likewise.stores.sqlite.changing import (
    Slots,
    empty_log,
    log_sqlite_change,
    release_reserve,
    tidy,
)
from likewise.stores.sqlite.database import Database
from likewise.stores.sqlite.schema import Head, add_checksums, head_of, write_head

_COPIED = 4096
_STAGING_SECONDS = 30.0


def rewrite_vectors(database: Database, slots: Slots) -> None:
    """Write the vectors without the holes to a new file, and name that; no row is lost.

    A gallery without checksums gets them.

    Raises:
        SaveFailed: If there is no space; the old file stands.
    """
    with database.changing() as connection:
        head = head_of(connection, database.path)
        if head.slots > head.entries or not head.sums:
            number = _free_number(database, head)
            old = vectors.Vectors(database.vectors_path(head.file), head.dim, head.token)
            try:
                matrix = old.view(head.slots)
                kept = checksums.read_sums(connection, 0, head.slots) if head.sums else None

                def moved(found: Moving) -> tuple[Float[Array, "n dim"], UInt64[Array, "n"] | None]:
                    # A damaged vector keeps the checksum that it does not fit.
                    return matrix[found.slots], None if kept is None else kept[found.slots]

                head = head if head.sums else add_checksums(connection, head)
                count = _move_rows(database, connection, head, number, head.dim, moved)
            finally:
                old.close()
            connection.execute("DELETE FROM holes")
            changed = head._replace(slots=count, file=number, generation=head.generation + 1)
            write_head(connection, changed)
    slots.wiped.clear()
    with database.changing() as connection:
        tidy(database, connection, head_of(connection, database.path))
    with database.said():
        database.connection().execute("VACUUM")
        empty_log(database)


def add_sqlite_checksums(database: Database) -> bool:
    """Give a gallery of the last schema its checksums, and say whether it had none."""
    with database.changing() as connection:
        head = head_of(connection, database.path)
        if head.sums:
            return False
        file = vectors.Vectors(database.vectors_path(head.file), head.dim, head.token)
        try:
            matrix = file.view(head.slots)
            changed = add_checksums(connection, head)
            for start in range(0, head.slots, _COPIED):
                part = checksums.vector_sums(matrix[start : start + _COPIED])
                checksums.write_sums(connection, start, part)
            for found in _all_rows(connection):
                _note_rows(connection, found, found.slots.tolist(), fresh=True)
            write_head(connection, changed._replace(generation=head.generation + 1))
        finally:
            file.close()
    return True


class Moving(NamedTuple):
    """Some rows whose vectors come to another file.

    Attributes:
        keys: Of the rows, in order.
        texts: Id, identity and metadata of each.
        slots: Where their vectors are.
        sums: The checksums of their texts; None where the gallery has none.
    """

    keys: list[int]
    texts: list[tuple[str, str, str]]
    slots: Int[Array, "n"]
    sums: list[int | None]


VectorsOf: TypeAlias = Callable[[Moving], tuple[Array, Array | None]]
"""Gives the vectors of some rows [n dim], and their checksums [n] if they are known already."""


def _all_rows(connection: sqlite3.Connection) -> Iterator[Moving]:
    last = 0
    held = "SELECT 1 FROM pragma_table_info('rows') WHERE name = 'row_sum'"
    noted = "row_sum" if connection.execute(held).fetchone() else "NULL"
    asked = (
        f"SELECT key, id, identity, metadata, slot, {noted} FROM rows "  # noqa: S608 - ours
        f"WHERE key > ? ORDER BY key LIMIT {_COPIED}"
    )
    while found := connection.execute(asked, (last,)).fetchall():
        last = found[-1][0]
        yield Moving(
            [row[0] for row in found],
            [row[1:4] for row in found],
            np.array([row[4] for row in found], dtype=np.int64),
            [row[5] for row in found],
        )


def _move_rows(
    database: Database,
    connection: sqlite3.Connection,
    head: Head,
    number: int,
    dim: int,
    moved: VectorsOf,
) -> int:
    """Write the vectors of all rows to a new file, in the order of their keys; say how many.

    Args:
        database: Of the gallery.
        connection: Within the change.
        head: Of the gallery; it says whether checksums are kept.
        number: Of the new file.
        dim: Length of the new vectors.
        moved: See `VectorsOf`.
    """
    target = database.vectors_path(number)
    vectors.create(target, dim, head.token)
    if head.sums:
        connection.execute("DELETE FROM sums")
    start = 0
    for found in _all_rows(connection):
        part, sums = moved(found)
        vectors.append(target, start, part, flush=False)
        if head.sums:
            checksums.write_sums(
                connection, start, checksums.vector_sums(part) if sums is None else sums
            )
            _note_rows(connection, found, list(range(start, start + len(part))), fresh=sums is None)
        else:
            connection.executemany(
                "UPDATE rows SET slot = ? WHERE key = ?",
                zip(itertools.count(start), found.keys, strict=False),
            )
        start += len(part)
    vectors.append(target, start, np.zeros((0, dim), np.float32))
    return start


def _note_rows(
    connection: sqlite3.Connection, found: Moving, slots: list[int], *, fresh: bool
) -> None:
    """Give rows their slots, and the checksums that go with these.

    A row whose texts are damaged keeps a checksum that they do not fit.
    """
    changes = []
    for key, texts, old, kept, slot in zip(
        found.keys, found.texts, found.slots.tolist(), found.sums, slots, strict=True
    ):
        wrong = 0 if kept is None else kept ^ checksums.row_sum(*texts, old)
        changes.append((slot, checksums.row_sum(*texts, slot) ^ wrong, key))
    connection.executemany("UPDATE rows SET slot = ?, row_sum = ? WHERE key = ?", changes)
    if fresh:
        for key in found.keys:
            (item,) = connection.execute("SELECT item FROM rows WHERE key = ?", (key,)).fetchone()
            connection.execute(
                "UPDATE rows SET item_sum = ? WHERE key = ?", (checksums.item_sum(item), key)
            )


def _free_number(database: Database, head: Head) -> int:
    """The number of the next file of vectors: no file that is there is written over."""
    return next(
        number
        for number in itertools.count(head.file + 1)
        if not os.path.lexists(database.vectors_path(number))
    )


def staging_path(path: Path) -> Path:
    """Where the vectors of another model stand until the gallery at a path goes over to it."""
    return path.with_name(f"{path.name}-migration")


def discard_staging(path: Path) -> None:
    """Remove those vectors; what was written of them last is removed first."""
    staging = staging_path(path)
    if not staging.exists():
        return
    # Nothing else can be known to be its own once it is gone itself.
    reader = Database(staging, _STAGING_SECONDS, writing=False)
    try:
        with reader.reading() as connection:
            head = head_of(connection, staging)
    finally:
        reader.close()
    names = [f"{staging.name}{ending}" for ending in ("-journal", "-wal", "-shm")]
    with atomic.saving(staging):  # Windows refuses it while others have it open
        staging.unlink(missing_ok=True)
        for name in names:
            staging.with_name(name).unlink(missing_ok=True)
        release_reserve(reader.reserve_path())
    named = re.compile(re.escape(staging.name) + r"-vectors-[1-9][0-9]*")
    for one in sorted(path.parent.iterdir()):
        if named.fullmatch(one.name) and vectors.token_of(one) == head.token:
            with atomic.saving(one):
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
        number = _free_number(database, head)

        def made(found: Moving) -> tuple[Float[Array, "n dim"], None]:
            return moved.of([texts[0] for texts in found.texts]), None

        count = _move_rows(database, connection, head, number, moved.pin.dim, made)
        log_sqlite_change(connection, head, log, [])
        connection.execute("DELETE FROM holes")
        pin = moved.pin
        changed = head._replace(
            fingerprint=pin.fingerprint,
            distance=pin.distance,
            dim=pin.dim,
            slots=count,
            entries=count,
            file=number,
            generation=head.generation + 1,
            removals=head.removals + head.entries,
        )
        write_head(connection, changed)
    slots.wiped.clear()
    with database.changing() as connection:
        tidy(database, connection, head_of(connection, database.path))
    none = np.zeros(0, dtype=np.bool_)
    return Written(head.generation + 1, none, none)
