"""The store that needs nothing but a disk."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar, final

import numpy as np

from likewise.distances import FAMILY as DISTANCES
from likewise.distances.base import Distance
from likewise.errors import BadArgument, ForeignEmbedding, GalleryBusy, WrongDimension
from likewise.shapes import Array, Float
from likewise.stores.again import opened_again
from likewise.stores.base import Store
from likewise.stores.exact import Ranked
from likewise.stores.index.faiss_index import installed
from likewise.stores.keepable import check_timeout
from likewise.stores.rows import (
    Change,
    Line,
    Match,
    Neighbours,
    Pin,
    Rows,
    StoreState,
    Written,
    check_not_migrated,
    unfinished_migration,
)
from likewise.stores.sqlite import changing, rewriting
from likewise.stores.sqlite.approximate import Approximate
from likewise.stores.sqlite.database import Database
from likewise.stores.sqlite.deriving import derive
from likewise.stores.sqlite.filter_sql import sqlite_condition
from likewise.stores.sqlite.moments import Moment, Moments
from likewise.stores.sqlite.reading import (
    Names,
    selected,
    some_matches,
    sqlite_page,
)
from likewise.stores.sqlite.schema import head_of
from likewise.stores.where import Condition

# How often to look again where a row that was found is removed before it is read.
_TRIES = 100
Told = TypeVar("Told")


@final
class Sqlite(Store):
    """Rows in one SQLite file, and their vectors in a file beside it that is mapped into memory.

    Vectors are on the disk before the rows that name them are, and no vector is overwritten while
    a row names it: a kill or a power cut at any moment leaves every acknowledged row, and none by
    half. A row that is removed or replaced leaves its slot empty; it is overwritten with zeros,
    and given back to the disk when a change says `reclaim`. Search is exact, unless an index was
    made and a search may be approximate; FAISS (`pip install 'likewise[faiss]'`) makes and asks
    it. The index lies in a file beside, which may be deleted at any time.

    Args:
        path: Of the SQLite file.
        timeout_seconds: How long to wait for other writers.
        pin: What the vectors are of, which makes the store where there is none; filled in by the
            house, as is the next.
        writing: Whether anything may be written.

    Raises:
        GalleryNotFound: If there is none and it cannot be made.
        NotAGallery: If the file is something else.
        DamagedGallery: If a file is altered, truncated or missing.
        NewerGallery: If a later version of Likewise wrote it.
        ForeignEmbedding: If its vectors are of another model than the pin's.
        WrongDimension: If they have another length.
    """

    def __init__(
        self,
        path: str,
        timeout_seconds: float = 30.0,
        *,
        pin: Pin | None = None,
        writing: bool = True,
    ) -> None:
        check_timeout(timeout_seconds)
        self._database = Database(Path(path), timeout_seconds, writing=writing)
        self._moments = Moments(self._database)
        self.resources = ExitStack()
        # The database first: what is read of the vectors begins with it.
        self.resources.callback(self._moments.close)
        self.resources.callback(self._database.close)
        self._writing = threading.Lock()
        self._slots = changing.Slots()
        try:
            self._pin = self._database.checked(pin).pin
            self._distance: Distance = DISTANCES.build(self._pin.distance)
            self._approximate = Approximate(self._database, self._distance)
            self._names = Names(self._moments)
            # What is damaged is found out now.
            head = self._moments.now().head
            if writing:
                changing.wipe_traces(self._database, head)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Sqlite({str(self._database.path)!r})"

    def __reduce__(self) -> tuple[Callable[..., Store], tuple[object, ...]]:
        held = self._database
        place = (os.path.abspath(held.path), held.timeout_seconds)  # noqa: PTH100 - links stay
        return (opened_again, (Sqlite, place, self._pin, held.writing))

    def write(self, change: Change) -> Written:
        """Put and remove rows, durably, as a whole or not at all.

        Raises:
            BadArgument: If metadata cannot be kept.
            WrongDimension: If the vectors have another length.
            SaveFailed: If it cannot be written; the rows are as they were.
            GalleryBusy: If other writers did not let it.
            DamagedGallery: If what is there is not as it was written.
        """
        if change.put is not None:
            self._check(change.put.vectors)
        with self._writing:
            before = self.state().index if change.reclaim or change.moved else None
            again = before.again if before is not None and installed() else None
            if change.moved is not None:
                done = rewriting.move_sqlite_gallery(self._database, change.moved, self._slots)
            else:
                done = changing.apply_sqlite_change(self._database, change, self._slots)
            if done.removed.any() or (change.taken == "known" and done.put.any()):
                self._forget_migrating(change)
            if change.reclaim:
                rewriting.rewrite_vectors(self._database, self._slots)
        if change.moved is not None:
            # This store is of the old model; the index is made by one that is of the new, if
            # there is one for its distance.
            if again is not None:
                with Sqlite(str(self._database.path)) as new, suppress(BadArgument):
                    new.write(Change(index=again))
            return done
        # The index was of the file of vectors that is written anew.
        if (index := change.index or again) is not None:
            derive(self._database, self._moments, self._distance, index)
        return done

    def _forget_migrating(self, change: Change) -> None:
        """Remove what is removed or replaced from a migration that is not finished, too."""
        staging = rewriting.staging_path(self._database.path)
        if staging.exists():
            known = change.put.ids if change.put is not None and change.taken == "known" else ()
            with Sqlite(str(staging)) as staged:
                staged.write(Change(remove=[*change.remove, *known]))

    def read(
        self,
        ids: Sequence[str] | None = None,
        where: Condition | None = None,
        *,
        vectors: bool = True,
        items: bool = False,
    ) -> Iterator[Rows]:
        """Some rows at a time, in the order in which their ids were first put.

        Args:
            ids: Of the rows; all if None. Those that nobody put are left out.
            where: What their metadata must be.
            vectors: Whether to read vectors; else they have no columns.
            items: Whether to read kept items; else they are None.

        Raises:
            DamagedGallery: If what is there is not as it was written.
            GalleryBusy: If others change the rows faster than they can be read.
        """
        if ids is not None:
            keys = selected(self._database, ids)
            for start in range(0, len(keys), 500):
                yield self._page(0, where, keys[start : start + 500], vectors, items)[0]
            return
        last: int | None = 0
        while last is not None:
            rows, last = self._page(last, where, None, vectors, items)
            if len(rows):
                yield rows

    def _page(
        self,
        after: int,
        where: Condition | None,
        keys: list[int] | None,
        vectors: bool,
        items: bool,
    ) -> tuple[Rows, int | None]:
        for _ in range(_TRIES):
            found = sqlite_page(self._moments, after, where, keys, vectors=vectors, items=items)
            if found is not None:
                return found
        raise self._too_busy()

    def _too_busy(self) -> GalleryBusy:
        return GalleryBusy(
            f"Others changed {self._database.path} faster than it could be read, {_TRIES} times "
            "in a row. Try again."
        )

    def nearest(
        self,
        queries: Float[Array, "n dim"],
        k: int,
        where: Condition | None = None,
        *,
        approximate: bool = False,
    ) -> list[list[Match]]:
        """The k rows nearest to each query among those that fulfil a condition, nearest first.

        Raises:
            BadArgument: If k is not positive.
            WrongDimension: If the queries have another length than the vectors.
            DamagedGallery: If what is there is not as it was written.
            GalleryBusy: If others change the rows faster than they can be read.
        """
        # A slot that a row still names was not overwritten meanwhile.
        return self._told(queries, k, where, approximate, partial(some_matches, self._moments))

    def neighbours(
        self,
        queries: Float[Array, "n dim"],
        k: int,
        where: Condition | None = None,
        *,
        approximate: bool = False,
    ) -> Neighbours:
        """The ids and distances of `nearest` alone; all ids are then kept in memory.

        The arguments, and what is raised, are those of `nearest`.
        """

        def told(moment: Moment, found: Ranked, *, current: bool) -> Neighbours | None:
            ids = self._names.of(moment, found[0], current=current)
            return None if ids is None else Neighbours(ids, found[1])

        return self._told(queries, k, where, approximate, told)

    def _told(
        self,
        queries: Float[Array, "n dim"],
        k: int,
        where: Condition | None,
        approximate: bool,
        told: Callable[..., Told | None],
    ) -> Told:
        """What is told of the slots nearest to each query, at a moment."""
        if k < 1:
            raise BadArgument(f"The {k} nearest were asked for, and at least 1 is expected.")
        self._check(queries)
        # To look for changes takes as long as to ask the index. So it is asked first, and that
        # nothing has changed is found out when the rows that it found are read.
        moment = self._moments.last if approximate and where is None else None
        current = moment is not None and self._approximate.holds(moment)
        for _ in range(_TRIES):
            if moment is None or not current:
                moment = self._moments.now(where, stamp=approximate)
            # Damaged vectors, which are left out, may hold what is no number.
            with np.errstate(over="ignore", invalid="ignore"):
                found = self._approximate.nearest(queries, moment, k) if approximate else None
                if found is None:
                    found = moment.nearest(queries, k, self._distance)
            answer = told(moment, found, current=current)
            if answer is not None:
                return answer
            current = False
        raise self._too_busy()

    def state(self, where: Condition | None = None, *, log: int = 0) -> StoreState:
        """What the store holds now.

        Args:
            where: Which rows to count; all if None.
            log: How many of the newest lines of the log to read.
        """
        with self._database.reading() as connection:
            head = head_of(connection, self._database.path)
            check_not_migrated(self._database.path, head.pin, self._database.pin)
            count = head.entries
            if where is not None:
                sql, values = sqlite_condition(where)
                asked = f"SELECT count(*) FROM rows WHERE {sql}"  # noqa: S608 - values are bound
                (count,) = connection.execute(asked, values).fetchone()
            lines = connection.execute(
                "SELECT at, action, digest FROM log ORDER BY number DESC LIMIT ?", (log,)
            ).fetchall()
            index = self._approximate.told(connection, head)
        places = (self._database.path, self._database.vectors_path(head.file))
        used = sum(path.stat().st_size for path in places if path.exists())
        return StoreState(
            pin=head.pin,
            count=count,
            generation=head.generation,
            removals=head.removals,
            reads="fresh",
            bytes_used=used + (index.bytes_used if index else 0),
            log_key=head.log_key,
            log=tuple(Line(*line) for line in lines),
            index=index,
            checksums=head.sums,
            damaged=self._moments.damaged,
        )

    def identities(self) -> set[str]:
        """Every identity of which something is kept, from the index of identities."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT DISTINCT identity FROM rows")
            return {str(name) for (name,) in found}

    def staging(self, pin: Pin) -> Store:
        """A gallery in the file that ends in `-migration`; see `Store.staging`."""
        path = rewriting.staging_path(self._database.path)
        try:
            return Sqlite(str(path), pin=pin)
        except ForeignEmbedding as error:
            raise unfinished_migration(
                path, error, f"delete the files named {path.name}*."
            ) from error

    def discard_staging(self) -> None:
        """Remove that gallery; see `Store.discard_staging`."""
        rewriting.discard_staging(self._database.path)

    def _check(self, given: Float[Array, "n dim"]) -> None:
        if given.shape[1] != self._pin.dim:
            raise WrongDimension(
                f"{self._database.path} holds vectors of {self._pin.dim} numbers, and "
                f"{given.shape[1]} were given. Embed with the model that it was made with."
            )
