"""The store on a server, for several writers and machines."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, final

from likewise.distances import FAMILY as DISTANCES
from likewise.distances.base import Distance
from likewise.errors import (
    BadArgument,
    ForeignEmbedding,
    GalleryNotFound,
    MissingExtra,
    WrongDimension,
)
from likewise.shapes import Array, Float
from likewise.stores.again import opened_again
from likewise.stores.base import Store
from likewise.stores.keepable import check_timeout
from likewise.stores.rows import (
    Change,
    Line,
    Match,
    Moved,
    Pin,
    Rows,
    StoreState,
    Written,
    unfinished_migration,
)
from likewise.stores.where import Condition

if TYPE_CHECKING:
    from likewise.stores.postgres.server import Server


@final
class Pgvector(Store):
    """Rows and vectors in a table of PostgreSQL with the extension pgvector.

    A change is one transaction, on the disk of the server when it is acknowledged (unless the
    server itself runs with `fsync=off`). Writers of a gallery wait for each other, readers for
    nobody. All galleries of a database stand in its schema `likewise`, each in its own table.

    Search is exact. Approximate search asks an HNSW index, where one was made; PostgreSQL keeps it
    up to date with every change. A gallery of less than 10,000 rows is searched exactly all the
    same; so are a condition that less than half of the rows fulfil, and vectors of more than 2,000
    numbers, which pgvector does not index. Every distance is that of the definition, computed here.

    A row that is removed is deleted, and found no more. Its bytes stay in the table's files until
    a change that reclaims writes them anew (VACUUM FULL, for which readers wait, too); those of
    the server's write-ahead log and of its copies go as the server recycles them.

    Args:
        address: A URL or another connection string of PostgreSQL. A password may stand in it,
            in `PGPASSWORD` or in `~/.pgpass`; it is not stored, nor shown.
        table: The gallery's name in the database.
        timeout_seconds: How long to wait for other writers, and for the server.
        pin: What the vectors are of, which makes the store where there is none; filled in by the
            house, as is the next.
        writing: Whether anything may be written.

    Raises:
        MissingExtra: If psycopg is not installed.
        GalleryUnreachable: If the server does not answer, or lets nobody in.
        GalleryNotFound: If there is no such gallery and it cannot be made.
        NotAGallery: If the database cannot hold one: it lacks pgvector, or UTF8.
        NewerGallery: If a later version of Likewise made its schema.
        ForeignEmbedding: If its vectors are of another model than the pin's.
        WrongDimension: If they have another length.

    References:
        Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
        Hierarchical Navigable Small World graphs", 2018: the index, as pgvector builds it.
    """

    def __init__(
        self,
        address: str,
        table: str = "gallery",
        timeout_seconds: float = 30.0,
        *,
        pin: Pin | None = None,
        writing: bool = True,
    ) -> None:
        check_timeout(timeout_seconds)
        try:
            from likewise.stores.postgres import (
                changes,
                finding,
                indexing,
                migrations,
                server,
            )
        except ImportError as error:
            raise MissingExtra(
                "The store 'pgvector' speaks to PostgreSQL through psycopg. pip install "
                "'likewise[pgvector]'"
            ) from error
        self._changes, self._finding = changes, finding
        self._indexing, self._migrations = indexing, migrations
        self._place = (address, table, timeout_seconds)
        self._server: Server = server.Server(address, table, timeout_seconds, writing=writing)
        self.resources = ExitStack()
        self.resources.callback(self._server.close)
        try:
            self._pin = migrations.open_gallery(self._server, pin).pin
            self._distance: Distance = DISTANCES.build(self._pin.distance)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Pgvector({self._server.name!r})"

    def __reduce__(self) -> tuple[Callable[..., Store], tuple[object, ...]]:
        _, *rest = self._place
        place = (self._server.address_without_secrets(), *rest)
        return (opened_again, (Pgvector, place, self._pin, self._server.writing))

    def __copy__(self) -> Store:
        # Within this process the password may go along.
        return opened_again(Pgvector, self._place, self._pin, self._server.writing)

    def __deepcopy__(self, known: dict[int, object]) -> Store:
        return self.__copy__()

    def write(self, change: Change) -> Written:
        """Put and remove rows, durably, as a whole or not at all.

        Raises:
            BadArgument: If metadata cannot be kept, or there is no such index.
            WrongDimension: If the vectors have another length.
            SaveFailed: If it cannot be written; the rows are as they were.
            GalleryBusy: If other writers did not let it.
            GalleryUnreachable: If the connection was lost; the change may have been taken.
        """
        if change.put is not None:
            self._check(change.put.vectors)
        if change.moved is not None:
            return self._move(change.moved)
        done = self._changes.apply_postgres_change(self._server, change)
        known = change.put.ids if change.put is not None and change.taken == "known" else ()
        if change.remove or known or change.reclaim:
            self._forget_migrating(Change(remove=[*change.remove, *known], reclaim=change.reclaim))
        if change.reclaim:
            self._changes.rewrite_table(self._server)
        if change.index is not None:
            self._indexing.make_index(self._server, self._distance, change.index)
        return done

    def _move(self, moved: Moved) -> Written:
        before = self.state().index
        done = self._changes.move_postgres_gallery(self._server, moved)
        # This store is of the old model; the index is made by one that is of the new, if there is
        # one for its vectors.
        if before is not None:
            with Pgvector(*self._place) as new, suppress(BadArgument):
                new.write(Change(index=before.again))
        return done

    def _forget_migrating(self, change: Change) -> None:
        """Remove what is removed or replaced from a migration that is not finished, too."""
        address, table, seconds = self._place
        staging = self._changes.staging_table(table)
        if self._changes.is_there(self._server, staging):
            # Somebody may have finished it meanwhile.
            with suppress(GalleryNotFound), Pgvector(address, staging, seconds) as staged:
                staged.write(change)

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
            GalleryUnreachable: If the connection was lost.
        """
        last: int | None = 0
        while last is not None:
            rows, last = self._finding.postgres_page(
                self._server, self._pin.dim, last, where, ids, vectors=vectors, items=items
            )
            if len(rows):
                yield rows

    def nearest(
        self,
        queries: Float[Array, "n dim"],
        k: int,
        where: Condition | None = None,
        *,
        approximate: bool = False,
    ) -> list[list[Match]]:
        """The k rows nearest to each query among those that fulfil a condition, nearest first.

        Args:
            queries: As long as the vectors.
            k: How many; fewer where there are fewer.
            where: What their metadata must be.
            approximate: Whether the index may answer, which can miss some of the nearest.

        Raises:
            BadArgument: If k is not positive.
            WrongDimension: If the queries have another length than the vectors.
            GalleryUnreachable: If the connection was lost.
        """
        if k < 1:
            raise BadArgument(f"The {k} nearest were asked for, and at least 1 is expected.")
        self._check(queries)
        return self._finding.nearest_in_postgres(
            self._server, queries, k, self._distance, where, approximate=approximate
        )

    def identities(self) -> set[str]:
        """Every identity of which something is kept."""
        with self._server.reading() as connection:
            return self._finding.identities_in_postgres(connection, self._server)

    def state(self, where: Condition | None = None, *, log: int = 0) -> StoreState:
        """What the store holds now.

        Args:
            where: Which rows to count; all if None.
            log: How many of the newest lines of the log to read.
        """
        with self._server.reading() as connection:
            head = self._migrations.migration_head(connection, self._server)
            count = head.entries
            if where is not None:
                count = self._finding.count(connection, self._server, where)
            lines = []
            if log:
                lines = connection.execute(
                    "SELECT at, action, digest FROM likewise._log WHERE gallery = %s "
                    "ORDER BY number DESC LIMIT %s",
                    (self._server.table, log),
                    binary=True,
                ).fetchall()
            index = self._indexing.index_state(connection, self._server, head)
            (size,) = connection.execute(
                "SELECT pg_total_relation_size(%s::text::regclass)",
                (self._server.place().as_string(connection),),
            ).fetchone() or (0,)
        return StoreState(
            pin=head.pin,
            count=count,
            generation=head.generation,
            removals=head.removals,
            reads="fresh",
            bytes_used=size,
            log_key=head.log_key,
            log=tuple(Line(*line) for line in lines),
            erases="reclaimed",
            index=index,
        )

    def staging(self, pin: Pin) -> Store:
        """A gallery in another table of the database; see `Store.staging`."""
        address, table, seconds = self._place
        staging = self._changes.staging_table(table)
        try:
            return Pgvector(address, staging, seconds, pin=pin)
        except ForeignEmbedding as error:
            discard = f"drop it: {self._changes.discarding(staging).as_string(None)}"
            raise unfinished_migration(self._server.name, error, discard) from error

    def discard_staging(self) -> None:
        """Remove that gallery; see `Store.discard_staging`."""
        self._changes.discard_gallery(self._server, self._changes.staging_table(self._server.table))

    def _check(self, given: Float[Array, "n dim"]) -> None:
        if given.shape[1] != self._pin.dim:
            raise WrongDimension(
                f"{self._server.name} holds vectors of {self._pin.dim} numbers, and "
                f"{given.shape[1]} were given. Embed with the model that it was made with."
            )
