"""What a reader sees of the rows of a SQLite gallery, and of those that were found."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from likewise.errors import DamagedGallery
from likewise.shapes import Array, Int, Shaped
from likewise.stores.exact import Ranked
from likewise.stores.rows import Match, Rows
from likewise.stores.sqlite.checksums import item_sum, row_sum
from likewise.stores.sqlite.database import Database, bound, chunks
from likewise.stores.sqlite.filter_sql import sqlite_condition
from likewise.stores.sqlite.moments import Moment, Moments
from likewise.stores.sqlite.schema import Head, head_of
from likewise.stores.where import Condition

_DECODE = json.JSONDecoder().decode
_PAGE = 4096


def some_matches(
    moments: Moments, moment: Moment, found: Ranked, *, current: bool = False
) -> list[list[Match]] | None:
    """The rows of the slots that were found.

    Args:
        moments: Of the gallery.
        moment: In which they were found.
        found: The slots, and their distances.
        current: Whether to give None after any change since the moment, too.

    Returns:
        The rows; None where one of them was removed meanwhile, or is damaged, and is to be left
        out.
    """
    database = moments.database
    slots, distances = found[0].tolist(), found[1].tolist()
    wanted = sorted({slot for some in slots for slot in some if slot >= 0})
    rows: dict[int, tuple[str, str, str]] = {}
    damaged: dict[int, str] = {}
    with database.reading() as connection:
        same = same_version(database, moment)
        if not same:
            head = head_of(connection, database.path)
            if current or head.file != moment.head.file:
                return None
            same = head.generation == moment.head.generation
        noted = "row_sum" if moment.head.sums else "NULL"
        for some in chunks(wanted):
            asked = (
                f"SELECT slot, id, identity, metadata, {noted} FROM rows "  # noqa: S608 - bound
                f"WHERE slot IN {bound(len(some))}"
            )
            for slot, name, identity, text, kept in connection.execute(asked, some):
                if moment.head.sums and row_sum(name, identity, text, slot) != kept:
                    damaged[slot] = str(name)
                rows[slot] = (name, identity, text)
    if len(rows) < len(wanted):
        if same:
            damaged |= {slot: f"slot {slot}" for slot in wanted if slot not in rows}
        else:
            return None
    if damaged:
        moments.mark(damaged)
        return None
    return [
        [
            Match(rows[slot][0], rows[slot][1], distance, _metadata(rows[slot][2]))
            for slot, distance in zip(some, far, strict=True)
            if slot >= 0
        ]
        for some, far in zip(slots, distances, strict=True)
    ]


def same_version(database: Database, moment: Moment) -> bool:
    """Whether the database is known to be as it was at a moment."""
    return moment.version is not None and moment.version == database.version()


def selected(database: Database, ids: Sequence[str]) -> list[int]:
    """The keys of the rows with these ids, in order."""
    keys: list[int] = []
    with database.reading() as connection:
        for some in chunks(list(dict.fromkeys(ids))):
            asked = f"SELECT key FROM rows WHERE id IN {bound(len(some))}"  # noqa: S608 - as bound
            keys += (key for (key,) in connection.execute(asked, some))
    return sorted(keys)


def sqlite_page(
    moments: Moments,
    after: int,
    where: Condition | None,
    keys: list[int] | None,
    *,
    vectors: bool,
    items: bool,
) -> tuple[Rows, int | None] | None:
    """Rows of one moment, in the order of their keys.

    Args:
        moments: Of the gallery.
        after: The key that theirs are above.
        where: What their metadata must be.
        keys: The only keys; all if None.
        vectors: Whether to read vectors.
        items: Whether to read kept items.

    Returns:
        The rows and the last of their keys, None where there are no more; or None where a row was
        removed while its vector was read.
    """
    database = moments.database
    sql, values = ("1", []) if where is None else sqlite_condition(where)
    if keys is not None:
        sql, values = f"{sql} AND key IN {bound(len(keys))}", [*values, *keys]
    item = "item" if items else "NULL"
    # The head first, so that nothing that a file may lack is asked for.
    moment = moments.now()
    noted = "row_sum, item_sum" if moment.head.sums else "NULL, NULL"
    asked = (
        f"SELECT key, id, identity, metadata, slot, {item}, {noted} FROM rows "  # noqa: S608 - bound
        f"WHERE key > ? AND {sql} ORDER BY key LIMIT {_PAGE}"
    )
    with database.reading() as connection:
        head = head_of(connection, database.path)
        if head.sums and not moment.head.sums:
            return None
        found = connection.execute(asked, [after, *values]).fetchall()
    last = found[-1][0] if keys is None and len(found) == _PAGE else None
    if head.sums:
        moments.mark({row[4]: str(row[1]) for row in found if _is_damaged(row, items=items)})
    left_out = moments.left_out()
    found = [row for row in found if row[4] not in left_out]
    slots = np.array([row[4] for row in found], dtype=np.int64)
    read = np.zeros((len(found), 0), dtype=np.float32)
    if vectors:
        if head.file != moment.head.file or (slots >= moment.head.slots).any():
            return None
        read = moment.vectors[slots]
        with database.reading() as connection:
            if head_of(connection, database.path).removals != head.removals:
                return None
    rows = Rows(
        [row[1] for row in found],
        [row[2] for row in found],
        read,
        [_metadata(row[3]) for row in found],
        [row[5] for row in found],
    )
    return rows, last


def _is_damaged(row: tuple[Any, ...], *, items: bool) -> bool:
    _, name, identity, text, slot, item, noted, noted_item = row
    return row_sum(name, identity, text, slot) != noted or (items and item_sum(item) != noted_item)


def _metadata(text: str) -> Any:
    try:
        return {} if text == "{}" else _DECODE(text)
    except (ValueError, TypeError) as error:
        raise DamagedGallery(
            "The metadata of an entry is damaged. Restore the gallery from a copy."
        ) from error


class Names:
    """The ids of slots, kept in memory; a slot is never given to another row.

    Args:
        moments: Of the gallery.
    """

    def __init__(self, moments: Moments) -> None:
        self.database = moments.database
        self._moments = moments
        self._lock = threading.Lock()
        self._ids = np.zeros(0, dtype=object)
        self._version: tuple[int, int, int] | None = None
        self._file = 0
        self._known = 0

    def of(
        self, moment: Moment, slots: Int[Array, "q k"], *, current: bool = False
    ) -> Shaped[Array, "q k"] | None:
        """The ids of slots, empty for -1; None where rows were removed since the moment.

        Args:
            moment: In which they were found.
            slots: Of any of its rows.
            current: Whether to give None after any change since the moment, too.
        """
        with self.database.said():
            same = same_version(self.database, moment)
        if current and not same:
            return None
        known = (moment.head.file, moment.version)
        with self._lock:
            if not (same and (self._file, self._version) == known) and not self._read(moment):
                return None
            ids: Array = self._ids[slots]
        return ids

    def _read(self, moment: Moment) -> bool:
        """Read the ids of new slots; False where rows were removed since the moment."""
        with self.database.reading() as connection:
            head = head_of(connection, self.database.path)
            if (head.file, head.removals) != (moment.head.file, moment.head.removals):
                return False
            if self._file != head.file:
                self._file, self._known = head.file, 0
            if head.slots >= len(self._ids):
                # The last is nobody's, and what -1 leads to.
                grown = np.full(head.slots + head.slots // 8 + 1, "", dtype=object)
                grown[: self._known] = self._ids[: self._known]
                self._ids = grown
            if head.slots > self._known:
                self._fill(connection, head)
                self._known = head.slots
            self._version = moment.version
        return True

    def _fill(self, connection: sqlite3.Connection, head: Head) -> None:
        """Take the ids of the slots that are not known yet."""
        noted = "identity, metadata, row_sum" if head.sums else "NULL, NULL, NULL"
        asked = f"SELECT slot, id, {noted} FROM rows WHERE slot >= ?"  # noqa: S608 - ours
        damaged: dict[int, str] = {}
        for slot, name, identity, text, kept in connection.execute(asked, (self._known,)):
            if head.sums and row_sum(name, identity, text, slot) != kept:
                damaged[slot] = str(name)
            else:
                self._ids[slot] = name
        self._moments.mark(damaged)
