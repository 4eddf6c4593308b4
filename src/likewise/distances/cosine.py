"""The distance of directions."""

from typing import Any, final

import numpy as np

from likewise.distances.base import Distance
from likewise.distances.blocks import approximate_squares, blocked_matrix
from likewise.distances.inputs import vectors
from likewise.shapes import Array, Float, namespace_of


@final
class Cosine(Distance):
    """One minus the cosine of the angle between two embeddings, from 0 to 2.

    It is computed as half the squared euclidean distance of the unit vectors, which is the same
    and exactly 0 for an item and itself. Float16 and bfloat16 are computed in float32.

    A vector whose entries are all below 1e-12 has no direction. It is at distance 0 to another
    such vector, at distance 1 to every other (as if at a right angle), and gets no gradient.
    """

    def rows(self, first: Float[Any, "n dim"], second: Float[Any, "n dim"]) -> Float[Any, "n"]:
        """The distance of each row of `first` to the same row of `second`; numpy or torch.

        Raises:
            BadArgument: If they are not two sets of as many vectors of floats of one length.
        """
        xp, first, second = vectors("cosine", first, second, paired=True)
        difference = unit(first) - unit(second)
        half = xp.sum(difference * difference, axis=1) / 2
        # Rounding can lead just beyond the range.
        return xp.where(half > 2, xp.full_like(half, 2), half)

    def matrix(
        self, first: Float[Array, "n dim"], second: Float[Array, "m dim"]
    ) -> Float[Array, "n m"]:
        """The distance of every row of `first` to every row of `second`; numpy only.

        Returns:
            In float32; it agrees with `rows` to 1e-6 (relative) or 1e-7 (absolute), and is 0 for
            identical rows.

        Raises:
            BadArgument: If they are not two sets of vectors of floats of one length.
        """
        vectors("cosine", first, second, paired=False)
        return blocked_matrix(first, second, _directions, _halve, self.rows)

    def level(self, distances: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Twice the distances: the squared euclidean distances of the unit vectors."""
        levels: Array = 2 * np.asarray(distances, dtype=np.float64)
        return levels

    def approximate(
        self, first: Float[Array, "n dim"], second: Float[Array, "m dim"]
    ) -> tuple[Float[Array, "n m"], float] | None:
        """About twice every distance, and how wrong it is at most; None if it cannot."""
        return approximate_squares(first, second, _directions)


def _directions(vectors: Float[Array, "n dim"]) -> Float[Array, "n dim+1"]:
    directions: Array = unit(vectors.astype(np.float64))
    return directions


def _halve(squared: Float[Array, "b c"]) -> None:
    squared /= 2


def unit(vectors: Float[Any, "n dim"]) -> Float[Any, "n dim+1"]:
    """The vectors at length one; the last entry is 0, or 1 for a vector without direction.

    So a vector without direction is at a right angle to all that have one.
    """
    xp = namespace_of(vectors)
    # Scaled by the largest entry first, since the squares of very large or small ones are lost.
    largest = xp.max(xp.abs(vectors), axis=1, keepdims=True)
    blank = largest < 1e-12
    scaled = vectors / xp.where(blank, xp.ones_like(largest), largest)
    scaled = xp.where(blank, xp.zeros_like(scaled), scaled)
    squares = xp.sum(scaled * scaled, axis=1, keepdims=True)
    length = xp.sqrt(xp.where(blank, xp.ones_like(squares), squares))
    return xp.concat([scaled / length, xp.astype(blank, vectors.dtype)], axis=1)
