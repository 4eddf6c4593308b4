"""A look at everything that a SQLite gallery holds, and what can be mended of it; copies of it."""

import contextlib
import hmac
import json
import os
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from likewise.errors import BadArgument, DamagedGallery, SaveFailed
from likewise.io import atomic
from likewise.shapes import Array, Int
from likewise.stores.rows import Rows
from likewise.stores.sqlite import vectors
from likewise.stores.sqlite.changing import empty_log
from likewise.stores.sqlite.checksums import item_sum, read_sums, row_sum, vector_sums
from likewise.stores.sqlite.database import Database, bound, chunks
from likewise.stores.sqlite.rewriting import add_sqlite_checksums
from likewise.stores.sqlite.schema import Head, head_of, write_head
from likewise.stores.sqlite.stamp import sidecar_digest, stamp_of

_AT_ONCE = 4096
_SECONDS = 30.0
# What SQLite says of an index that does not fit its table, which can be made again from it.
_OF_INDEXES = ("missing from index", "wrong # of entries in index", "non-unique entry in index")
_SUFFIXES = ("-journal", "-wal", "-shm")


@dataclass(frozen=True)
class SqliteFindings:
    """What is wrong in a gallery.

    Attributes:
        checksums: Whether it has checksums; without them little can be found.
        entries: How many rows there are.
        counts: What is wrong with the counts and the list of empty slots; empty if nothing is.
        indexes: What SQLite says of its own indexes, which are made from the rows.
        texts: The key and the id of every row whose texts are not as they were written.
        vectors: The key and the id of every row whose vector is not, and whose texts are.
        items: The key and the id of every row whose kept item is not, and whose texts are.
        search_index: What is wrong with the index of approximate search; empty if nothing is.
        traces: Whether vectors stood behind the last slot, which a killed writer left there.
    """

    checksums: bool
    entries: int
    counts: str = ""
    indexes: tuple[str, ...] = ()
    texts: dict[int, str] = field(default_factory=dict)
    vectors: dict[int, str] = field(default_factory=dict)
    items: dict[int, str] = field(default_factory=dict)
    search_index: str = ""
    traces: bool = False


def check_sqlite_gallery(path: Path, timeout_seconds: float = _SECONDS) -> SqliteFindings:
    """Read all of a gallery, and say what is not as it was written; nothing is changed.

    Raises:
        GalleryError: If it cannot be opened, or is damaged so that no row can be told from another.
    """
    database = Database(path, timeout_seconds, writing=False)
    try:
        database.checked(None)
        with database.reading() as connection:
            connection.text_factory = _text
            try:
                return _look(database, connection)
            finally:
                connection.text_factory = str
    finally:
        database.close()


