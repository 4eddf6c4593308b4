"""How a gallery in PostgreSQL changes: one transaction a change, writers one after the other.

Where it goes over to another model, the new vectors stand in another gallery of the database until
all are made. Then they are written into a column of their own, which takes the place of the old;
readers wait for that. A reader whose moment began before sees no vector in the new column, and is
told so.
"""

import time
from collections.abc import Sequence

import numpy as np
import psycopg
from psycopg import sql

from likewise.errors import SaveFailed
from likewise.io.display import shortened
from likewise.shapes import Array, Bool
from likewise.stores.postgres.finding import PAGE
from likewise.stores.postgres.migrations import GalleryRow, keep_inline, migration_head
from likewise.stores.postgres.server import SCHEMA, Connection, Server
from likewise.stores.postgres.wire import COLUMNS, blank, copied, id_digest, text_of
from likewise.stores.rows import Change, Moved, Rows, Written, digest, metadata_texts

_COPY = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)")
_THERE = sql.SQL("SELECT digest, key FROM {} WHERE digest = ANY(%s)")
_DELETE = sql.SQL("DELETE FROM {} WHERE digest = ANY(%s) RETURNING digest")
_LOG = (
    "INSERT INTO likewise._log (gallery, at, action, digest) "
    "SELECT %s, %s, * FROM unnest(%s::text[], %s::bytea[])"
)
_COUNTS = (
    "UPDATE likewise._galleries SET entries = entries + %s, generation = generation + 1, "
    "removals = removals + %s, last_key = last_key + %s WHERE name = %s RETURNING generation"
)
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


def apply_postgres_change(server: Server, asked: Change) -> Written:
    """Put and remove rows; see `Store.write`."""
    texts = [] if asked.put is None else metadata_texts(asked.put.metadata)
    with server.changing() as connection:
        # Whoever holds this row is the only writer.
        head = migration_head(connection, server, lock=True)
        log: list[tuple[str, str]] = []
        removed = delete_rows(connection, server, asked.remove, log)
        lost = len(log)
        put, new, replaced = np.zeros(0, np.bool_), 0, 0
        if asked.put is not None:
            put = _put(connection, server, head, asked.put, texts, asked.taken, log)
            written = int(put.sum())
            new, replaced = (written, 0) if asked.taken == "new" else (0, written)
        generation = head.generation
        if log:
            log_postgres_change(connection, server, head, log)
            counts = (new - lost, lost + replaced, new, server.table)
            found = connection.execute(_COUNTS, counts).fetchone()
            generation = generation if found is None else int(found[0])
    return Written(generation, put, removed)


def log_postgres_change(
    connection: Connection, server: Server, head: GalleryRow, log: list[tuple[str, str]]
) -> None:
    """Note what was done in the log."""
    actions = [action for action, _ in log]
    digests = [digest(head.log_key, one) for _, one in log]
    connection.execute(_LOG, (server.table, int(time.time()), actions, digests))


def delete_rows(
    connection: Connection, server: Server, ids: Sequence[str], log: list[tuple[str, str]]
) -> Bool[Array, "m"]:
    """Which of the ids were removed."""
    if not len(ids):
        return np.zeros(0, np.bool_)
    digests = {one: id_digest(one) for one in ids}
    gone = connection.execute(
        _DELETE.format(server.place()), (list(digests.values()),), binary=True
    ).fetchall()
    there = {one for (one,) in gone}
    removed = {one for one, its in digests.items() if its in there}
    log += (("removed", one) for one in digests if one in removed)
    return np.array([one in removed for one in ids], dtype=np.bool_)


def _put(
    connection: Connection,
    server: Server,
    head: GalleryRow,
    rows: Rows,
    texts: list[str],
    taken: str,
    log: list[tuple[str, str]],
) -> Bool[Array, "n"]:
    """Which rows were written."""
    digests = [id_digest(one) for one in rows.ids]
    asked = _THERE.format(server.place())
    there: dict[bytes, int] = dict(connection.execute(asked, (digests,), binary=True).fetchall())
    first = {one: at for at, one in reversed(list(enumerate(rows.ids)))}
    known = taken == "known"
    put = np.array(
        [
            (its in there) is known and first[one] == at
            for at, (one, its) in enumerate(zip(rows.ids, digests, strict=True))
        ],
        dtype=np.bool_,
    )
    which = np.flatnonzero(put).tolist()
    if not which:
        return put
    keys = list(range(head.last_key + 1, head.last_key + 1 + len(which)))
    if known:
        # What is replaced keeps its place in the order.
        keys = [there[digests[at]] for at in which]
        replaced = [digests[at] for at in which]
        connection.execute(_DELETE.format(server.place()), (replaced,))
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    copy = connection.cursor().copy(_COPY.format(server.place(), columns))
    with copy as stream:
        for part in copied(rows, which, keys, texts):
            stream.write(part)
    log += (("updated" if known else "enrolled", rows.ids[at]) for at in which)
    return put


def rewrite_table(server: Server) -> None:
    """Write the table and its indexes anew, without what was removed; everyone waits for it.

    Raises:
        SaveFailed: If the server passes it over, or has no space; the table is as it was.
    """
    server.check_writing()
    notices: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            notices.append(shortened(notice.message_primary, 300))

    with server.said(), server.connection() as connection:
        connection.add_notice_handler(note)
        try:
            connection.execute(sql.SQL("VACUUM (FULL, ANALYZE) {}").format(server.place()))
        finally:
            connection.remove_notice_handler(note)
    if notices:
        raise SaveFailed(
            f"{server.name} was not compacted: {notices[0]}. Ask the owner of the table."
        )


def move_postgres_gallery(server: Server, moved: Moved) -> Written:
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
        delete_rows(connection, server, moved.left_out, log)
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
            log_postgres_change(connection, server, head, log)
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
