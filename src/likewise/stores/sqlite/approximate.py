"""Approximate search of a SQLite gallery: its index, and exact search for what that lacks.

The index holds slots of one file of vectors, and a slot is never given to another row. So it stays
right while the gallery changes: rows that are newer are searched exactly, those that were removed
are masked, and only a file that was rewritten makes it useless. A condition that leaves less than
half of the rows is searched exactly, too; so is a gallery of which the index lost a quarter.
"""

import sqlite3
import threading
from dataclasses import dataclass
from typing import cast

import numpy as np

from likewise.distances.base import Distance
from likewise.distances.cosine import Cosine, unit
from likewise.distances.euclidean import Euclidean
from likewise.errors import DamagedGallery, MissingExtra
from likewise.shapes import Array, Bool, Float, Int
from likewise.stores import exact
from likewise.stores.exact import Ranked
from likewise.stores.index.faiss_index import Searcher, faiss, installed, searcher_of
from likewise.stores.index.indexing import (
    LEAST_SELECTED,
    MOST_WANTED,
    USED,
    Indexed,
    IndexMethod,
    passed_over,
)
from likewise.stores.sqlite.database import Database
from likewise.stores.sqlite.moments import Moment
from likewise.stores.sqlite.schema import Head
from likewise.stores.sqlite.stamp import Stamp, read_sidecar, stamp_of

MOST_REMOVED = 0.25
_AT_ONCE = 2**14


@dataclass(frozen=True)
class Loaded:
    """An index that is ready to be asked.

    Attributes:
        stamp: What the database says of it.
        searcher: What asks it.
        slots: Of its rows.
    """

    stamp: Stamp
    searcher: Searcher
    slots: Int[Array, "n"]


@dataclass(frozen=True)
class UnindexedChange:
    """What an index does not know of a gallery at a moment.

    Attributes:
        key: Of which index and which moment.
        alive: Which of its rows are still there; None if all are.
        rest: The slots of all rows that it does not hold, in order.
    """

    key: tuple[int, int, int]
    alive: Bool[Array, "n"] | None
    rest: Int[Array, "m"]


