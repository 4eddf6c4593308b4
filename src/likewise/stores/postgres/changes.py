"""How a gallery in PostgreSQL changes: one transaction a change, writers one after the other."""

import time
from collections.abc import Sequence

import numpy as np
import psycopg
from psycopg import sql

from likewise.errors import SaveFailed
from likewise.io.display import shortened
from likewise.shapes import Array, Bool
from likewise.stores.postgres.migrations import GalleryRow, migration_head
from likewise.stores.postgres.server import Connection, Server
from likewise.stores.postgres.wire import COLUMNS, copied, id_digest
from likewise.stores.rows import Change, Rows, Written, digest, metadata_texts

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


def apply_change(server: Server, asked: Change) -> Written:
    """Put and remove rows; see `Store.write`."""
    texts = [] if asked.put is None else metadata_texts(asked.put.metadata)
    with server.changing() as connection:
        # Whoever holds this row is the only writer.
        head = migration_head(connection, server, lock=True)
        log: list[tuple[str, str]] = []
        removed = remove(connection, server, asked.remove, log)
        lost = len(log)
        put, new, replaced = np.zeros(0, np.bool_), 0, 0
        if asked.put is not None:
            put = _put(connection, server, head, asked.put, texts, asked.taken, log)
            written = int(put.sum())
            new, replaced = (written, 0) if asked.taken == "new" else (0, written)
        generation = head.generation
        if log:
            log_change(connection, server, head, log)
            counts = (new - lost, lost + replaced, new, server.table)
            found = connection.execute(_COUNTS, counts).fetchone()
            generation = generation if found is None else int(found[0])
    return Written(generation, put, removed)


def log_change(
    connection: Connection, server: Server, head: GalleryRow, log: list[tuple[str, str]]
) -> None:
    """Note what was done in the log."""
    actions = [action for action, _ in log]
    digests = [digest(head.log_key, one) for _, one in log]
    connection.execute(_LOG, (server.table, int(time.time()), actions, digests))


def remove(
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
