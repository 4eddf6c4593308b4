"""The index of a gallery in PostgreSQL: made, measured against exact search, and told of."""

import json
from dataclasses import asdict

import numpy as np
from psycopg import sql

from likewise.distances.base import Distance
from likewise.errors import BadArgument
from likewise.shapes import Array
from likewise.stores.index.indexing import (
    NEAREST,
    USED,
    Indexed,
    IndexRequest,
    enough,
    nothing_to_index,
    others,
    passed_over,
)
from likewise.stores.postgres import finding
from likewise.stores.postgres.migrations import Effort, GalleryRow, migration_head
from likewise.stores.postgres.server import Connection, Server
from likewise.stores.postgres.vectors import MOST_INDEXED, vector_kind
from likewise.stores.postgres.wire import vectors_from_wire

# What the index may look at for a query, one of which is chosen.
_EFFORTS = (40, 64, 100, 160, 250, 400, 640, 1000)
# Stored rows that are asked for, to see how many of their nearest others are found.
_ASKED = 200
# Memory for the graph, where the server is not set to more.
_MOST_MEMORY = 2**30
_SETTINGS = "m=16, ef_construction=64, ef_search={}"


def make_index(server: Server, distance: Distance, wanted: IndexRequest) -> None:
    """Make the index in the place of the one that is there; writers wait, and readers do not.

    Raises:
        BadArgument: If pgvector has no such index for these vectors, or there are none.
        SaveFailed: If there is no space; the gallery is as it was.
    """
    if wanted.kind not in ("hnsw", "ivf"):
        _replace(server, None, None)
        return
    _replace(server, distance, wanted)
    effort = _measured(server, distance, wanted)
    with server.changing() as connection:
        head = migration_head(connection, server, lock=True)
        # Somebody may have taken it away meanwhile.
        if head.effort is not None:
            _record(connection, server, effort)


def _replace(server: Server, distance: Distance | None, wanted: IndexRequest | None) -> None:
    new, old = (sql.Identifier(f"{server.table}_nearest{end}") for end in ("_new", ""))
    with server.changing() as connection:
        head = migration_head(connection, server, lock=True)
        if distance is not None and wanted is not None:
            index = _class_of(server, head, distance, wanted)
            if not head.entries:
                raise nothing_to_index(server.name)
            # A graph that does not fit takes many times as long.
            needed = min(_MOST_MEMORY, head.entries * (4 * head.dim + 600)) // 1024
            connection.execute(
                "SELECT set_config('maintenance_work_mem', greatest(%s, setting::bigint)::text, "
                "true) FROM pg_settings WHERE name = 'maintenance_work_mem'",
                (needed,),
            )
            words = sql.SQL("CREATE INDEX {} ON {} USING hnsw (embedding {})")
            connection.execute(words.format(new, server.place(), index))
        drop = sql.SQL("DROP INDEX IF EXISTS {}")
        connection.execute(drop.format(server.place("_nearest")))
        if wanted is not None:
            rename = sql.SQL("ALTER INDEX {} RENAME TO {}")
            connection.execute(rename.format(server.place("_nearest_new"), old))
        first = None if wanted is None else Effort(_EFFORTS[-1], None, 0, wanted.recall)
        _record(connection, server, first)


def _class_of(
    server: Server, head: GalleryRow, distance: Distance, wanted: IndexRequest
) -> sql.SQL:
    operators = vector_kind(distance)
    if wanted.kind != "hnsw" or operators is None:
        raise BadArgument(
            f"An index {wanted.kind!r} of {head.distance} was asked for, and in PostgreSQL there "
            "is 'hnsw', of euclidean, manhattan and cosine. Search exactly, or ask for that."
        )
    if head.dim > MOST_INDEXED:
        raise BadArgument(
            f"{server.name} holds vectors of {head.dim:,} numbers, and pgvector indexes "
            f"{MOST_INDEXED:,} at most. They are searched exactly."
        )
    return operators.index


def _record(connection: Connection, server: Server, effort: Effort | None) -> None:
    index_state = None if effort is None else json.dumps(asdict(effort))
    connection.execute(
        "UPDATE likewise._galleries SET hnsw = %s WHERE name = %s", (index_state, server.table)
    )


def _measured(server: Server, distance: Distance, wanted: IndexRequest) -> Effort:
    """The least effort that finds what is wanted, and what it finds."""
    with server.reading() as connection:
        # The digests of ids are in no order but their own.
        words = sql.SQL(
            "SELECT key, vector_send(embedding) FROM {} ORDER BY digest LIMIT %s"
        ).format(server.place())
        rows = connection.execute(words, (_ASKED,), binary=True).fetchall()
        head = migration_head(connection, server)
        k = min(NEAREST, head.entries - 1)
        if k < 1:
            return Effort(_EFFORTS[0], None, 0, wanted.recall)
        sample = vectors_from_wire([row[1] for row in rows], head.dim)
        own = [row[0] for row in rows]
        exactly = finding.streamed(connection, server, sample, k + 1, distance, finding.ALL)
        limits = [_others(one, key)[k - 1] for one, key in zip(exactly, own, strict=True)]
        share, effort = 0.0, _EFFORTS[0]
        for effort in _EFFORTS:
            finding.use_index(connection, effort)
            shares = np.ones(len(own))
            for at, (key, query, limit) in enumerate(zip(own, sample, limits, strict=True)):
                found = finding.indexed(connection, server, query, k + 1, distance, finding.ALL)
                # Where it gives too few, search is exact.
                if found is not None:
                    shares[at] = np.count_nonzero(_others(found, key)[:k] <= limit) / k
            share = float(shares.mean())
            if enough(shares, wanted):
                break
        return Effort(effort, share, len(own), wanted.recall)


def _others(found: finding.Found, own: int) -> Array:
    return others(np.array(found[0], dtype=np.int64), found[1], own)


def index_state(connection: Connection, server: Server, head: GalleryRow) -> Indexed | None:
    """What index there is, and what it is worth; None where there is none."""
    effort = head.effort
    if effort is None:
        return None
    (size,) = connection.execute(
        "SELECT coalesce(pg_total_relation_size(to_regclass(%s)), 0)",
        (server.place("_nearest").as_string(connection),),
    ).fetchone() or (0,)
    few = head.entries < finding.LEAST_INDEXED
    return Indexed(
        kind="hnsw",
        status=(
            passed_over(f"exact search of less than {finding.LEAST_INDEXED:,} rows takes no longer")
            if few
            else USED
        ),
        rows=head.entries,
        newer=0,
        removed=0,
        recall=effort.recall,
        asked=effort.asked,
        wanted=effort.wanted,
        settings=_SETTINGS.format(effort.search),
        bytes_used=size,
    )
