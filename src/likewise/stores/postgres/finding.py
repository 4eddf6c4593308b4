"""What a reader sees of a gallery in PostgreSQL: its rows, and the nearest of them.

Exact search of a few queries lets the server compute its own distance of every row, and takes what
may be among the nearest within the error of that; for many queries at once, or where the server
has no such distance, all vectors come here once. Approximate search asks the index. Whatever was
found, its distance is computed here, by the definition.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from psycopg import sql

from likewise.distances.base import Distance
from likewise.shapes import Array, Float
from likewise.stores import exact
from likewise.stores.index.indexing import LEAST_SELECTED, MOST_WANTED
from likewise.stores.postgres.conditions import Bound, postgres_condition
from likewise.stores.postgres.migrations import GalleryRow, migration_head
from likewise.stores.postgres.server import Connection, Server
from likewise.stores.postgres.vectors import beyond, can_scan, operator_for
from likewise.stores.postgres.wire import check_sent, id_digest, text_of, vectors_from_wire
from likewise.stores.rows import Match, Rows
from likewise.stores.where import Condition

PAGE = 4096
# From so many queries on, sending all vectors here takes less time than as many scans.
STREAMED = 8
# Of so many rows the share is found out.
_SAMPLED = 1000
LEAST_INDEXED = 10_000
"""A gallery of fewer rows is searched exactly: that takes as little time as the index."""
# Rows fetched beyond those that are wanted, since rounding may change the order of the last.
_SPARE = 16

Asked = tuple[sql.Composable, Bound]
Found = tuple[list[int], Float[Array, "found"]]
ALL: Asked = (sql.SQL("TRUE"), [])


def _asked(where: Condition | None) -> Asked:
    return ALL if where is None else postgres_condition(where)


def postgres_page(
    server: Server,
    dim: int,
    after: int,
    where: Condition | None,
    ids: Sequence[str] | None,
    *,
    vectors: bool,
    items: bool,
) -> tuple[Rows, int | None]:
    """Rows of one moment, in the order of their keys.

    Args:
        server: Of the gallery.
        dim: Of its vectors.
        after: The key that theirs are above.
        where: What their metadata must be.
        ids: The only ids; all if None.
        vectors: Whether to read vectors.
        items: Whether to read kept items.

    Returns:
        The rows and the last of their keys, None where there are no more.
    """
    condition, bound = _asked(where)
    values: list[Any] = [after, *bound]
    if ids is not None:
        condition = sql.SQL("{} AND digest = ANY(%s)").format(condition)
        values.append([id_digest(one) for one in ids])
    words = sql.SQL(
        "SELECT key, id, identity, metadata, {item}, {vector} FROM {table} "
        "WHERE key > %s AND {condition} ORDER BY key LIMIT {page}"
    ).format(
        item=sql.SQL("item" if items else "NULL::bytea"),
        vector=sql.SQL("vector_send(embedding)" if vectors else "NULL::bytea"),
        table=server.place(),
        condition=condition,
        page=sql.Literal(PAGE),
    )
    with server.reading() as connection:
        migration_head(connection, server)
        found = connection.execute(words, values, binary=True).fetchall()
    made = (
        vectors_from_wire([row[5] for row in found], dim)
        if vectors
        else np.zeros((len(found), 0), np.float32)
    )
    rows = Rows(
        [row[1] for row in found],
        [row[2] for row in found],
        made,
        [json.loads(row[3]) for row in found],
        [row[4] for row in found],
    )
    return rows, found[-1][0] if len(found) == PAGE else None


def count(connection: Connection, server: Server, where: Condition) -> int:
    """How many rows fulfil a condition."""
    condition, bound = postgres_condition(where)
    words = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(server.place(), condition)
    (found,) = connection.execute(words, bound).fetchone() or (0,)
    return int(found)


def identities_in_postgres(connection: Connection, server: Server) -> set[str]:
    """Every identity in the gallery."""
    words = sql.SQL("SELECT DISTINCT identity FROM {}").format(server.place())
    return {str(name) for (name,) in connection.execute(words, binary=True)}


def _share(connection: Connection, server: Server, asked: Asked) -> float:
    """About which share of the rows fulfils a condition."""
    # The digests of ids are in no order but their own.
    words = sql.SQL(
        "SELECT coalesce(avg(({})::int), 0)::float8 FROM "
        "(SELECT * FROM {} ORDER BY digest LIMIT {}) sampled"
    ).format(asked[0], server.place(), sql.Literal(_SAMPLED))
    (found,) = connection.execute(words, asked[1]).fetchone() or (0.0,)
    return float(found)


def nearest_in_postgres(
    server: Server,
    queries: Float[Array, "n dim"],
    k: int,
    distance: Distance,
    where: Condition | None,
    *,
    approximate: bool,
) -> list[list[Match]]:
    """The k nearest rows to each query, nearest first; see `Store.nearest`."""
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    asked = _asked(where)
    with server.reading() as connection:
        head = migration_head(connection, server)
        found: list[Found | None] = [None] * len(queries)
        if approximate and head.effort and _index_serves(connection, server, head, k, asked):
            # Half of what is in sight may not fulfil a condition.
            effort = head.effort.search * (1 if where is None else 2)
            use_index(connection, min(MOST_WANTED, max(effort, k)))
            found = [indexed(connection, server, one, k, distance, asked) for one in queries]
        # Where the index gave fewer than there are, too.
        rest = [at for at, one in enumerate(found) if one is None]
        if rest:
            wanted = min(k, head.entries)
            exactly = _exact(connection, server, queries[rest], wanted, distance, asked)
            for at, one in zip(rest, exactly, strict=True):
                found[at] = one
        return _matches(connection, server, [one for one in found if one is not None])


def _index_serves(
    connection: Connection, server: Server, head: GalleryRow, k: int, asked: Asked
) -> bool:
    if k > MOST_WANTED or head.entries < LEAST_INDEXED:
        return False
    return asked is ALL or _share(connection, server, asked) >= LEAST_SELECTED


def use_index(connection: Connection, effort: int) -> None:
    """Have the rest of a transaction ask the index, with this much effort."""
    # Where a condition leaves out what the index gives, it gives more.
    connection.execute(
        "SELECT set_config('enable_seqscan', 'off', true), set_config('hnsw.ef_search', %s, true), "
        "set_config('hnsw.iterative_scan', 'relaxed_order', true)",
        (str(effort),),
    )


def indexed(
    connection: Connection,
    server: Server,
    query: Float[Array, "dim"],
    k: int,
    distance: Distance,
    asked: Asked,
) -> Found | None:
    """What the index finds; None where that is fewer than k, or it cannot be asked."""
    operator = operator_for(distance)
    if operator is None or not can_scan(distance, query[None]):
        return None
    words = sql.SQL(
        "SELECT key, vector_send(embedding) FROM {} WHERE {} "
        "ORDER BY embedding {} %s::vector LIMIT %s"
    ).format(server.place(), asked[0], operator.sign)
    values = [*asked[1], text_of(query), k]
    rows = connection.execute(words, values, binary=True).fetchall()
    if len(rows) < k:
        return None
    return _by_definition(query, rows, k, distance)


def _by_definition(
    query: Float[Array, "dim"], rows: Sequence[tuple[Any, ...]], k: int, distance: Distance
) -> Found:
    keys = np.array([row[0] for row in rows], dtype=np.int64)
    vectors = vectors_from_wire([row[1] for row in rows], len(query))
    distances = np.zeros(0, np.float32)
    if len(rows):
        distances = distance.rows(np.repeat(query[None], len(rows), axis=0), vectors)
    order = np.lexsort((keys, distances))[:k]
    return keys[order].tolist(), distances[order]


def _exact(
    connection: Connection,
    server: Server,
    queries: Float[Array, "n dim"],
    k: int,
    distance: Distance,
    asked: Asked,
) -> list[Found]:
    if k == 0:
        return [([], np.zeros(0, np.float32))] * len(queries)
    if len(queries) >= STREAMED or not all(can_scan(distance, one[None]) for one in queries):
        return streamed(connection, server, queries, k, distance, asked)
    return [_scanned(connection, server, one, k, distance, asked) for one in queries]


def _scanned(
    connection: Connection,
    server: Server,
    query: Float[Array, "dim"],
    k: int,
    distance: Distance,
    asked: Asked,
) -> Found:
    """Exact search by the server, and by the definition among what it may have confused."""
    operator = operator_for(distance)
    assert operator is not None  # noqa: S101 - asked before
    condition, bound = asked
    words = sql.SQL(
        "SELECT key, vector_send(embedding), {scan} AS apart FROM {table} WHERE {condition} "
        "ORDER BY apart LIMIT %s"
    ).format(scan=operator.scan, table=server.place(), condition=condition)
    text = text_of(query)
    rows = connection.execute(words, [text, *bound, k + _SPARE], binary=True).fetchall()
    check_sent([row[1] for row in rows])
    if len(rows) == k + _SPARE:
        most = beyond(rows[k - 1][2], len(query), distance)
        if rows[-1][2] <= most:
            within = sql.SQL("{} AND {} <= %s::float8").format(condition, operator.scan)
            some = (within, [*bound, text, repr(most)])
            return streamed(connection, server, query[None], k, distance, some)[0]
    return _by_definition(query, rows, k, distance)


def streamed(
    connection: Connection,
    server: Server,
    queries: Float[Array, "n dim"],
    k: int,
    distance: Distance,
    asked: Asked,
) -> list[Found]:
    """Exact search here, of the vectors that fulfil a condition and come block by block."""
    best: list[tuple[Array, Array]] = [
        (np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in queries
    ]
    for keys, vectors in _blocks(connection, server, queries.shape[1], asked):
        found = exact.nearest_rows(queries, vectors, exact.squares_of(vectors), k, distance)
        for at, (places, distances) in enumerate(found):
            all_keys = np.concatenate([best[at][0], keys[places]])
            apart = np.concatenate([best[at][1], distances])
            order = np.lexsort((all_keys, apart))[:k]
            best[at] = all_keys[order], apart[order]
    return [(keys.tolist(), apart) for keys, apart in best]


def _blocks(
    connection: Connection, server: Server, dim: int, asked: Asked
) -> Iterator[tuple[Array, Array]]:
    words = sql.SQL("SELECT key, vector_send(embedding) FROM {} WHERE {}")
    size = max(1, min(PAGE, 2**21 // dim))
    with connection.cursor("vectors", binary=True) as cursor:
        cursor.execute(words.format(server.place(), asked[0]), asked[1])
        while rows := cursor.fetchmany(size):
            keys = np.array([row[0] for row in rows], dtype=np.int64)
            yield keys, vectors_from_wire([row[1] for row in rows], dim)


def _matches(connection: Connection, server: Server, found: list[Found]) -> list[list[Match]]:
    wanted = sorted({key for keys, _ in found for key in keys})
    words = sql.SQL("SELECT key, id, identity, metadata FROM {} WHERE key = ANY(%s)")
    rows = {
        key: (name, identity, json.loads(text))
        for key, name, identity, text in connection.execute(
            words.format(server.place()), (wanted,), binary=True
        )
    }
    return [
        [
            Match(rows[key][0], rows[key][1], distance, rows[key][2])
            for key, distance in zip(keys, distances.tolist(), strict=True)
        ]
        for keys, distances in found
    ]
