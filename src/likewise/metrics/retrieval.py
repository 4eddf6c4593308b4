"""How good the nearest neighbours are, exactly, in blocks: no matrix of all pairs is held."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from likewise.distances.approximate import ApproximateDistance, bounds, exact_distances, narrow
from likewise.metrics.intervals import share_of
from likewise.metrics.workers import in_order
from likewise.results import Retrieval
from likewise.shapes import Array, Float, Int, Shaped

_BLOCK_ELEMENTS = 2**24
# What is compared at once, since approximating takes a copy of all vectors that it is given.
_COLUMNS = 4096
RECALL_AT = (1, 5, 10)


def retrieval(
    vectors: Float[Any, "n dim"],
    codes: Int[Array, "n"],
    matrix: Callable[[Any, Any], Array],
    *,
    approximate: ApproximateDistance | None = None,
    alone: bool = False,
    recall_at: Sequence[int] = RECALL_AT,
    seed: int = 0,
) -> Retrieval | None:
    """P@1, R-precision, MAP@R and recall@k, every item asking for the others of its identity.

    Identities weigh equally. Ties are broken by lot, the same for every question, so that
    distances that say nothing are worth what chance is.

    Args:
        vectors: Embeddings.
        codes: The identity of each, 0 to identities - 1.
        matrix: The distances of some rows to others.
        approximate: The same distance, where it can be approximated: it finds the near ones faster.
        alone: Whether `matrix` may not be called by several threads at once.
        recall_at: Lengths of the lists that `recall` is of.
        seed: Of the lots.

    Returns:
        Each with an interval over identities; None if every identity has one item.

    References:
        Musgrave, Belongie, Lim, "A Metric Learning Reality Check", 2020, section 4.1, for
        R-precision and MAP@R; they let items, not identities, weigh equally.
    """
    sizes = np.bincount(codes)
    lots = np.random.default_rng(seed).permutation(len(codes))
    ranked = _Ranked(vectors[lots], codes[lots], sizes[codes[lots]] - 1, tuple(recall_at))
    asking = np.flatnonzero(ranked.others > 0)
    if not len(asking):
        return None
    step = max(1, _BLOCK_ELEMENTS // len(codes))
    blocks = [asking[start : start + step] for start in range(0, len(asking), step)]
    each = in_order(lambda rows: _asked(ranked, rows, matrix, approximate), blocks, alone=alone)
    found = np.concatenate([figures for _, figures in each], axis=1)
    of = ranked.codes[asking]
    first, precision, average, *recall = (share_of(values, of) for values in found)
    return Retrieval(
        queries=len(asking),
        items=len(codes),
        precision_at_1=first,
        r_precision=precision,
        map_at_r=average,
        recall=dict(zip(recall_at, recall, strict=True)),
    )


class _Ranked(NamedTuple):
    """Embeddings in the order of the lots, their identities, how many others each identity has."""

    vectors: Any
    codes: Array
    others: Array
    recall_at: tuple[int, ...]


def _asked(
    ranked: _Ranked,
    rows: Int[Array, "m"],
    matrix: Callable[[Any, Any], Array],
    approximate: ApproximateDistance | None,
) -> Float[Array, "figures m"]:
    """For each of these items its figures, in the order of `Retrieval`."""
    others = ranked.others[rows]
    depth = np.minimum(np.maximum(others, max(ranked.recall_at, default=1)), len(ranked.codes) - 1)
    found = (
        None
        if approximate is None
        else _nearest_approximately(ranked.vectors, rows, approximate, depth)
    )
    if found is None:
        distances = matrix(ranked.vectors[rows], ranked.vectors)
        distances[np.arange(len(rows)), rows] = np.inf
        found = _nearest(distances, depth)
    query, column, rank = found
    right = ranked.codes[column] == ranked.codes[rows[query]]

    def total(values: Shaped[Array, "k"]) -> Float[Array, "m"]:
        return np.bincount(query, values, minlength=len(rows))

    hit = right & (rank < others[query])
    so_far = np.cumsum(hit)
    before = np.concatenate([[0], so_far])[np.searchsorted(query, np.arange(len(rows)))]
    precision = (so_far - before[query]) / (rank + 1)
    return np.stack(
        [
            total(right & (rank == 0)),
            total(hit) / others,
            total(hit * precision) / others,
            *(total(right & (rank < k)) > 0 for k in ranked.recall_at),
        ]
    ).astype(np.float64)


def _nearest(
    distances: Float[Array, "m n"], depth: Int[Array, "m"]
) -> tuple[Int[Array, "k"], Int[Array, "k"], Int[Array, "k"]]:
    """The nearest items of every row, as many as its depth says: row, column and rank from 0."""
    limit = _limit(distances, depth)[:, None]
    within = distances <= limit
    if np.count_nonzero(within) > 8 * depth.sum():
        # Many ties: of those at the limit the first are enough.
        tied = distances == limit
        within = (distances < limit) | (tied & (np.cumsum(tied, axis=1) <= depth[:, None]))
    query, column = np.nonzero(within)
    return _ranks(query, column, distances[query, column], depth)


def _nearest_approximately(
    vectors: Float[Any, "n dim"],
    rows: Int[Array, "m"],
    approximate: ApproximateDistance,
    depth: Int[Array, "m"],
) -> tuple[Int[Array, "k"], Int[Array, "k"], Int[Array, "k"]] | None:
    """The same, exactly too; None where the approximation does not tell near from far."""
    levels, error = np.empty((len(rows), len(vectors)), dtype=np.float32), 0.0
    for start in range(0, len(vectors), _COLUMNS):
        part = slice(start, start + _COLUMNS)
        told = approximate.approximate(vectors[rows], vectors[part])
        if told is None:
            return None
        levels[:, part] = told[0]
        error = max(error, told[1])
    levels[np.arange(len(rows)), rows] = np.inf
    # The nearest are surely within what the limit may be, and may be told to be a little beyond.
    _, limit = bounds(_limit(levels, depth).astype(np.float64), 2 * error)
    hits = np.flatnonzero(levels <= narrow(limit)[:, None])
    if len(hits) > max(8 * depth.sum(), levels.size // 64):
        return None
    query = hits // len(vectors)
    column = hits - query * len(vectors)
    apart = exact_distances(approximate.rows, vectors, vectors, rows[query], column)
    return _ranks(query, column, apart, depth)


def _ranks(
    query: Int[Array, "k"],
    column: Int[Array, "k"],
    distances: Float[Array, "k"],
    depth: Int[Array, "m"],
) -> tuple[Int[Array, "j"], Int[Array, "j"], Int[Array, "j"]]:
    """Pairs in the order of their rows and distances, those within the depth of each row."""
    order = np.lexsort((distances, query))
    query, column = query[order], column[order]
    rank = np.arange(len(query)) - np.searchsorted(query, np.arange(len(depth)))[query]
    kept = rank < depth[query]
    return query[kept], column[kept], rank[kept]


def _limit(values: Float[Array, "m n"], depth: Int[Array, "m"]) -> Float[Array, "m"]:
    """Of every row a value that its depth says how many are within, and not many others."""
    count, columns = values.shape
    # The depth-th of the least values of disjoint sets of columns is no less than that of all.
    sets = min(columns, max(256, 4 * int(depth.max())))
    whole = columns // sets * sets
    least = np.sort(values[:, :whole].reshape(count, -1, sets).min(axis=1), axis=1)
    limit: Array = least[np.arange(count), depth - 1]
    return limit


def nearest_neighbour_error(
    distances: Float[Array, "n m"],
    truth: Shaped[Array, "n"],
    reference_truth: Shaped[Array, "m"],
) -> float:
    """The share of items whose nearest reference is of another class (1-NN error).

    Args:
        distances: From each item to each reference.
        truth: The class of each item.
        reference_truth: The class of each reference.
    """
    nearest = reference_truth[np.argmin(distances, axis=1)]
    return float(np.mean(nearest != truth))
