"""How the index of a SQLite gallery is made, measured and put in its place.

It is made from one moment of the gallery, while others read and write; it gets its name and its
stamp within one transaction. A kill at any moment leaves the old index, or the new one.
"""

import itertools
import os
from dataclasses import dataclass

import numpy as np

from likewise.distances.base import Distance
from likewise.distances.cosine import Cosine
from likewise.errors import BadArgument, GalleryBusy
from likewise.io import atomic
from likewise.shapes import Array, Int
from likewise.stores import exact
from likewise.stores.index.faiss_index import Searcher, faiss, made
from likewise.stores.index.indexing import NEAREST, IndexRequest, enough, nothing_to_index, others
from likewise.stores.index.sidecar import as_bytes
from likewise.stores.sqlite.approximate import has_index_for, prepared
from likewise.stores.sqlite.changing import tidy
from likewise.stores.sqlite.database import Database
from likewise.stores.sqlite.moments import Moment, Moments
from likewise.stores.sqlite.schema import head_of
from likewise.stores.sqlite.stamp import NO_INDEX, Stamp, next_number, sidecar_digest, write_stamp

ASKED = 1000
_TRIES = 5


@dataclass(frozen=True)
class _Worth:
    """How broad a search must be, what it then finds, and how often it was asked."""

    breadth: int
    recall: float
    asked: int


def derive(database: Database, moments: Moments, distance: Distance, wanted: IndexRequest) -> None:
    """Make an index, and put it in the place of the one that is there; or take that away.

    Args:
        database: Of the gallery.
        moments: Of the gallery.
        distance: What compares.
        wanted: Which index.

    Raises:
        BadArgument: If there is no index for the distance, or nothing to put into one.
        MissingExtra: If FAISS is not installed.
        SaveFailed: If it cannot be written; the old one stands.
        GalleryBusy: If the vectors were written anew again and again meanwhile.
    """
    if wanted.method == "none":
        with database.changing() as connection:
            write_stamp(connection, NO_INDEX._replace(number=next_number(connection)))
        _tidy(database)
        return
    if not has_index_for(distance):
        raise BadArgument(
            "There is no sound index for this gallery's distance; euclidean and cosine have one. "
            "Search it exactly."
        )
    faiss()
    for _ in range(_TRIES):
        moment = moments.now()
        slots = np.random.default_rng(0).permutation(_indexable(moment, distance))
        if not len(slots):
            raise nothing_to_index(database.path)
        vectors = np.ascontiguousarray(prepared(moment.vectors[slots], distance))
        if len(vectors) < len(slots):  # one of them was removed meanwhile
            continue
        held = min(ASKED, len(slots) // 4)
        structure, worth = made(
            wanted.method,
            slots,
            vectors,
            held,
            lambda searcher, moment=moment, slots=slots, held=held: _measured(  # type: ignore[misc]
                searcher, moment, slots, held, distance, wanted
            ),
        )
        if _put(
            database, moment, as_bytes(structure, moment.head.token), len(slots), wanted, worth
        ):
            _tidy(database)
            return
    raise GalleryBusy(
        f"The vectors of {database.path} were written anew while its index was made, {_TRIES} "
        "times in a row. Try again."
    )


def _indexable(moment: Moment, distance: Distance) -> Int[Array, "n"]:
    """The slots of rows, without vectors of no direction where the distance is one of those."""
    living = np.ones(moment.head.slots, dtype=np.bool_)
    living[moment.holes] = False
    slots = np.flatnonzero(living)
    if not isinstance(distance, Cosine):
        return slots
    # A direction that is doubtful is as good as none.
    return slots[moment.squares[slots] > exact.least_square(moment.head.dim)]


def _measured(
    searcher: Searcher,
    moment: Moment,
    slots: Int[Array, "n"],
    held: int,
    distance: Distance,
    wanted: IndexRequest,
) -> _Worth:
    """The narrowest search that finds, 95% sure, the wanted share of the nearest others.

    It is asked for the last of the slots, which were drawn by lot.
    """
    own = slots[len(slots) - held :]
    there = np.sort(slots[: len(slots) - held] if wanted.method == "hnsw" else slots)
    queries = moment.vectors[own]
    asked = prepared(queries, distance)
    k = min(NEAREST, len(there) - 1)
    if k < 1 or not held or len(asked) < len(queries):
        return _Worth(searcher.widest, 1.0, 0)
    truth = exact.nearest_rows(
        queries, moment.vectors, moment.squares, k + 1, distance, among=there
    )
    limits = np.array(
        [others(*found, one)[k - 1] for found, one in zip(truth, own.tolist(), strict=True)]
    )
    worth = _Worth(searcher.widest, 0.0, 0)
    for breadth in _breadths(searcher.narrowest, searcher.widest):
        places = searcher.search(asked, k + 1, breadth)
        rows = np.where(places >= 0, slots[places], -1)
        answers = exact.rank_rows(queries, moment.vectors, rows, k + 1, distance)
        shares = np.array(
            [
                np.count_nonzero(others(keys, apart, one)[:k] <= limit) / k
                for keys, apart, one, limit in zip(*answers, own.tolist(), limits, strict=True)
            ]
        )
        worth = _Worth(breadth, float(shares.mean()), held)
        if enough(shares, wanted):
            break
    return worth


def _breadths(narrowest: int, widest: int) -> list[int]:
    """Those of 1, 2, 3, 4, 6, 8, 12, ... that are neither narrower nor wider, and the widest."""
    steps = sorted({one for power in range(32) for one in (2**power, 3 * 2**power)})
    return [*(one for one in steps if narrowest <= one < widest), widest]


def _put(
    database: Database, moment: Moment, data: bytes, rows: int, wanted: IndexRequest, worth: _Worth
) -> bool:
    """Write the sidecar and its stamp; False where the vectors were written anew meanwhile."""
    with database.changing() as connection:
        if head_of(connection, database.path).file != moment.head.file:
            return False
        # No file that is there is written over, whoever made it.
        numbers = itertools.count(next_number(connection))
        number = next(n for n in numbers if not os.path.lexists(database.index_path(n)))
        atomic.replace(database.index_path(number), data)
        stamp = Stamp(
            number=number,
            method=wanted.method,
            wanted=float(wanted.recall),
            file=moment.head.file,
            slots=moment.head.slots,
            rows=rows,
            generation=moment.head.generation,
            removals=moment.head.removals,
            size=len(data),
            sha256=sidecar_digest(data),
            breadth=worth.breadth,
            recall=worth.recall,
            asked=worth.asked,
        )
        write_stamp(connection, stamp)
    return True


def _tidy(database: Database) -> None:
    with database.changing() as connection:
        tidy(database, connection, head_of(connection, database.path))
