"""The schema of the galleries in a database: numbered steps to it, and what is refused."""

import json
import secrets
from dataclasses import dataclass
from typing import NamedTuple

from psycopg import errors, sql

from likewise.errors import BadArgument, DamagedGallery, NewerGallery, NotAGallery
from likewise.stores.postgres.server import EXTENSION, SCHEMA, Connection, Server
from likewise.stores.rows import Pin, check_not_migrated, check_same_pin

# Whoever changes the schema of a database holds this lock.
_LOCK = 0x4C696B65
MOST_NUMBERS = 16_000
"""The length of a vector at most, in PostgreSQL."""
# Vectors of up to so many numbers stand in their rows, two a page; longer ones stand apart.
_INLINE = 900
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE likewise._galleries (
             name text COLLATE "C" PRIMARY KEY, fingerprint text NOT NULL, distance text NOT NULL,
             dim integer NOT NULL, log_key bytea NOT NULL, entries bigint NOT NULL DEFAULT 0,
             generation bigint NOT NULL DEFAULT 0, removals bigint NOT NULL DEFAULT 0,
             last_key bigint NOT NULL DEFAULT 0, hnsw text)""",
        """CREATE TABLE likewise._log (
             number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
             gallery text COLLATE "C" NOT NULL, at bigint NOT NULL, action text NOT NULL,
             digest bytea NOT NULL)""",
        "CREATE INDEX _log_by_gallery ON likewise._log (gallery, number)",
    ),
)
"""Step N leads from schema N to schema N + 1; a step that was ever published is never changed."""
_ROWS = (
    """CREATE TABLE {table} (
         key bigint PRIMARY KEY, digest bytea NOT NULL UNIQUE, id text COLLATE "C" NOT NULL,
         identity text COLLATE "C" NOT NULL, metadata text COLLATE "C" NOT NULL,
         blank boolean NOT NULL, embedding vector({dim}) NOT NULL, item bytea,
         fields jsonb GENERATED ALWAYS AS (metadata::jsonb) STORED)""",
    "CREATE INDEX ON {table} USING hash (identity)",
    "CREATE INDEX ON {table} USING gin (fields jsonb_path_ops)",
)
_COLUMNS = sql.SQL(
    "fingerprint, distance, dim, log_key, entries, generation, removals, last_key, hnsw"
)
_HEAD = sql.SQL("SELECT {} FROM likewise._galleries WHERE name = %s").format(_COLUMNS)
_LOCKED = sql.SQL("{} FOR UPDATE").format(_HEAD)


@dataclass(frozen=True)
class Effort:
    """How an index is asked.

    Attributes:
        search: How many rows it keeps in sight on its way to the nearest.
        recall: The share of the nearest that it found, when it was made.
        asked: How many rows were asked for that.
        wanted: The recall that was wanted.
    """

    search: int
    recall: float | None
    asked: int
    wanted: float


class GalleryRow(NamedTuple):
    """The row of a gallery in the table of galleries."""

    fingerprint: str
    distance: str
    dim: int
    log_key: bytes
    entries: int
    generation: int
    removals: int
    last_key: int
    hnsw: str | None

    @property
    def pin(self) -> Pin:
        """What the vectors are of."""
        return Pin(self.fingerprint, self.distance, self.dim)

    @property
    def effort(self) -> Effort | None:
        """How the index is asked; None where there is none."""
        return None if self.hnsw is None else Effort(**json.loads(self.hnsw))


def migration_head(connection: Connection, server: Server, *, lock: bool = False) -> GalleryRow:
    """What a gallery is, at the moment of a transaction; no other writer has it, if it is locked.

    Raises:
        DamagedGallery: If it is there no more.
        ForeignEmbedding: If it is another model's now.
    """
    found = _found(connection, server, lock=lock)
    if found is None:
        raise DamagedGallery(f"{server.name} is there no more. Restore it from a copy.")
    check_not_migrated(server.name, found.pin, server.pin)
    return found


def _found(connection: Connection, server: Server, *, lock: bool = False) -> GalleryRow | None:
    row = connection.execute(_LOCKED if lock else _HEAD, (server.table,), binary=True).fetchone()
    return None if row is None else GalleryRow._make(row)


def open_gallery(server: Server, pin: Pin | None) -> GalleryRow:
    """Look at a gallery, or make it where there is none and a pin was given.

    Raises:
        GalleryNotFound: If there is none and it cannot be made.
        NotAGallery: If the database cannot hold one.
        NewerGallery: If a later version made the schema.
        ForeignEmbedding: If the vectors are of another model than the pin's.
        WrongDimension: If they have another length.
    """
    with server.reading() as connection:
        number = _schema(connection)
        _check(server, number)
        head = _found(connection, server) if number == len(STEPS) else None
    if head is None and pin is not None and server.writing:
        head = _make(server, pin)
    if head is None:
        if 0 < number < len(STEPS):
            raise NotAGallery(
                f"{server.name} has schema {number}, and {len(STEPS)} is needed. Open it once for "
                "writing, with its model, which brings it up to date."
            )
        raise server.absent()
    if pin is not None:
        check_same_pin(server.name, head.pin, pin)
    # Whoever makes it anew for another model is not to be mistaken for this one.
    server.pin = head.pin
    return head


def _schema(connection: Connection) -> int:
    """Which schema the database has; 0 for none."""
    there = connection.execute("SELECT to_regclass('likewise._migrations') IS NOT NULL").fetchone()
    if there != (True,):
        return 0
    (number,) = connection.execute(
        "SELECT coalesce(max(number), 0) FROM likewise._migrations"
    ).fetchone() or (0,)
    return int(number)


def _check(server: Server, number: int) -> None:
    if number > len(STEPS):
        raise NewerGallery(
            f"{server.name} has schema {number}, and this Likewise knows {len(STEPS)} at most. "
            "Install a later one."
        )


def _make(server: Server, pin: Pin) -> GalleryRow:
    """Bring the schema up to date, and make the gallery where it is not there."""
    if pin.dim > MOST_NUMBERS:
        raise BadArgument(
            f"Vectors of {pin.dim:,} numbers were given, and PostgreSQL keeps {MOST_NUMBERS:,} at "
            "most. Keep them in a gallery's file."
        )
    with server.changing() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _extend(server, connection)
        _migrate(server, connection)
        made = connection.execute(
            "INSERT INTO likewise._galleries (name, fingerprint, distance, dim, log_key) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (server.table, pin.fingerprint, pin.distance, pin.dim, secrets.token_bytes(32)),
        )
        if made.rowcount:
            table = server.place()
            for text in _ROWS:
                words = sql.SQL(text)
                connection.execute(words.format(table=table, dim=sql.Literal(pin.dim)))
            keep_inline(connection, server, "embedding", pin.dim)
        return migration_head(connection, server)


def keep_inline(connection: Connection, server: Server, column: str, dim: int) -> None:
    """Have short vectors stand in their rows, in a column that has none yet."""
    if dim <= _INLINE:
        words = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STORAGE PLAIN")
        connection.execute(words.format(server.place(), sql.Identifier(column)))


def _extend(server: Server, connection: Connection) -> None:
    """See that the database has the extension.

    Raises:
        NotAGallery: If it has none and it cannot be added.
    """
    if server.prepare(connection):
        return
    asked = "SELECT count(*) FROM pg_available_extensions WHERE name = %s"
    if connection.execute(asked, (EXTENSION,)).fetchone() == (0,):
        raise NotAGallery(
            f"{server.name} cannot be a gallery: its server has no pgvector. Install that there "
            "(Debian and others call it postgresql-NN-pgvector), and try again."
        )
    add = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} WITH SCHEMA public")
    try:
        connection.execute(add.format(sql.Identifier(EXTENSION)))
    except errors.InsufficientPrivilege as error:
        raise NotAGallery(
            f"{server.name} cannot be a gallery yet: the database lacks the extension pgvector, "
            "and you may not add it. Ask its owner for: CREATE EXTENSION vector."
        ) from error
    server.prepare(connection)


def _migrate(server: Server, connection: Connection) -> None:
    number = _schema(connection)
    _check(server, number)
    if number == 0:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        connection.execute(
            "CREATE TABLE likewise._migrations (number integer PRIMARY KEY, "
            "at timestamptz NOT NULL DEFAULT now())"
        )
    for step, statements in enumerate(STEPS[number:], number + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute("INSERT INTO likewise._migrations (number) VALUES (%s)", (step,))