def sqlite_rows(path: Path, ids: list[str]) -> Rows:
    """Rows by their ids, those with a damaged vector or item, too; the vectors are not read."""
    database = Database(path, _SECONDS, writing=False)
    found = []
    try:
        database.checked(None)
        with database.reading() as connection:
            for some in chunks(ids):
                asked = (
                    f"SELECT id, identity, metadata, item FROM rows WHERE id IN {bound(len(some))}"  # noqa: S608 - bound
                )
                found += connection.execute(asked, some).fetchall()
    finally:
        database.close()
    return Rows(
        [row[0] for row in found],
        [row[1] for row in found],
        np.zeros((len(found), 0), dtype=np.float32),
        [json.loads(row[2]) for row in found],
        [row[3] for row in found],
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _look(database: Database, connection: sqlite3.Connection) -> SqliteFindings:
    path = database.path
    said = [line for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
    of_indexes = [line for line in said if any(words in line for words in _OF_INDEXES)]
    if len(of_indexes) < len(said):
        worst = next(line for line in said if line not in of_indexes)
        raise DamagedGallery(
            f"{path} is damaged so that SQLite cannot read it ({worst}). Restore it from a copy."
        )
    head = head_of(connection, path)
    slots = _slots(connection)
    holes = _numbers(connection, "SELECT slot FROM holes")
    wrong = _wrong_counts(head, slots, holes)
    try:
        file = vectors.Vectors(database.vectors_path(head.file), head.dim, head.token)
    except FileNotFoundError:
        raise DamagedGallery(
            f"{database.vectors_path(head.file)}, the file of the vectors of {path}, is missing. "
            "Put it back, or restore the gallery from a copy."
        ) from None
    try:
        matrix = file.view(min(head.slots, file.room()))
    finally:
        file.close()
    noted = read_sums(connection, 0, head.slots) if head.sums else None
    texts, damaged, items = {}, {}, {}
    columns = "row_sum, item_sum" if head.sums else "NULL, NULL"
    asked = f"SELECT key, id, identity, metadata, slot, item, {columns} FROM rows NOT INDEXED"  # noqa: S608 - ours
    twice = _twice(slots)
    for key, name, identity, text, slot, item, kept, kept_item in connection.execute(asked):
        inside = type(slot) is int and 0 <= slot < head.slots
        if (head.sums and row_sum(name, identity, text, slot) != kept) or slot in twice:
            texts[key] = str(name)
        elif not inside or slot >= len(matrix) or _differs(matrix, noted, slot):
            damaged[key] = str(name)
        elif head.sums and item_sum(item) != kept_item:
            items[key] = str(name)
    return SqliteFindings(
        checksums=head.sums,
        entries=len(slots),
        counts=wrong,
        indexes=tuple(of_indexes),
        texts=texts,
        vectors=damaged,
        items=items,
        search_index=_wrong_index(database, connection),
        traces=vectors.has_tail(file.path, head.dim, head.slots),
    )


def _slots(connection: sqlite3.Connection) -> list[object]:
    return [slot for (slot,) in connection.execute("SELECT slot FROM rows NOT INDEXED")]


def _numbers(connection: sqlite3.Connection, asked: str) -> list[object]:
    return [number for (number,) in connection.execute(asked)]


def _twice(slots: list[object]) -> set[object]:
    """Slots that two rows name: nobody can say whose vector it is without a checksum."""
    return {slot for slot, count in Counter(slots).items() if count > 1}


def _wrong_counts(head: Head, slots: list[object], holes: list[object]) -> str:
    named, empty = set(slots), set(holes)
    if head.entries != len(slots):
        return f"it says that it has {head.entries:,} entries, and it has {len(slots):,}"
    if named & empty:
        return f"{len(named & empty):,} entries stand in places that are said to be empty"
    if len(named | empty) != head.slots:
        return f"{head.slots - len(named | empty):,} places have no entry, and are not said to"
    return ""


def _differs(matrix: Array, noted: Array | None, slot: int) -> bool:
    if noted is None:
        return False
    found = vector_sums(matrix[slot : slot + 1])[0]
    return bool(found != noted[slot])


def _wrong_index(database: Database, connection: sqlite3.Connection) -> str:
    try:
        stamp = stamp_of(connection)
        if stamp.method == "none":
            return ""
        data = database.index_path(stamp.number).read_bytes()
    except DamagedGallery as error:
        return str(error)
    except OSError as error:
        return f"its file: {error.strerror}"
    same = hmac.compare_digest(sidecar_digest(data), stamp.sha256)
    return "" if same else "its file is not as it was written"


def mend_sqlite_gallery(
    path: Path, timeout_seconds: float = _SECONDS, *, without: list[int]
) -> None:
    """Make the indexes, the counts and the list of empty slots from the rows again.

    Args:
        path: Of the gallery.
        timeout_seconds: How long to wait for other writers.
        without: The keys of rows to remove, since nobody can say what they were.
    """
    database = Database(path, timeout_seconds, writing=True)
    try:
        database.checked(None)
        with database.changing() as connection:
            connection.execute("REINDEX")
            head = head_of(connection, path)
            for key in without:
                connection.execute("DELETE FROM rows WHERE key = ?", (key,))
            slots = [slot for slot in _slots(connection) if type(slot) is int]
            empty = np.setdiff1d(np.arange(head.slots), np.array(slots, dtype=np.int64))
            connection.execute("DELETE FROM holes")
            rows = ((slot,) for slot in empty.tolist())
            connection.executemany("INSERT INTO holes VALUES (?, 1)", rows)
            changed = head._replace(
                entries=len(slots),
                generation=head.generation + 1,
                removals=head.removals + len(without),
            )
            write_head(connection, changed)
        with atomic.saving(path), database.said():
            _wipe(database, head, empty)
            empty_log(database)
    finally:
        database.close()


def _wipe(database: Database, head: Head, empty: Int[Array, "n"]) -> None:
    file = database.vectors_path(head.file)
    vectors.wipe(file, head.dim, empty.tolist())
    vectors.wipe_tail(file, head.dim, head.slots)


def upgrade_sqlite_gallery(path: Path, timeout_seconds: float = _SECONDS) -> bool:
    """Give a gallery of the last version checksums, and say whether it had none."""
    database = Database(path, timeout_seconds, writing=True)
    try:
        database.checked(None)
        return add_sqlite_checksums(database)
    finally:
        database.close()


def copy_sqlite_gallery(path: Path, copy: Path, timeout_seconds: float = _SECONDS) -> int:
    """Copy a gallery as it is at one moment, while others may have it open; they wait to write.

    Args:
        path: Of the gallery.
        copy: Of the new one, which is not there yet.
        timeout_seconds: How long to wait for other writers.

    Returns:
        How many entries the copy has.

    Raises:
        SaveFailed: If something is at the place of the copy, or it cannot be written; nothing of it
            is left.
    """
    if os.path.lexists(copy):
        raise SaveFailed(f"{copy} is there already, and a new file is expected. Name another.")
    if not copy.parent.is_dir():
        raise BadArgument(f"There is no folder {copy.parent} for the copy. Make it first.")
    database = Database(path, timeout_seconds, writing=True)
    made: list[Path] = []
    try:
        database.checked(None)
        # Writers wait: a vector that is removed while it is copied would be missing in the copy.
        with database.changing() as connection, atomic.saving(copy):
            head = head_of(connection, path)
            target = Path(f"{copy}-vectors-{head.file}")
            token = vectors.create(target, head.dim, head.token)
            made.append(target)
            file = vectors.Vectors(database.vectors_path(head.file), head.dim, token)
            try:
                matrix = file.view(head.slots)
                for start in range(0, head.slots, _AT_ONCE):
                    vectors.append(target, start, matrix[start : start + _AT_ONCE], flush=False)
                vectors.append(target, head.slots, matrix[:0])
            finally:
                file.close()
            made += _copy_index(database, connection, copy)
            # The rows last: without them the copy is no gallery.
            part = copy.with_name(f".{copy.name}-{os.urandom(8).hex()}.part")
            made.append(part)
            os.close(atomic.open_private(part, os.O_RDWR))
            _copy_rows(database.path, part)
            part.rename(copy)
            made.clear()
            atomic.sync_folder(copy.parent)
    finally:
        for one in made:
            atomic.discard_path(one)
        database.close()
    return head.entries


def _copy_index(database: Database, connection: sqlite3.Connection, copy: Path) -> list[Path]:
    with contextlib.suppress(DamagedGallery, FileNotFoundError):
        stamp = stamp_of(connection)
        if stamp.method != "none":
            target = Path(f"{copy}-index-{stamp.number}")
            atomic.write_new(target, database.index_path(stamp.number).read_bytes())
            return [target]
    return []


def _copy_rows(path: Path, part: Path) -> None:
    # Through another connection, since the one that holds writers off is in a transaction.
    source = sqlite3.connect(path)
    try:
        target = sqlite3.connect(part)
        try:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        finally:
            target.close()
    finally:
        source.close()
    with part.open("r+b") as file:
        atomic.write_at(file.fileno(), b"", 0)
    for suffix in _SUFFIXES:
        atomic.discard_path(Path(f"{part}{suffix}"))
