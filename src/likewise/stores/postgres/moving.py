"""How a gallery in PostgreSQL goes over to another model: all vectors at once, in one transaction.

The new vectors stand in another gallery of the database until all are made. Then they are written
into a column of their own, which takes the place of the old; readers wait for that. A reader whose
moment began before sees no vector in the new column, and is told so.
"""

import numpy as np
from psycopg import sql

from likewise.stores.postgres.changes import log_change, remove
from likewise.stores.postgres.finding import PAGE
from likewise.stores.postgres.migrations import keep_inline, migration_head
from likewise.stores.postgres.server import SCHEMA, Connection, Server
from likewise.stores.postgres.wire import blank, text_of
from likewise.stores.rows import Moved, Written

_SOME = sql.SQL("SELECT key, id FROM {} WHERE key > %s ORDER BY key LIMIT %s")
_FILL = sql.SQL(
    "UPDATE {} old SET moved = new.vector::vector, blank = new.blank FROM "
    "unnest(%s::bigint[], %s::text[], %s::boolean[]) new (key, vector, blank) "
    "WHERE old.key = new.key"
)
_DISCARD = sql.SQL(
    "DROP TABLE IF EXISTS {}; DELETE FROM likewise._log WHERE gallery = {name}; "
    "DELETE FROM likewise._galleries WHERE name = {name}"
)
_HEAD = (
    "UPDATE likewise._galleries SET fingerprint = %s, distance = %s, dim = %s, hnsw = NULL, "
    "entries = entries - %s, generation = generation + 1, removals = removals + %s "
    "WHERE name = %s RETURNING generation"
)


def move_gallery(server: Server, moved: Moved) -> Written:
    """Give all rows other vectors; see `Moved`.

    Raises:
        GalleryBusy: If rows were written since the generation that the vectors were made for, or
            readers did not let it.
        ForeignEmbedding: If another writer moved it meanwhile.
        SaveFailed: If it cannot be written; the gallery is as it was.
    """
    table, pin = server.place(), moved.pin
    with server.changing() as connection:
        head = migration_head(connection, server, lock=True)
        moved.check(server.name, head.generation)
        log: list[tuple[str, str]] = []
        remove(connection, server, moved.left_out, log)
        column = sql.SQL("ALTER TABLE {} ADD COLUMN moved vector({})")
        connection.execute(column.format(table, sql.Literal(pin.dim)))
        keep_inline(connection, server, "moved", pin.dim)
        _fill(connection, server, moved)
        for words in (
            # With it goes the index.
            "ALTER TABLE {} DROP COLUMN embedding",
            "ALTER TABLE {} RENAME COLUMN moved TO embedding",
            "ALTER TABLE {} ALTER COLUMN embedding SET NOT NULL",
        ):
            connection.execute(sql.SQL(words).format(table))
        if log:
            log_change(connection, server, head, log)
        told = (pin.fingerprint, pin.distance, pin.dim, len(log), head.entries, server.table)
        (generation,) = connection.execute(_HEAD, told).fetchone() or (0,)
    none = np.zeros(0, dtype=np.bool_)
    return Written(int(generation), none, none)


def _fill(connection: Connection, server: Server, moved: Moved) -> None:
    last, rows = 0, [(0, "")]
    while rows:
        rows = connection.execute(_SOME.format(server.place()), (last, PAGE)).fetchall()
        if rows:
            made = np.ascontiguousarray(moved.of([name for _, name in rows]), dtype=np.float32)
            keys = [key for key, _ in rows]
            values = (keys, [text_of(one) for one in made], blank(made))
            connection.execute(_FILL.format(server.place()), values)
            last = keys[-1]


def staging_table(table: str) -> str:
    """The gallery in which the vectors of another model stand; others begin with a letter."""
    return f"_{table}_migration"


def is_there(server: Server, table: str) -> bool:
    """Whether the database has a gallery of a name."""
    with server.reading() as connection:
        asked = "SELECT count(*) FROM likewise._galleries WHERE name = %s"
        return connection.execute(asked, (table,)).fetchone() == (1,)


def discarding(table: str) -> sql.Composed:
    """What removes a gallery whole."""
    return _DISCARD.format(sql.Identifier(SCHEMA, table), name=sql.Literal(table))


def discard_gallery(server: Server, table: str) -> None:
    """Remove a gallery whole, where it is there."""
    if is_there(server, table):
        with server.changing() as connection:
            connection.execute(discarding(table))
