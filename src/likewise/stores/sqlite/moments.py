"""Moments of a SQLite gallery: its vectors as they were, whatever is written later."""

import contextlib
import sqlite3
import threading
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.distances.base import Distance
from likewise.errors import DamagedGallery, GalleryBusy
from likewise.io.display import shortened
from likewise.io.warned import LikewiseWarning
from likewise.shapes import Array, Float, Int, UInt64
from likewise.stores.exact import Ranked, nearest_rows, padded, squares_of
from likewise.stores.rows import check_not_migrated
from likewise.stores.sqlite.checksums import differing, read_sums, row_sum
from likewise.stores.sqlite.database import Database, bound, chunks
from likewise.stores.sqlite.filter_sql import sqlite_condition
from likewise.stores.sqlite.schema import Head, head_of
from likewise.stores.sqlite.stamp import NO_INDEX, Stamp, stamp_of
from likewise.stores.sqlite.vectors import Vectors
from likewise.stores.where import Condition

_TRIES = 100
_SHOWN = 5


@dataclass(frozen=True)
class Moment:
    """The vectors of a gallery at a moment.

    Attributes:
        head: What the gallery was.
        vectors: By slot, mapped from the file. A slot whose row is removed later turns to zeros.
        squares: The squared length of each.
        holes: Slots that no row names, or whose row or vector is damaged, in order.
        damaged: How many of them are damaged.
        among: The slots of the rows that fulfil a condition, in order; None for all.
        stamp: What the database says of its index; of method `none` where nobody asked.
        version: Of the database, as the thread that asked sees it; None where nobody did.
    """

    head: Head
    vectors: Float[Array, "slots dim"]
    squares: Float[Array, "slots"]
    holes: Int[Array, "h"]
    damaged: int
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
        self._damaged: dict[int, str] = {}
        self._texts_checked = False
        self._last = threading.local()

    @property
    def damaged(self) -> tuple[str, ...]:
        """The ids of the rows that were found damaged so far, as far as they can be told."""
        return tuple(self._damaged.values())

    def left_out(self) -> Collection[int]:
        """The slots of damaged rows."""
        return self._damaged.keys()

    def mark(self, found: Mapping[int, str]) -> None:
        """Leave damaged rows out of every later moment, and say once which they are.

        Args:
            found: The slot of each, and its id.
        """
        new = {slot: name for slot, name in found.items() if slot not in self._damaged}
        if not new:
            return
        self._damaged |= new
        # No moment that holds them is given again.
        self._last = threading.local()
        names = [shortened(name, 60) for name in list(new.values())[:_SHOWN]]
        more = f" and {len(new) - _SHOWN:,} more" if len(new) > _SHOWN else ""
        warnings.warn(
            f"{self.database.path} is damaged, and these entries are left out of every answer: "
            f"{', '.join(names)}{more}. Restore it from a copy, or mend it: likewise gallery check "
            "GALLERY MODEL.",
            LikewiseWarning,
            stacklevel=2,
        )

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
        self._damaged = {}

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
        among, sums = None, None
        with self._lock, self.database.reading() as connection:
            head = head_of(connection, self.database.path)
            check_not_migrated(self.database.path, head.pin, self.database.pin)
            if not self._opened(head):
                return None
            assert self._file is not None  # noqa: S101 - just opened
            if head.generation != self._generation:
                self._holes = self._read_holes(connection, head)
                self._generation = head.generation
            if head.sums and head.slots > self._known:
                sums = read_sums(connection, self._known, head.slots)
            if where is not None:
                if head.sums and not self._texts_checked:
                    self.mark(damaged_texts(connection))
                    self._texts_checked = True
                sql, values = sqlite_condition(where)
                # The rows themselves: an index that is damaged may name the slot of another.
                asked = f"SELECT slot FROM rows NOT INDEXED WHERE {sql}"  # noqa: S608 - as bound
                among = np.sort(_numbers(connection.execute(asked, values)))
            vectors = self._file.view(head.slots)
            holes, said = self._holes, NO_INDEX
            if stamp:
                # What is damaged is no index; `Store.state` says so.
                with contextlib.suppress(DamagedGallery):
                    said = self._stamp = stamp_of(connection, self._stamp)
        with self._lock:
            if self._number != head.file:
                return None
            known = self._known
            squares = self._squares_to(head.slots, vectors)
            # Another thread may have been first, and has compared them.
            if sums is not None and known + len(sums) == head.slots and known < head.slots:
                new = slice(known, head.slots)
                if not self._compare(head, known, vectors[new], squares[new], sums, holes):
                    return None
            damaged = np.array(sorted(self._damaged), dtype=np.int64)
        if len(damaged):
            holes = np.union1d(holes, damaged)
            among = None if among is None else np.setdiff1d(among, damaged)
        return Moment(head, vectors, squares, holes, len(damaged), among, said, version)

    def _read_holes(self, connection: sqlite3.Connection, head: Head) -> Int[Array, "h"]:
        holes = _numbers(connection.execute("SELECT slot FROM holes ORDER BY slot"))
        there = head.entries
        if self._generation < 0:
            # Once is enough: what is written later is written whole.
            (there,) = connection.execute("SELECT count(*) FROM rows NOT INDEXED").fetchone()
        inside = not len(holes) or (holes[0] >= 0 and holes[-1] < head.slots)
        if there != head.entries or head.entries + len(holes) != head.slots or not inside:
            raise DamagedGallery(
                f"{self.database.path} is damaged: it has {there:,} entries and {len(holes):,} "
                f"empty places, and {head.entries:,} of {head.slots:,} places should be entries. "
                "Restore it from a copy."
            )
        return holes

    def _compare(
        self,
        head: Head,
        start: int,
        vectors: Float[Array, "n dim"],
        squares: Float[Array, "n"],
        sums: UInt64[Array, "n"],
        holes: Int[Array, "h"],
    ) -> bool:
        """Find damaged vectors of slots from `start` on; False where rows were removed meanwhile.

        Raises:
            DamagedGallery: If a row is said to be none.
        """
        empty = holes[holes >= start] - start
        wrong = differing(vectors, sums)
        wrong = np.setdiff1d(wrong, empty, assume_unique=True) + start
        # An empty slot is zeros, but for a moment after its row was removed.
        filled = empty[squares[empty] != 0] + start
        if not len(wrong) and not len(filled):
            return True
        found: dict[int, str] = {}
        with self.database.reading() as connection:
            now = head_of(connection, self.database.path)
            if now.file != head.file:
                return False
            later = _numbers(connection.execute("SELECT slot FROM holes ORDER BY slot"))
            if now.removals != head.removals and np.isin(wrong, later).any():
                self._known = start
                return False
            for some in chunks(filled.tolist()):
                asked = f"SELECT 1 FROM rows WHERE slot IN {bound(len(some))}"  # noqa: S608 - bound
                if connection.execute(asked, some).fetchone():
                    raise DamagedGallery(
                        f"{self.database.path} is damaged: an entry stands in a place that is said "
                        "to be empty. Restore it from a copy."
                    )
            for some in chunks(wrong.tolist()):
                asked = f"SELECT slot, id FROM rows WHERE slot IN {bound(len(some))}"  # noqa: S608 - bound
                named = dict(connection.execute(asked, some).fetchall())
                found |= {slot: str(named.get(slot, f"slot {slot}")) for slot in some}
        self.mark(found)
        # The largest square bounds how far a search must look.
        squares[wrong - start] = 0
        return True

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
            # What is damaged may be no number, or a very large one.
            with np.errstate(over="ignore", invalid="ignore"):
                self._squares[self._known : slots] = squares_of(vectors[self._known : slots])
            self._known = slots
        return self._squares[:slots]


def _numbers(rows: Any) -> Int[Array, "n"]:
    return np.fromiter((row[0] for row in rows), dtype=np.int64)


def damaged_texts(connection: sqlite3.Connection) -> dict[int, str]:
    """The slots and ids of the rows whose texts are not as they were written."""
    asked = "SELECT id, identity, metadata, slot, row_sum FROM rows"
    return {
        slot if isinstance(slot, int) else -1 - at: str(name)
        for at, (name, identity, text, slot, noted) in enumerate(connection.execute(asked))
        if row_sum(name, identity, text, slot) != noted
    }
