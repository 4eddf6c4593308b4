"""The PostgreSQL server of a gallery: its address, its connections, and what it refuses."""

import contextlib
import os
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from likewise.errors import (
    BadArgument,
    DamagedGallery,
    GalleryBusy,
    GalleryNotFound,
    GalleryUnreachable,
    LikewiseError,
    NotAGallery,
    SaveFailed,
)
from likewise.io.display import shortened, without_secrets
from likewise.stores.rows import Pin, closed_gallery

SCHEMA = "likewise"
"""The schema that all galleries of a database stand in."""
EXTENSION = "vector"
OLDEST_EXTENSION = (0, 8)
_SECRETS = (
    "password",
    "sslpassword",
    "oauth_client_secret",
    "scram_client_key",
    "scram_server_key",
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}|_[A-Za-z][A-Za-z0-9_]{0,39}_migration")
_STANDS = "What was there before still stands."
_AGAIN = "Whether a change that was under way was taken is not known: look, and try again."
# What PostgreSQL says, by the first characters of its code; the longest that fits counts.
_REFUSALS: dict[str, tuple[type[LikewiseError], str]] = {
    "08": (GalleryUnreachable, "lost its connection ({why}). " + _AGAIN),
    "57P": (GalleryUnreachable, "lost its connection ({why}). " + _AGAIN),
    "55P03": (GalleryBusy, "was in use by others for {seconds:g} seconds. Try again."),
    "57014": (GalleryBusy, "took longer than the server lets it ({why}). Try again."),
    "40": (GalleryBusy, "is in use by others ({why}). Try again."),
    "533": (GalleryBusy, "has too many users now ({why}). Try again."),
    "53": (SaveFailed, "could not be used: the server lacks room ({why}). " + _STANDS),
    "25006": (SaveFailed, "could not be written: the server is read-only. " + _STANDS),
    "42501": (
        SaveFailed,
        "could not be used: you may not ({why}). Ask the owner of the database. " + _STANDS,
    ),
    "42P01": (DamagedGallery, "is damaged ({why}). Restore it from a copy."),
    "42703": (DamagedGallery, "is damaged ({why}). Restore it from a copy."),
    "XX00": (DamagedGallery, "is damaged ({why}). Restore it from a copy."),
    "42P07": (
        NotAGallery,
        "cannot be made: something else has that name ({why}). Choose another.",
    ),
}
_FACTS = """
SELECT set_config('synchronous_commit',
    CASE current_setting('synchronous_commit')
      WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
  set_config('lock_timeout', %s, false), set_config('jit', 'off', false),
  set_config('search_path', quote_ident(coalesce((SELECT nspname FROM pg_namespace n
    JOIN pg_extension e ON n.oid = e.extnamespace WHERE extname = %s), 'public')), false),
  current_setting('server_encoding'),
  (SELECT extversion FROM pg_extension WHERE extname = %s)
"""

Connection = psycopg.Connection[tuple[Any, ...]]


