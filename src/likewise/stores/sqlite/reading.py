"""What a reader sees of a SQLite gallery: moments of it, its rows, and those that were found."""

import contextlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.distances.base import Distance
from likewise.errors import DamagedGallery, GalleryBusy
from likewise.shapes import Array, Float, Int, Shaped
from likewise.stores.exact import Ranked, nearest_rows, padded, squares_of
from likewise.stores.rows import Match, Rows, check_not_migrated
from likewise.stores.sqlite.database import Database, bound, chunks
from likewise.stores.sqlite.filter_sql import sqlite_condition
from likewise.stores.sqlite.schema import Head, head_of
from likewise.stores.sqlite.stamp import NO_INDEX, Stamp, stamp_of
from likewise.stores.sqlite.vectors import Vectors
from likewise.stores.where import Condition

_DECODE = json.JSONDecoder().decode
_PAGE = 4096
_TRIES = 100


@dataclass(frozen=True)
class Moment:
    """The vectors of a gallery at a moment.

    Attributes:
        head: What the gallery was.
        vectors: By slot, mapped from the file. A slot whose row is removed later turns to zeros.
        squares: The squared length of each.
        holes: Slots that no row names, in order.
        among: The slots of the rows that fulfil a condition, in order; None for all.
        stamp: What the database says of its index; of method `none` where nobody asked.
        version: Of the database, as the thread that asked sees it; None where nobody did.
    """

    head: Head
    vectors: Float[Array, "slots dim"]
    squares: Float[Array, "slots"]
    holes: Int[Array, "h"]
    among: Int[Array, "m"] | None
    stamp: Stamp
    version: tuple[int, int, int] | None

    def nearest(self, queries: Float[Array, "q dim"], k: int, distance: Distance) -> Ranked:
        """The k nearest rows to each query, exactly; see `exact.nearest`."""
        held = (self.vectors, self.squares, k, distance)
        return padded(nearest_rows(queries, *held, among=self.among, holes=self.holes), k)


