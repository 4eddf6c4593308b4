"""The fast matrix of a distance that grows with the squared euclidean distance of some vectors."""

from collections.abc import Callable

import numpy as np

from likewise.distances.approximate import exact_distances
from likewise.shapes import Array, Float, Shaped

# Vectors of a block, pairs of a block, and numbers gathered at once for recomputing: all the
# temporary memory follows from these, about 25 MB.
SIDE = 512
NUMBERS = 2**19
# Beyond these, squares of float32 are lost.
_LARGEST, _SMALLEST = 1e37, 1e-36


def blocked_matrix(
    first: Shaped[Array, "n dim"],
    second: Shaped[Array, "m dim"],
    prepared: Callable[[Shaped[Array, "b dim"]], Float[Array, "b other"]],
    finish: Callable[[Float[Array, "b c"]], object],
    rows: Callable[[Shaped[Array, "b dim"], Shaped[Array, "b dim"]], Float[Array, "b"]],
) -> Float[Array, "n m"]:
    """The distance of every row to every other, block by block through BLAS.

    The squared distance is taken as |a|^2 + |b|^2 - 2ab in float64. Its rounding error is at most
    about dim * eps * (|a|^2 + |b|^2), so that the pairs that are nearer than that allows are
    recomputed by `rows`. (In float32 that would be nearly all pairs.) The origin is moved among
    the vectors first, which makes the norms small, and the error with them.

    Args:
        first: Vectors.
        second: Vectors to compare them with.
        prepared: Turns a block of vectors into the float64 vectors whose squared euclidean
            distance counts.
        finish: Turns squared distances, never negative, into the distance, in their place.
        rows: The definition of the distance.

    Returns:
        In float32, within 1e-6 of `rows` (relative).
    """
    count, other, dim = len(first), len(second), first.shape[1]
    result = np.empty((count, other), dtype=np.float32)
    if not count or not other:
        return result
    centre = _centre(prepared(_some(first)), prepared(_some(second)))
    side = max(1, min(SIDE, NUMBERS // dim))
    # A squared distance of this share of |a|^2 + |b|^2 has a relative error of 5e-7.
    unsure = (dim + 8) * np.finfo(np.float64).eps / 5e-7
    # Asking the system for so much memory for each block takes longer than BLAS does.
    held = np.empty(min(side, count) * min(side, other))
    # The longer side is gone through once, block by block, and the shorter one for each block.
    for start in range(0, other, side):
        beside = second[start : start + side]
        right = prepared(beside) - centre
        right_squares = np.einsum("ij,ij->i", right, right)
        right *= -2
        for top in range(0, count, side):
            above = first[top : top + side]
            left = prepared(above) - centre
            left_squares = np.einsum("ij,ij->i", left, left)
            squared = held[: len(left) * len(right)].reshape(len(left), len(right))
            np.matmul(left, right.T, out=squared)
            squared += left_squares[:, None]
            squared += right_squares
            block = result[top : top + side, start : start + side]
            # Only where one pair may be too near are all looked at. (NaN is no number either.)
            most = float(left_squares.max()) + float(right_squares.max())
            if not squared.min() >= unsure * most:
                # Strictly less: two vectors that both lie at the centre are surely identical, and
                # a collapsed network gives nothing else.
                near = squared < unsure * np.add.outer(left_squares, right_squares)
                finish(np.maximum(squared, 0, out=squared))
                block[...] = squared
                _recompute(block, near, above, beside, rows)
            else:
                finish(squared)
                block[...] = squared
    return result


def approximate_squares(
    first: Shaped[Array, "n dim"],
    second: Shaped[Array, "m dim"],
    prepared: Callable[[Shaped[Array, "b dim"]], Float[Array, "b other"]],
) -> tuple[Float[Array, "n m"], float] | None:
    """The squared distance of every row to every other in float32, and how wrong it may be.

    It takes half the time of `blocked_matrix`, and finds the few pairs of which the exact distance
    matters. The sum of k products is wrong by at most k * u times the sum of their sizes, which
    here is |a|^2 + |b|^2 + 2|ab|; u = 2^-24.

    Args:
        first: Vectors, not very many: the result and a copy of them are held.
        second: Vectors to compare them with.
        prepared: As for `blocked_matrix`.

    Returns:
        Squared distances, perhaps a little negative, and the largest possible error; None where
        float32 does not reach or a number is not finite.

    References:
        Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, 2002, eq. 3.5.
    """
    if not len(first) or not len(second):
        return None
    left, right = prepared(first), prepared(second)
    centre = _centre(prepared(_some(first)), prepared(_some(second)))
    left -= centre
    right -= centre
    left_squares = np.einsum("ij,ij->i", left, left)
    right_squares = np.einsum("ij,ij->i", right, right)
    most = float(left_squares.max() + right_squares.max())
    if not _SMALLEST < most < _LARGEST:
        return None
    dim = left.shape[1]
    above = np.empty((len(left), dim + 2), dtype=np.float32)
    beside = np.empty((len(right), dim + 2), dtype=np.float32)
    above[:, :dim], above[:, dim], above[:, dim + 1] = left, left_squares, 1
    beside[:, :dim], beside[:, dim], beside[:, dim + 1] = -2 * right, 1, right_squares
    return above @ beside.T, (2 * dim + 16) * 2.0**-24 * most + 1e-37


def _some(vectors: Shaped[Array, "n dim"]) -> Shaped[Array, "some dim"]:
    """At most 64 of the vectors, from all over; fewer if they are very long."""
    most = max(1, min(64, NUMBERS // vectors.shape[1]))
    return vectors[:: max(1, len(vectors) // most)][:most]


def _centre(first: Float[Array, "n dim"], second: Float[Array, "m dim"]) -> Float[Array, "dim"]:
    """The median: one vector far out does not move it, and it is exact if all are identical."""
    centre = np.median(np.concatenate([first, second]), axis=0)
    # Nor may one vector that is not finite spoil the distances of the others.
    return np.where(np.isfinite(centre), centre, 0.0)


def _recompute(
    block: Float[Array, "b c"],
    near: Shaped[Array, "b c"],
    above: Shaped[Array, "b dim"],
    beside: Shaped[Array, "c dim"],
    rows: Callable[[Shaped[Array, "k dim"], Shaped[Array, "k dim"]], Float[Array, "k"]],
) -> None:
    """Write the distances of the pairs that are `near` into the block, by rows."""
    upper, lower = np.nonzero(near)
    if len(upper):
        block[upper, lower] = exact_distances(rows, above, beside, upper, lower)
