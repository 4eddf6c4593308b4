"""What a gallery's store costs: search beside a bare product, opening, enrolling, one million.

python -m benchmarks.gallery --rounds 15
python -m benchmarks.gallery --million
python -m benchmarks.gallery --pgvector --items 100000
python -m benchmarks.gallery --approximate
python -m benchmarks.gallery --approximate --sizes 500000 --kind ivf

Vectors are clustered: 2,000 centres, each vector one of them and a third of noise. The product
and the store take turns in one run, on as many cores as BLAS takes; the median is the figure.

product   the squared distances of all vectors by BLAS, their squares known, and argpartition
search    `Store.nearest`: ids, identities, metadata and distances by the definition
open      a store is opened and asked its first query, in a process that is already up
bulk      ready vectors enrolled, 10,000 at once, synced to the disk
single    one new row enrolled, synced to the disk; beside it what one write and fsync takes here

`--approximate` takes turns, query by query, between the store and FAISS alone on the same index at
the same settings; exact search follows by itself. No query is one of the vectors, and each is asked
once.

ids       `Store.neighbours`: ids and distances by the definition, 64 queries at once
rows      `Store.nearest`: ids, identities, metadata and distances, one query
where     a condition that 1% of the rows fulfil
"""

import argparse
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.shapes import Array
from likewise.stores.index.indexing import IndexRequest, index_method
from likewise.stores.rows import Change, Pin, Rows
from likewise.stores.sqlite.store import Sqlite
from likewise.stores.where import parse_condition

DIM = 128
PIN = Pin("a" * 64, "euclidean", DIM)
AT_ONCE = 10_000