class Moments:
    """Gives moments of a gallery, and keeps for the next what will not change.

    Args:
        database: Of the gallery.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock = threading.Lock()
        self._file: Vectors | None = None
        self._number = 0
        self._generation = -1
        self._holes = np.zeros(0, dtype=np.int64)
        self._squares = np.zeros(0, dtype=np.float32)
        self._known = 0
        self._stamp = NO_INDEX
        self._last = threading.local()

    @property
    def last(self) -> Moment | None:
        """What `now` last gave this thread, if that came with the stamp; it may be over."""
        moment: Moment | None = getattr(self._last, "moment", None)
        return moment

    def close(self) -> None:
        """Give the file of vectors back, and what is mapped of it."""
        with self._lock:
            self._put_back()
            self._last = threading.local()

    def _put_back(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._number, self._generation, self._known = None, 0, -1, 0

    def now(self, where: Condition | None = None, *, stamp: bool = False) -> Moment:
        """The vectors as they now are.

        Args:
            where: What the metadata of rows must be, for `Moment.among`.
            stamp: Whether to read what the database says of its index.

        Raises:
            DamagedGallery: If the file of vectors is not as it was written.
        """
        version = None
        if stamp and where is None:
            # One statement, in place of a transaction, where nothing has changed since.
            with self.database.said():
                version = self.database.version()
            last = self.last
            if last is not None and last.version == version:
                return last
        for _ in range(_TRIES):
            moment = self._now(where, stamp, version)
            if moment is not None:
                # What an exact search saw is not stamped, and does not say that the last is over.
                if version or (last := self.last) is None or last.head != moment.head:
                    self._last.moment = moment if version else None
                return moment
        raise GalleryBusy(f"{self.database.path} was replaced faster than it could be opened.")

    def _now(
        self, where: Condition | None, stamp: bool, version: tuple[int, int, int] | None
    ) -> Moment | None:
        """A moment; None where the gallery was compacted before its file was opened."""
        among = None
        with self._lock, self.database.reading() as connection:
            head = head_of(connection, self.database.path)
            check_not_migrated(self.database.path, head.pin, self.database.pin)
            if not self._opened(head):
                return None
            assert self._file is not None  # noqa: S101 - just opened
            if head.generation != self._generation:
                self._holes = _numbers(connection.execute("SELECT slot FROM holes ORDER BY slot"))
                self._generation = head.generation
            if where is not None:
                sql, values = sqlite_condition(where)
                asked = f"SELECT slot FROM rows WHERE {sql} ORDER BY slot"  # noqa: S608 - as bound
                among = _numbers(connection.execute(asked, values))
            vectors = self._file.view(head.slots)
            holes, said = self._holes, NO_INDEX
            if stamp:
                # What is damaged is no index; `Store.state` says so.
                with contextlib.suppress(DamagedGallery):
                    said = self._stamp = stamp_of(connection, self._stamp)
        with self._lock:
            if self._number != head.file:
                return None
            squares = self._squares_to(head.slots, vectors)
        return Moment(head, vectors, squares, holes, among, said, version)

    def _opened(self, head: Head) -> bool:
        """Open the file of vectors that a head names; False where it is replaced already."""
        if self._number == head.file:
            return True
        path = self.database.vectors_path(head.file)
        try:
            file = Vectors(path, head.dim, head.token)
        except FileNotFoundError:
            # In WAL mode a reader may look at a moment that is over.
            if not self._is_current(head):
                return False
            raise DamagedGallery(
                f"{path}, the file of the vectors of {self.database.path}, is missing. Put it "
                "back, or restore the gallery from a copy."
            ) from None
        self._put_back()
        self._file, self._number = file, head.file
        return True

    def _is_current(self, head: Head) -> bool:
        fresh = Database(self.database.path, self.database.timeout_seconds, writing=False)
        try:
            with fresh.reading() as connection:
                return head_of(connection, self.database.path).file == head.file
        finally:
            fresh.close()

    def _squares_to(self, slots: int, vectors: Float[Array, "n dim"]) -> Float[Array, "slots"]:
        if slots > len(self._squares):
            grown = np.empty(slots + slots // 8, dtype=np.float32)
            grown[: self._known] = self._squares[: self._known]
            self._squares = grown
        if slots > self._known:
            self._squares[self._known : slots] = squares_of(vectors[self._known : slots])
            self._known = slots
        return self._squares[:slots]


def _numbers(rows: Any) -> Int[Array, "n"]:
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def some_matches(
    database: Database, moment: Moment, found: Ranked, *, current: bool = False
) -> list[list[Match]] | None:
    """The rows of the slots that were found; None where one of them was removed meanwhile.

    Args:
        database: Of the gallery.
        moment: In which they were found.
        found: The slots, and their distances.
        current: Whether to give None after any change since the moment, too.
    """
    slots, distances = found[0].tolist(), found[1].tolist()
    wanted = sorted({slot for some in slots for slot in some if slot >= 0})
    rows: dict[int, tuple[str, str, Any]] = {}
    with database.reading() as connection:
        if not same_version(database, moment) and (
            current or head_of(connection, database.path).file != moment.head.file
        ):
            return None
        for some in chunks(wanted):
            asked = (
                f"SELECT slot, id, identity, metadata FROM rows WHERE slot IN {bound(len(some))}"  # noqa: S608 - numbers are bound
            )
            for slot, name, identity, text in connection.execute(asked, some):
                rows[slot] = (name, identity, _metadata(text))
    if len(rows) < len(wanted):
        return None
    return [
        [
            Match(rows[slot][0], rows[slot][1], distance, rows[slot][2])
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
    asked = (
        f"SELECT key, id, identity, metadata, slot, {item} FROM rows "  # noqa: S608 - as bound
        f"WHERE key > ? AND {sql} ORDER BY key LIMIT {_PAGE}"
    )
    moment = moments.now() if vectors else None
    with database.reading() as connection:
        head = head_of(connection, database.path)
        found = connection.execute(asked, [after, *values]).fetchall()
    slots = np.array([row[4] for row in found], dtype=np.int64)
    read = np.zeros((len(found), 0), dtype=np.float32)
    if moment is not None:
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
    more = keys is None and len(found) == _PAGE
    return rows, found[-1][0] if more else None


def _metadata(text: str) -> Any:
    return {} if text == "{}" else _DECODE(text)


class Names:
    """The ids of slots, kept in memory; a slot is never given to another row.

    Args:
        database: Of the gallery.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
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
                asked = "SELECT slot, id FROM rows WHERE slot >= ?"
                for slot, name in connection.execute(asked, (self._known,)):
                    self._ids[slot] = name
                self._known = head.slots
            self._version = moment.version
        return True
