"""How good the nearest neighbours are, exactly, in blocks: no matrix of all pairs is held."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from likewise.metrics.intervals import share_of
from likewise.ranked import Retrieval
from likewise.shapes import Array, Bool, Float, Int, Shaped

_BLOCK_ELEMENTS = 4_000_000
RECALL_AT = (1, 5, 10)


def retrieval(
    vectors: Float[Array, "n dim"],
    codes: Int[Array, "n"],
    matrix: Callable[[Array, Array], Array],
    *,
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
    found = np.concatenate([_asked(ranked, rows, matrix) for rows in blocks], axis=1)
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

    vectors: Array
    codes: Array
    others: Array
    recall_at: tuple[int, ...]


def _asked(
    ranked: _Ranked, rows: Int[Array, "m"], matrix: Callable[[Array, Array], Array]
) -> Float[Array, "figures m"]:
    """For each of these items its figures, in the order of `Retrieval`."""
    distances = matrix(ranked.vectors[rows], ranked.vectors)
    distances[np.arange(len(rows)), rows] = np.inf
    others = ranked.others[rows]
    depth = np.minimum(np.maximum(others, max(ranked.recall_at, default=1)), len(ranked.codes) - 1)
    query, column, rank = _nearest(distances, depth)
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
    count = len(distances)
    within = _candidates(distances, depth)
    query, column = np.nonzero(within)
    order = np.lexsort((distances[query, column], query))
    query, column = query[order], column[order]
    rank = np.arange(len(query)) - np.searchsorted(query, np.arange(count))[query]
    kept = rank < depth[query]
    return query[kept], column[kept], rank[kept]


def _candidates(distances: Float[Array, "m n"], depth: Int[Array, "m"]) -> Bool[Array, "m n"]:
    """Where the nearest of every row surely are, with not many others."""
    count, columns = distances.shape
    # The depth-th of the least distances of disjoint sets of columns is no less than that of all.
    sets = min(columns, max(256, 4 * int(depth.max())))
    whole = columns // sets * sets
    least = np.sort(distances[:, :whole].reshape(count, -1, sets).min(axis=1), axis=1)
    limit = least[np.arange(count), depth - 1][:, None]
    within: Array = distances <= limit
    if within.sum() > 8 * depth.sum():
        # Many ties: of those at the limit the first are enough.
        tied = distances == limit
        within = (distances < limit) | (tied & (np.cumsum(tied, axis=1) <= depth[:, None]))
    return within


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
