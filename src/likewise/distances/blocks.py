"""The fast matrix of a distance that grows with the squared euclidean distance of some vectors."""

from collections.abc import Callable

import numpy as np

from likewise.shapes import Array, Float, Shaped

# Vectors of a block, pairs of a block, and numbers gathered at once for recomputing: all the
# temporary memory follows from these, about 25 MB.
SIDE = 512
NUMBERS = 2**19


def matrix(
    first: Shaped[Array, "n dim"],
    second: Shaped[Array, "m dim"],
    prepared: Callable[[Shaped[Array, "b dim"]], Float[Array, "b other"]],
    finished: Callable[[Float[Array, "b c"]], Float[Array, "b c"]],
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
        finished: Turns squared distances, never negative, into the distance.
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
    for top in range(0, count, side):
        above = first[top : top + side]
        left = prepared(above) - centre
        left_squares = np.einsum("ij,ij->i", left, left)
        for start in range(0, other, side):
            beside = second[start : start + side]
            right = prepared(beside) - centre
            sums = left_squares[:, None] + np.einsum("ij,ij->i", right, right)
            squared = left @ right.T
            squared *= -2
            squared += sums
            # Strictly less: two vectors that both lie at the centre are surely identical, and a
            # collapsed network gives nothing else.
            sums *= unsure
            near = squared < sums
            block = result[top : top + side, start : start + side]
            block[...] = finished(np.maximum(squared, 0, out=squared))
            _recompute(block, near, above, beside, rows)
    return result


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
    step = max(1, NUMBERS // above.shape[1])
    for start in range(0, len(upper), step):
        i, j = upper[start : start + step], lower[start : start + step]
        block[i, j] = rows(above[i], beside[j])
