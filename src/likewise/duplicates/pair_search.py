"""All pairs that are nearer than a threshold, found exactly and in blocks.

No matrix of all pairs is ever held. Where a distance grows with the squared euclidean distance of
some vectors, a product in float32 rejects nearly all pairs by a bound that its rounding cannot
pass; what is left is computed by rows, which are the definition of a distance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from likewise.distances.comparator import Comparator
from likewise.distances.cosine import Cosine, unit
from likewise.distances.euclidean import Euclidean
from likewise.duplicates.hamming import Hamming
from likewise.errors import BadArgument, BadDistance
from likewise.shapes import Array, Float, Int

MOST_PAIRS = 5_000_000
"""How many pairs a search finds at most."""
# A block of the product is 32 MB. In processor seconds, 30,000 x 128 took 2.7 by such blocks, 4.7
# by 8 MB and 13 by 2 MB; looking through a block takes a twentieth of making it.
ROWS, COLUMNS = 2048, 4096
_NUMBERS = 2**20
# The rounding of one operation in float32.
_UNIT = 2.0**-24
_SMALLEST, _LARGEST = 1e-12, 1e12
_CENTRE_OF = 4096

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class NearPairs:
    """Pairs of rows, each once, the nearest first.

    Attributes:
        first: The smaller row of each pair.
        second: The larger.
        distances: How far apart they are.
    """

    first: Int[Array, "m"]
    second: Int[Array, "m"]
    distances: Float[Array, "m"]


def pairs_within(
    vectors: Float[Array, "n dim"],
    comparator: Comparator,
    threshold: float,
    *,
    most: int = MOST_PAIRS,
    progress: Progress | None = None,
) -> NearPairs:
    """Every pair of rows whose distance is at most the threshold.

    Args:
        vectors: One an item.
        comparator: What compares them; its `rows` decide.
        threshold: A pair is found when its distance is at most this.
        most: How many pairs may be found.
        progress: Called with how many rows are compared with all after them, of how many.

    Raises:
        BadArgument: If the threshold is no number of at least 0, or more than `most` pairs are
            found.
        BadDistance: If a distance is not a number.
    """
    if not 0 <= threshold < np.inf:
        raise BadArgument(f"The threshold is {threshold}, and a number of at least 0 is expected.")
    rejecting = _rejection(vectors, comparator, threshold)
    kept: list[tuple[Array, Array, Array]] = []
    count = 0
    for start in range(0, len(vectors), ROWS):
        top = slice(start, min(start + ROWS, len(vectors)))
        for left in range(start, len(vectors), COLUMNS):
            across = slice(left, min(left + COLUMNS, len(vectors)))
            first, second = rejecting(top, across)
            once = second > first
            first, second = first[once], second[once]
            far = _by_rows(vectors, comparator, first, second)
            near = far.astype(np.float64) <= threshold  # as verify holds them against each other
            kept.append((first[near], second[near], far[near]))
            count += int(near.sum())
            if count > most:
                raise _too_many(len(vectors), threshold, most)
        if progress is not None:
            progress(top.stop, len(vectors))
    first, second, far = (
        np.concatenate([part[at] for part in kept] or [np.zeros(0, dtype)])
        for at, dtype in enumerate((np.int64, np.int64, np.float32))
    )
    order = np.lexsort((second, first, far))
    return NearPairs(first[order], second[order], far[order])


Rejection: TypeAlias = Callable[[slice, slice], tuple[Array, Array]]


def _rejection(
    vectors: Float[Array, "n dim"], comparator: Comparator, threshold: float
) -> Rejection:
    """What gives the rows and columns of the pairs of a block that may be near enough."""
    squared = _as_squares(comparator, threshold, vectors.shape[1])
    if squared is not None and len(vectors):
        prepared, limit = squared
        centred = _centred(vectors, prepared)
        largest = float(np.abs(centred).max(initial=0.0))
        if largest == 0 or _SMALLEST < largest < _LARGEST:
            return _by_product(centred, limit)
    return _by_matrix(vectors, comparator, threshold)


def _as_squares(
    comparator: Comparator, threshold: float, width: int
) -> tuple[Callable[[Array], Array], float] | None:
    """What makes vectors whose squared euclidean distance counts, and the most it may be."""
    if isinstance(comparator, Euclidean):
        return (lambda block: block.astype(np.float64)), threshold**2
    if isinstance(comparator, Cosine):
        # Rows are made of unit vectors that were rounded to float32.
        slack = _UNIT * (width + 6)
        return (lambda block: unit(block.astype(np.float64))), ((2 * threshold) ** 0.5 + slack) ** 2
    if isinstance(comparator, Hamming):
        return (lambda block: block.astype(np.float64)), threshold
    return None


def _centred(
    vectors: Float[Array, "n dim"], prepared: Callable[[Array], Array]
) -> Float[Array, "n other"]:
    """Prepared vectors in float32, the origin moved among them, which makes rounding small."""
    some = prepared(vectors[:: max(1, len(vectors) // _CENTRE_OF)])
    centre = np.median(some, axis=0)
    result = np.empty((len(vectors), some.shape[1]), dtype=np.float32)
    for start in range(0, len(vectors), COLUMNS):
        part = slice(start, start + COLUMNS)
        result[part] = prepared(vectors[part]) - centre
    return result


def _by_product(centred: Float[Array, "n dim"], limit: float) -> Rejection:
    """The pairs that a product in float32 cannot reject.

    The product of [x, -|x|^2 / 2, 1] and [y, 1, -|y|^2 / 2] is minus half the squared distance.
    Each of its dim + 2 terms is rounded when it is made and when it is summed, so that its error
    is at most (dim + 6) u (|x|^2 + |y|^2), u being 2^-24: Higham, "Accuracy and Stability of
    Numerical Algorithms", 2002, eq. 3.5.
    """
    count, dim = centred.shape
    halves = np.einsum("ij,ij->i", centred, centred, dtype=np.float64) / 2
    above = np.empty((count, dim + 2), dtype=np.float32)
    above[:, :dim] = centred
    above[:, dim] = -halves
    above[:, dim + 1] = 1
    rounding = 2.2 * (dim + 6) * _UNIT
    # The definition by rows is rounded too.
    least = -limit * (1 + 4 * (dim + 6) * _UNIT) / 2

    def rejecting(top: slice, across: slice) -> tuple[Array, Array]:
        beside = above[across].copy()
        beside[:, [dim, dim + 1]] = beside[:, [dim + 1, dim]]
        block = above[top] @ beside.T
        widest = float(halves[across].max())
        bounds = (least - rounding * (halves[top] + widest)).astype(np.float32)
        bounds = np.nextafter(bounds, np.float32(-np.inf))
        overlap = top.stop - across.start
        if overlap > 0:  # the pairs of a row with itself and with those before it
            rows = np.arange(top.start, top.stop)[:, None]
            square = block[:, : min(overlap, block.shape[1])]
            square[rows >= np.arange(across.start, across.start + square.shape[1])] = -np.inf
        hit = np.flatnonzero(block.max(axis=1) >= bounds)
        row, column = np.nonzero(block[hit] >= bounds[hit, None])
        return hit[row] + top.start, column + across.start

    return rejecting


def _by_matrix(
    vectors: Float[Array, "n dim"], comparator: Comparator, threshold: float
) -> Rejection:
    """The pairs whose entry in a block of the matrix is near the threshold or below it."""
    # A matrix agrees with rows to 1e-6 (relative), or for the cosine to 1e-7.
    most = threshold * (1 + 1e-5) + 1e-6

    def rejecting(top: slice, across: slice) -> tuple[Array, Array]:
        block = comparator.matrix(vectors[top], vectors[across])
        if np.isnan(block.max()):
            row, column = np.argwhere(np.isnan(block))[0]
            raise BadDistance(
                f"The distance between items {row + top.start + 1} and {column + across.start + 1} "
                "is not a number, and every pair needs one. Look for values that are not finite "
                "in these items or their embeddings."
            )
        row, column = np.nonzero(block <= most)
        return row + top.start, column + across.start

    return rejecting


def _by_rows(
    vectors: Float[Array, "n dim"],
    comparator: Comparator,
    first: Int[Array, "m"],
    second: Int[Array, "m"],
) -> Float[Array, "m"]:
    """The distances of pairs, as they are defined."""
    found = np.empty(len(first), dtype=np.float32)
    step = max(1, _NUMBERS // vectors.shape[1])
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        found[part] = comparator.rows(vectors[first[part]], vectors[second[part]])
    return found


def _too_many(count: int, threshold: float, most: int) -> BadArgument:
    return BadArgument(
        f"More than {most:,} of the {count * (count - 1) // 2:,} pairs are at most {threshold:g} "
        "apart, which is no list of duplicates. Take a smaller threshold, or the one of fewer "
        "false pairs (--expect-false)."
    )
