"""The SQLite file of a gallery: its schema, its connections, and what it refuses."""

import contextlib
import itertools
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from likewise.errors import (
    DamagedGallery,
    GalleryBusy,
    GalleryNotFound,
    LikewiseError,
    NotAGallery,
    SaveFailed,
)
from likewise.io import atomic
from likewise.io.display import shortened
from likewise.stores.rows import Pin, check_same_pin, closed_gallery
from likewise.stores.sqlite import vectors
from likewise.stores.sqlite.schema import Head, checked_head, make_tables

_SERIALS = itertools.count()
_JOURNAL_BYTES = 2**18
_STANDS = "What was there before still stands."
_OTHER = -1
_DAMAGED_READS = (
    sqlite3.SQLITE_IOERR_SHORT_READ,
    getattr(sqlite3, "SQLITE_IOERR_CORRUPTFS", sqlite3.SQLITE_IOERR_SHORT_READ),
)
_REFUSALS: dict[int, tuple[type[LikewiseError], str]] = {
    sqlite3.SQLITE_BUSY: (GalleryBusy, "was in use by others for {seconds:g} seconds. Try again."),
    sqlite3.SQLITE_LOCKED: (GalleryBusy, "is in use by this very process. Try again."),
    sqlite3.SQLITE_READONLY: (
        SaveFailed,
        f"could not be written: it, or its folder, is read-only. {_STANDS}",
    ),
    sqlite3.SQLITE_PERM: (SaveFailed, f"could not be used: you may not. {_STANDS}"),
    sqlite3.SQLITE_FULL: (
        SaveFailed,
        f"could not be written: the disk is full. Free some space. {_STANDS}",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        GalleryNotFound,
        "cannot be opened as a gallery. Check the path and the rights of its folder.",
    ),
    sqlite3.SQLITE_NOTADB: (
        NotAGallery,
        "is no gallery: it is no SQLite file. Name the file of one, or a new one.",
    ),
    sqlite3.SQLITE_CORRUPT: (DamagedGallery, "is damaged ({why}). Restore it from a copy."),
    sqlite3.SQLITE_IOERR: (
        DamagedGallery,
        "could not be read ({why}). Check the disk, and restore it from a copy.",
    ),
    # What a gallery always has is not there.
    sqlite3.SQLITE_ERROR: (DamagedGallery, "is damaged ({why}). Restore it from a copy."),
}