class Server:
    """The database of a gallery, with a connection for everyone who uses it at once.

    Args:
        address: A connection string of PostgreSQL: a URL, or `host=... dbname=...`.
        table: The gallery's name there.
        timeout_seconds: How long to wait for others.
        writing: Whether anything may be written.

    Attributes:
        pin: What the vectors were of when the gallery was opened; None before.

    Raises:
        BadArgument: If the address or the name is none.
    """

    def __init__(self, address: str, table: str, timeout_seconds: float, *, writing: bool) -> None:
        if not _NAME.fullmatch(table):
            raise BadArgument(
                f"table is {shortened(repr(table), 100)}, and 1 to 40 letters without accents, "
                "digits and underscores, a letter first, are expected."
            )
        told = _parsed(address)
        if told is None:
            # What is wrong with it may be, or hold, a password.
            raise BadArgument(
                "The address of the database cannot be read, and a URL like "
                "postgresql://user@host/database is expected. Letters such as @ and / within a "
                "password are written as %40 and %2F."
            )
        self._address = address
        self._more: dict[str, Any] = {"client_encoding": "utf8", "application_name": SCHEMA}
        if "connect_timeout" not in told:
            self._more["connect_timeout"] = max(2, int(timeout_seconds))
        chosen = "sslmode" in told or "service" in told or "PGSSLMODE" in os.environ
        if not chosen and not _is_local(told):
            # What goes over a network is biometric data, and libpq's default is to do without.
            self._more["sslmode"] = "require"
        user = f"{told['user']}@" if "user" in told else ""
        port = f":{told['port']}" if "port" in told else ""
        self.table = table
        self.name = (
            f"postgresql://{user}{told.get('host', '')}{port}/{told.get('dbname', '')}#{table}"
        )
        self.timeout_seconds = timeout_seconds
        self.writing = writing
        self.pin: Pin | None = None
        self._lock = threading.Lock()
        self._free: list[Connection] = []
        self._process = os.getpid()
        self._closed = False

    def address_without_secrets(self) -> str:
        """The connection string without its passwords, which libpq then looks for elsewhere."""
        told = conninfo_to_dict(self._address)
        return make_conninfo("", **{key: one for key, one in told.items() if key not in _SECRETS})

    def place(self, suffix: str = "") -> sql.Identifier:
        """The name of the gallery's table, or of what belongs to it, as SQL."""
        return sql.Identifier(SCHEMA, self.table + suffix)

    def close(self) -> None:
        """Close what is free; what is in use is closed after it."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        if self._process == os.getpid():
            for one in free:
                one.close()

    def _connect(self) -> Connection:
        try:
            connection = psycopg.connect(
                self._address, autocommit=True, prepare_threshold=None, **self._more
            )
        except psycopg.Error as error:
            raise GalleryUnreachable(
                f"{self.name} cannot be reached: {shortened(without_secrets(str(error)), 300)}. "
                "Check the address, and that the server runs and lets you in."
            ) from error
        try:
            self.prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def prepare(self, connection: Connection) -> bool:
        """Set what every statement relies on; whether the extension is there.

        Raises:
            NotAGallery: If the database can hold no gallery.
        """
        milliseconds = f"{max(1, round(1000 * self.timeout_seconds))}ms"
        asked = (milliseconds, EXTENSION, EXTENSION)
        facts = connection.execute(_FACTS, asked).fetchone()
        assert facts is not None  # noqa: S101 - a SELECT without FROM gives a row
        encoding, version = facts[4:]
        if encoding != "UTF8":
            raise NotAGallery(
                f"{self.name} cannot be a gallery: the database is encoded as {encoding}, and UTF8 "
                "is needed. Make another: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0."
            )
        if version is not None and _number(version) < OLDEST_EXTENSION:
            raise NotAGallery(
                f"{self.name} has pgvector {version}, and 0.8 at least is needed. Install it on "
                "the server, then in the database: ALTER EXTENSION vector UPDATE."
            )
        return version is not None

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for one user at a time, in no transaction."""
        found = self._take()
        with self._kept(found) as kept:
            yield kept

    def _take(self) -> Connection | None:
        with self._lock:
            if self._closed:
                raise closed_gallery(self.name)
            # A connection must not be used, nor closed, in a process that was forked.
            if self._process != os.getpid():
                self._free, self._process = [], os.getpid()
            return self._free.pop() if self._free else None

    @contextlib.contextmanager
    def _kept(self, found: Connection | None) -> Iterator[Connection]:
        connection = self._connect() if found is None else found
        try:
            yield connection
        finally:
            idle = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            with self._lock:
                keep = idle and not self._closed and self._process == os.getpid()
                if keep:
                    self._free.append(connection)
            if not keep:
                connection.close()

    @contextlib.contextmanager
    def said(self) -> Iterator[None]:
        """Say what PostgreSQL refuses as an error of the house."""
        try:
            yield
        except LikewiseError:
            raise
        except psycopg.Error as error:
            raise self.refusal(error) from error

    def refusal(self, error: psycopg.Error) -> LikewiseError:
        """What PostgreSQL refused, as an error of the house."""
        code = error.sqlstate or ("08" if isinstance(error, psycopg.OperationalError) else "")
        fits = [one for one in _REFUSALS if code.startswith(one)]
        default = (SaveFailed, "could not be used: {why}. " + _STANDS)
        kind, words = _REFUSALS[max(fits, key=len)] if fits else default
        why = shortened(without_secrets(str(error)), 300)
        return kind(f"{self.name} {words.format(seconds=self.timeout_seconds, why=why)}")

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One moment of the database, for several statements."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield connection

    @contextlib.contextmanager
    def changing(self) -> Iterator[Connection]:
        """A transaction that is kept as a whole, or not at all after an error.

        Raises:
            SaveFailed: If it was opened for reading alone.
        """
        self.check_writing()
        with self._transaction("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") as connection:
            yield connection

    def check_writing(self) -> None:
        """Refuse to write through what was opened for reading.

        Raises:
            SaveFailed: If it was.
        """
        if not self.writing:
            raise SaveFailed(
                f"{self.name} was opened for reading alone. Open it with writing=True."
            )

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with self.said(), self._kept(self._begun(begin)) as connection:
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if not connection.closed:
                    with contextlib.suppress(psycopg.Error):
                        connection.execute("ROLLBACK")
                raise

    def _begun(self, begin: str) -> Connection:
        """A connection in a new transaction; one that was lost while nobody used it is replaced."""
        while (found := self._take()) is not None:
            try:
                found.execute(begin)
            except psycopg.OperationalError:
                found.close()
            else:
                return found
        found = self._connect()
        found.execute(begin)
        return found

    def absent(self) -> GalleryNotFound:
        """The error where there is no such gallery."""
        return GalleryNotFound(
            f"There is no gallery {self.table!r} in {self.name.rpartition('#')[0]}. Check the "
            "address, or make one: likewise enrol MODEL GALLERY SOURCE."
        )


def _parsed(address: str) -> dict[str, Any] | None:
    """The parts of an address; None where it is none."""
    # A second @, or one behind a slash or a question mark, belongs to a password, the rest of
    # which would be taken for a host, a port or a database.
    if re.match(r"\w+://", address) and ("@" in address.partition("@")[2] or _TORN.match(address)):
        return None
    try:
        told = dict(conninfo_to_dict(address))
    except psycopg.Error:
        return None
    # Else it is a password that has lost its @ and its host.
    return told if re.fullmatch(r"[\d,]*", str(told.get("port", ""))) else None


_TORN = re.compile(r"\w+://[^@]*[/?][^@]*@")


def _is_local(told: Mapping[str, Any]) -> bool:
    """Whether a server is on this machine, as far as its address says."""
    places = [told.get("hostaddr") or told.get("host") or os.environ.get("PGHOST", "")]
    names = [one for place in places for one in str(place).split(",")]
    return all(
        not one or one.startswith(("/", "@", "127.")) or one in {"localhost", "::1"}
        for one in names
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def is_missing(error: psycopg.Error) -> bool:
    """Whether it says that a schema or table is not there."""
    return isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName)