def clustered(count: int, seed: int = 0) -> Array:
    """Vectors as an encoder makes them: in clusters."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((2000, DIM)).astype(np.float32)
    made = random.standard_normal((count, DIM), dtype=np.float32)
    made *= 0.3
    made += centres[random.integers(2000, size=count)]
    return made


def rows(first: int, vectors: Array) -> Rows:
    """Rows that are ready to be put."""
    names = [f"row {i}" for i in range(first, first + len(vectors))]
    places = range(first, first + len(vectors))
    metadata = [{"part": i % 100} for i in places]
    return Rows.of(names, [f"who {i % 5000}" for i in places], vectors, metadata)


def product(vectors: Array, squares: Array, queries: Array, k: int = 10) -> Array:
    """The bare way: which rows are nearest, in no order."""
    apart = queries @ vectors.T
    apart *= -2
    apart += squares
    found: Array = np.argpartition(apart, k - 1, axis=1)[:, :k]
    return found


def show(what: str, own: str, bare: str | None = None, ratio: str | None = None) -> None:
    """Print a row, and keep it."""
    results.row("", {"": what, "likewise": own, "bare": bare, "ratio": ratio})


def seconds(run: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def fill(path: Path, count: int) -> float:
    """Enrol so many, and how many a second went in; making them is not counted."""
    took = 0.0
    with Sqlite(str(path), pin=PIN) as store:
        for first in range(0, count, AT_ONCE):
            some = rows(first, clustered(AT_ONCE, seed=first))
            took += seconds(lambda some=some: store.write(Change(some)))  # type: ignore[misc]
    return count / took


def synced(path: Path) -> float:
    """One write of a vector to a file, and its fsync: the least that a durable row can take."""
    with path.open("wb") as file:

        def write() -> None:
            file.write(bytes(4 * DIM))
            file.flush()
            os.fsync(file.fileno())

        return statistics.median(seconds(write) for _ in range(50))


def search_rows(path: Path, count: int, rounds: int) -> None:
    """Print the rows of exact search."""
    with Sqlite(str(path), writing=False) as store:
        vectors = np.concatenate([part.vectors for part in store.read()])
        squares = np.einsum("ij,ij->i", vectors, vectors)
        for queries in (clustered(1, seed=7), clustered(64, seed=8)):
            truth = np.sort(product(vectors, squares, queries), axis=1)
            found = [[int(m.id[4:]) for m in one] for one in store.nearest(queries, 10)]
            agree = float(np.mean(np.sort(found, axis=1) == truth))
            bare, ours = [], []
            for _ in range(rounds):
                bare.append(seconds(lambda q=queries: product(vectors, squares, q)))  # type: ignore[misc]
                ours.append(seconds(lambda q=queries: store.nearest(q, 10)))  # type: ignore[misc]
            ratio = statistics.median(o / b for o, b in zip(ours, bare, strict=True))
            show(
                f"exact search, {count:,} x {DIM}, {len(queries)} at once",
                f"{1e3 * statistics.median(ours):.1f} ms",
                f"{1e3 * statistics.median(bare):.1f} ms",
                f"{ratio:.2f} (ids agree {agree:.4f})",
            )


def approximate(path: Path, count: int, kind: str, recall: float, rounds: int) -> None:
    """Print the rows of approximate search in a gallery of so many."""
    fill(path, count)
    with Sqlite(str(path), pin=PIN) as store:
        took = seconds(lambda: store.write(Change(index=IndexRequest(index_method(kind), recall))))
        told = store.state().index
        assert told is not None  # noqa: S101 - just made
        recalled = f"recall {told.recall:.4f} of {told.asked:,} rows held out"
        what = f"{count:,}: {kind} index made and measured"
        show(what, f"{took:.1f} s", None, f"{told.settings}, {recalled}")
        queries = clustered(1000, seed=5)
        found = store.neighbours(queries, 10, approximate=True)
        truth = store.neighbours(queries, 10)
        share = np.mean(found.distances <= truth.distances[:, -1:])
        show(f"{count:,}: recall@10 of 1,000 new queries", f"{share:.4f}")
        loaded = store._approximate._loaded  # noqa: SLF001 - FAISS alone is what stands beside
        assert loaded is not None  # noqa: S101 - it was just asked
        breadth = loaded.stamp.breadth

        def bare(asked: Array) -> object:
            return loaded.searcher.search(asked, 10, breadth)

        for name, at_once, ask in (
            ("ids and distances, 64 at once", 64, store.neighbours),
            ("one query with its rows", 1, store.nearest),
        ):
            # Each way has queries of its own, so that none warms another's way.
            some = [clustered(at_once, seed=1000 + i) for i in range(21 * rounds)]
            ours: list[float] = []
            alone: list[float] = []
            for turn in range(10 * rounds):
                turns = [
                    (ours, lambda q=some[2 * turn], ask=ask: ask(q, 10, approximate=True)),
                    (alone, lambda q=some[2 * turn + 1]: bare(q)),
                ]
                for kept, run in turns[turn % 2 :] + turns[: turn % 2]:
                    kept.append(seconds(run))  # type: ignore[arg-type]
            # Apart, since a scan of all vectors empties the processor's caches for the next.
            exact = [seconds(lambda q=q, ask=ask: ask(q, 10)) for q in some[20 * rounds :]]  # type: ignore[misc]
            mine, theirs, slow = (1e3 * statistics.median(one) for one in (ours, alone, exact))
            told_ratio = (
                f"{theirs / mine:.2f} x bare" if at_once > 1 else f"+{mine - theirs:.3f} ms"
            )
            own = f"{mine:.3f} ms (exact {slow:.2f} ms)"
            show(f"{count:,}: {name}", own, f"{theirs:.3f} ms", told_ratio)
        some = parse_condition("part = 7")
        found = store.neighbours(queries[:100], 10, some, approximate=True)
        truth = store.neighbours(queries[:100], 10, some)
        share = np.mean(found.distances <= truth.distances[:, -1:])
        took = statistics.median(
            seconds(lambda i=i: store.nearest(queries[i : i + 1], 10, some, approximate=True))  # type: ignore[misc]
            for i in range(10)
        )
        show(f"{count:,}: 1% by --where, recall@10 {share:.4f}", f"{1e3 * took:.1f} ms")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--million", action="store_true", help="one million, and its memory")
    parser.add_argument("--pgvector", action="store_true", help="a gallery in PostgreSQL")
    parser.add_argument("--approximate", action="store_true", help="the index, and when it pays")
    parser.add_argument("--kind", default="hnsw", help="of a file's index: hnsw or ivf")
    parser.add_argument("--recall", type=float, default=0.99, help="that the index is made for")
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 100_000, 500_000])
    parser.add_argument("--folder", help="on the disk to measure; a temporary one if left out")
    asked = parser.parse_args()
    count = 1_000_000 if asked.million else asked.items
    print(machine_line())
    if asked.pgvector:
        from benchmarks.gallery_postgres import print_table

        print_table(count, asked.rounds, asked.recall)
        return
    with tempfile.TemporaryDirectory(prefix="likewise-", dir=asked.folder) as room:
        path = Path(room) / "things.db"
        if asked.approximate:
            for size in asked.sizes:
                place = Path(room) / f"{size}.db"
                approximate(place, size, asked.kind, asked.recall, asked.rounds)
            return
        show(f"bulk enrolment of {count:,}", f"{fill(path, count):,.0f} rows/s")
        if asked.million:
            one_million(path)
            return
        search_rows(path, count, asked.rounds)
        query = clustered(1, seed=11)

        def first() -> None:
            with Sqlite(str(path), writing=False) as store:
                store.nearest(query, 10)

        opened = 1e3 * statistics.median(seconds(first) for _ in range(7))
        show("open and first query", f"{opened:.1f} ms")
        with Sqlite(str(path), pin=PIN) as store:
            new = [rows(count + i, clustered(1, seed=i)) for i in range(100)]
            took = [seconds(lambda one=one: store.write(Change(one))) for one in new]  # type: ignore[misc]
        ours, bare = statistics.median(took), synced(Path(room) / "bare")
        own, alone = f"{1e3 * ours:.2f} ms", f"{1e3 * bare:.2f} ms"
        show("single durable row, p50", own, alone, f"{ours / bare:.1f}")


def one_million(path: Path) -> None:
    """Search one million, and print the most memory that this process held."""
    with Sqlite(str(path), writing=False) as store:
        took = [seconds(lambda i=i: store.nearest(clustered(1, seed=i), 10)) for i in range(5)]  # type: ignore[misc]
    show("exact search of one million, one query", f"{1e3 * statistics.median(took):.1f} ms")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    peak = int(found[1]) / 1e3 if found else 0
    show("peak resident memory, the mapped file included", f"{peak:,.0f} MB")


if __name__ == "__main__":
    results.run("gallery", main)