def safe_with_wal(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite is free of the fault that can corrupt a file in WAL mode.

    With two writers and a checkpoint at an unlucky moment, versions before 3.51.3 may corrupt the
    file; 3.50.7 and 3.44.6 have the repair, too.
    """
    return version >= (3, 51, 3) or any(
        version[:2] == repaired[:2] and version >= repaired for repaired in ((3, 50, 7), (3, 44, 6))
    )


class Database:
    """The SQLite file of a gallery, with a connection for every thread.

    Args:
        path: Of the file.
        timeout_seconds: How long to wait for others.
        writing: Whether anything may be written.
    """

    def __init__(self, path: Path, timeout_seconds: float, *, writing: bool) -> None:
        self.path = path
        self.timeout_seconds = timeout_seconds
        self.writing = writing
        # What the vectors are of, once that is known; it stays so while this is open.
        self.pin: Pin | None = None
        self.wal = safe_with_wal()
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._closed = False

    def vectors_path(self, number: int) -> Path:
        """The file of vectors of this number."""
        return self.path.with_name(f"{self.path.name}-vectors-{number}")

    def index_path(self, number: int) -> Path:
        """The sidecar of the index of this number."""
        return self.path.with_name(f"{self.path.name}-index-{number}")

    def reserve_path(self) -> Path:
        """The file that holds room on the disk, so that one can remove when the disk is full."""
        return self.path.with_name(f"{self.path.name}-reserve")

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            self._closed = True
            while self._open:
                self._open.pop()[1].close()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        if self._closed:
            raise closed_gallery(self.path)
        # A connection must not be used in a process that was forked.
        found, process = getattr(self._local, "held", (None, 0))
        if found is None or process != os.getpid():
            found = self._connect()
            self._local.held = (found, os.getpid())
            self._local.serial = next(_SERIALS)
        connection: sqlite3.Connection = found
        return connection

    def version(self) -> tuple[int, int, int]:
        """What is another for this thread after every change that anybody made, and cheap."""
        connection = self.connection()
        # SQLite tells of the changes of other connections; its own are counted.
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        return self._local.serial, version, connection.total_changes

    def _connect(self) -> sqlite3.Connection:
        # A reader, too, may have to take back what a killed writer left half done.
        mode = "rwc" if self.writing else "rw"
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode={mode}",
            timeout=self.timeout_seconds,
            isolation_level=None,
            uri=True,
            check_same_thread=False,
        )
        with self._lock:
            if self._closed:
                connection.close()
                raise closed_gallery(self.path)
            ended = [one for one in self._open if not one[0].is_alive()]
            self._open = [one for one in self._open if one[0].is_alive()]
            self._open.append((threading.current_thread(), connection))
        for _, old in ended:
            old.close()
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute(f"PRAGMA query_only = {'OFF' if self.writing else 'ON'}")
        if self.writing:
            connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
            # TRUNCATE flushes the end of a transaction to the disk, which DELETE does not.
            self._journal(connection, "WAL" if self.wal else "TRUNCATE")
        return connection

    def _journal(self, connection: sqlite3.Connection, wanted: str) -> None:
        (mode,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
        if mode.upper() != wanted:
            raise GalleryBusy(
                f"{self.path} is in the journal mode {mode}, and {wanted} is needed with SQLite "
                f"{sqlite3.sqlite_version}. Close it everywhere else, and try again."
            )

    @contextlib.contextmanager
    def said(self) -> Iterator[None]:
        """Say what SQLite refuses as an error of the house."""
        try:
            yield
        except LikewiseError:
            raise
        except sqlite3.Error as error:
            # Another thread may have closed it in the middle of a statement.
            raise (closed_gallery(self.path) if self._closed else self._refusal(error)) from error
        except (ValueError, TypeError, OverflowError, IndexError, KeyError) as error:
            # Numbers and texts that nobody wrote there, or SQLite's own words about them.
            raise DamagedGallery(
                f"{self.path} is damaged ({shortened(error, 200)}). Restore it from a copy."
            ) from error

    def _refusal(self, error: sqlite3.Error) -> LikewiseError:
        whole = getattr(error, "sqlite_errorcode", None) or 0
        # What was written is never text that is none, nor a database that ends in the middle.
        code = whole & 0xFF
        if "decode to UTF-8" in str(error):
            code = sqlite3.SQLITE_CORRUPT
        elif code == sqlite3.SQLITE_IOERR and whole not in _DAMAGED_READS:
            code = _OTHER
        kind, words = _REFUSALS.get(code, (SaveFailed, "could not be used: {why}. " + _STANDS))
        said = words.format(seconds=self.timeout_seconds, why=shortened(error, 200))
        return kind(f"{self.path} {said}")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the file, for several statements."""
        with self.said(), _transaction(self.connection(), "BEGIN") as connection:
            yield connection

    @contextlib.contextmanager
    def changing(self, *, adds: bool = False) -> Iterator[sqlite3.Connection]:
        """The file for one writer, others waiting; kept as a whole, or not at all after an error.

        Args:
            adds: Whether nothing is removed or replaced. The journal, which holds what stood in
                the file before, may then keep its place on the disk, and is flushed without the
                file system's log; any other change empties it.

        Raises:
            SaveFailed: If it was opened for reading alone, or cannot be written.
        """
        with self.said(), atomic.saving(self.path):
            if not self.writing:
                raise SaveFailed(
                    f"{self.path} was opened for reading alone. Open it with writing=True."
                )
            connection = self.connection()
            if not self.wal:
                self._journal(connection, "PERSIST" if adds else "TRUNCATE")
            with _transaction(connection, "BEGIN IMMEDIATE"):
                yield connection

    def checked(self, pin: Pin | None) -> Head:
        """Look at the gallery, or make it where there is none and a pin was given.

        Raises:
            GalleryNotFound: If there is none and it cannot be made.
            NotAGallery: If the file is something else.
            NewerGallery: If a later version wrote it.
            ForeignEmbedding: If its vectors are of another model than the pin's.
            WrongDimension: If its vectors have another length.
        """
        fresh = not self.path.exists() or self.path.stat().st_size == 0
        if fresh and not (self.writing and pin):
            raise GalleryNotFound(
                f"There is no gallery {str(self.path)!r}. Check the path, or make one: likewise "
                "enrol MODEL GALLERY SOURCE."
            )
        if fresh and pin:
            try:
                vectors.check_room(self.vectors_path(1), pin.dim)
            except SaveFailed:
                # Another process may have made the gallery meanwhile, and filled it.
                if not (self.path.exists() and self.path.stat().st_size):
                    raise
            with self.said(), atomic.saving(self.path), contextlib.suppress(FileExistsError):
                os.close(atomic.open_private(self.path, os.O_RDWR))
            with self.changing() as connection:
                # Another process may have made it meanwhile.
                if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                    make_tables(connection, pin, self.vectors_path(1))
        # Looked at by one that cannot write, since it may be somebody else's file.
        reader = Database(self.path, self.timeout_seconds, writing=False)
        try:
            with reader.reading() as connection:
                head = checked_head(connection, self.path)
        finally:
            reader.close()
        if pin:
            check_same_pin(self.path, head.pin, pin)
        self.pin = head.pin
        return head


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[sqlite3.Connection]:
    connection.execute(begin)
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def bound(count: int) -> str:
    """So many places for values, in brackets."""
    return f"({', '.join('?' * count)})"


def chunks(values: list[Any], size: int = 500) -> Iterator[list[Any]]:
    """Parts of a list that can be bound at once."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