class Approximate:
    """Asks the index of a gallery, and says why not where it cannot.

    Args:
        database: Of the gallery.
        distance: What compares.
    """

    def __init__(self, database: Database, distance: Distance) -> None:
        self._database = database
        self._distance = distance
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        # The number of an index and what its file was, and why that cannot be used.
        self._refused: tuple[tuple[int, object] | None, str] = (None, "")
        self._change: UnindexedChange | None = None

    def holds(self, moment: Moment) -> bool:
        """Whether the index of a moment is the one that is loaded."""
        loaded = self._loaded
        return loaded is not None and loaded.stamp.number == moment.stamp.number

    def nearest(self, queries: Float[Array, "q dim"], moment: Moment, k: int) -> Ranked | None:
        """About the k nearest rows to each query; None where exact search is to answer.

        Args:
            queries: Float32.
            moment: Of the gallery.
            k: How many.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        asked = prepared(queries, self._distance)
        if k > MOST_WANTED or len(asked) < len(queries):
            return None
        loaded = self._ready(moment)
        if loaded is None:
            return None
        change = self._change_of(loaded, moment)
        allowed, rest, breadth = change.alive, change.rest, loaded.stamp.breadth
        if moment.among is not None:
            wanted = np.zeros(moment.head.slots, dtype=np.bool_)
            wanted[moment.among] = True
            allowed = wanted[loaded.slots]
            share = float(allowed.mean())
            if share < LEAST_SELECTED:
                return None
            breadth, rest = round(breadth / share), rest[wanted[rest]]
        breadth = min(loaded.searcher.widest, max(1, round(breadth * max(1, k / 10))))
        places = loaded.searcher.search(asked, k, breadth, allowed)
        found = loaded.slots[places]
        if (places < 0).any():
            found[places < 0] = -1
        if len(rest):
            found = self._joined(found, queries, moment, k, rest)
        return exact.rank_rows(queries, moment.vectors, found, k, self._distance)

    def _joined(
        self,
        found: Int[Array, "q k"],
        queries: Float[Array, "q dim"],
        moment: Moment,
        k: int,
        rest: Int[Array, "m"],
    ) -> Int[Array, "q _"]:
        """What the index found, and the nearest of the rows that it does not hold."""
        more = exact.nearest_rows(
            queries, moment.vectors, moment.squares, k, self._distance, among=rest
        )
        return np.concatenate([found, exact.padded(more, k)[0]], axis=1)

    def told(self, connection: sqlite3.Connection, head: Head) -> Indexed | None:
        """The index as the database and its file's size show it; its content is not read."""
        try:
            stamp = stamp_of(connection)
        except DamagedGallery as error:
            return Indexed("none", str(error), 0, 0, 0, None, 0, 0.0, "", 0)
        if stamp.method == "none":
            return None
        path = self._database.index_path(stamp.number)
        size = path.stat().st_size if path.exists() else 0
        status = USED
        if stamp.file != head.file or stamp.slots > head.slots:
            status = _again("the vectors were written anew since")
        elif not size:
            status = _again("its file is missing")
        elif size != stamp.size:
            status = _again(f"its file has {size:,} bytes, and {stamp.size:,} were written")
        elif _worn(stamp, head):
            status = _again("more than a quarter of its rows were removed or replaced")
        elif self._refused[0] is not None and self._refused[0][0] == stamp.number:
            status = self._refused[1]
        elif not installed():
            status = passed_over("FAISS is not installed. pip install 'likewise[faiss]'")
        return Indexed(
            method=cast("IndexMethod", stamp.method),
            status=status,
            rows=stamp.rows,
            newer=head.slots - stamp.slots,
            removed=head.removals - stamp.removals,
            recall=stamp.recall if stamp.asked else None,
            asked=stamp.asked,
            wanted=stamp.wanted,
            settings=stamp.settings,
            bytes_used=size,
        )

    def _ready(self, moment: Moment) -> Loaded | None:
        """The index that the gallery now has, loaded; None where it cannot be used."""
        stamp, head = moment.stamp, moment.head
        # An index that is newer than the moment knows slots that the moment does not.
        if stamp.method == "none" or stamp.file != head.file or stamp.slots > head.slots:
            return None
        if _worn(stamp, head):
            return None
        with self._lock:
            if self._loaded is None or self._loaded.stamp.number != stamp.number:
                self._loaded = self._load(stamp, moment)
            return self._loaded

    def _load(self, stamp: Stamp, moment: Moment) -> Loaded | None:
        path = self._database.index_path(stamp.number)
        try:
            status = path.stat()
            seen = (stamp.number, (status.st_mtime_ns, status.st_size, status.st_ino))
            if self._refused[0] == seen:
                return None
            faiss()
            structure = read_sidecar(path, stamp, moment.head)
            vectors = _gathered(moment.vectors, structure.slots, self._distance)
            searcher = searcher_of(structure, vectors)
        except OSError as error:
            why = _again("its file is missing" if not path.exists() else str(error.strerror))
            self._refused = ((stamp.number, None), why)
            return None
        except MissingExtra as error:
            self._refused = (None, str(error))
            return None
        except DamagedGallery as error:
            self._refused = (seen, str(error))
            return None
        return Loaded(stamp, searcher, structure.slots)

    def _change_of(self, loaded: Loaded, moment: Moment) -> UnindexedChange:
        key = (loaded.stamp.number, moment.head.generation, moment.damaged)
        known = self._change
        if known is not None and known.key == key:
            return known
        slots = loaded.slots
        living = np.ones(moment.head.slots, dtype=np.bool_)
        living[moment.holes] = False
        alive = living[slots]
        living[slots] = False
        change = UnindexedChange(key, None if alive.all() else alive, np.flatnonzero(living))
        self._change = change
        return change


def _worn(stamp: Stamp, head: Head) -> bool:
    """Whether too much of an index is gone."""
    return head.removals - stamp.removals > MOST_REMOVED * stamp.rows


def _again(why: str) -> str:
    return passed_over(f"{why}. Make it again: likewise gallery rebuild GALLERY")


def has_index_for(distance: Distance) -> bool:
    """Whether there is an index for a distance."""
    return isinstance(distance, Euclidean | Cosine)


def prepared(vectors: Float[Array, "n dim"], distance: Distance) -> Float[Array, "m dim"]:
    """Vectors whose euclidean distances rise with a distance; without those of no direction."""
    if not isinstance(distance, Cosine):
        return vectors
    directed = unit(vectors)
    return np.ascontiguousarray(directed[directed[:, -1] == 0, :-1])


def _gathered(
    vectors: Float[Array, "slots dim"], slots: Int[Array, "n"], distance: Distance
) -> Float[Array, "n dim"]:
    """The vectors of slots, as the index compares them; those removed since may be zeros."""
    found = np.zeros((len(slots), vectors.shape[1]), dtype=np.float32)
    for start in range(0, len(slots), _AT_ONCE):
        part = vectors[slots[start : start + _AT_ONCE]]
        if isinstance(distance, Cosine):
            part = unit(part)[:, :-1]
        found[start : start + len(part)] = part
    return found
