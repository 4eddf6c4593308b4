"""The straight-line distance."""

from typing import Any, final

import numpy as np

from likewise.distances.base import Distance
from likewise.distances.blocks import approximate_squares, blocked_matrix
from likewise.distances.inputs import vectors
from likewise.shapes import Array, Float


@final
class Euclidean(Distance):
    """The length of the difference of two embeddings, from 0 up without an end.

    Float16 and bfloat16 are computed in float32. Where two rows are identical the gradient is
    zero, though the distance has a kink there.
    """

    def rows(self, first: Float[Any, "n dim"], second: Float[Any, "n dim"]) -> Float[Any, "n"]:
        """The distance of each row of `first` to the same row of `second`; numpy or torch.

        Raises:
            BadArgument: If they are not two sets of as many vectors of floats of one length.
        """
        xp, first, second = vectors("euclidean", first, second, paired=True)
        difference = first - second
        squared = xp.sum(difference * difference, axis=1)
        if xp is np:
            # There are no gradients, and the root of zero is zero.
            return np.sqrt(squared)
        zero = squared == 0
        # Masked before the root as well as after it: the gradient of a root at zero is infinite,
        # and infinity times the mask's zero is NaN.
        root = xp.sqrt(xp.where(zero, xp.ones_like(squared), squared))
        return xp.where(zero, xp.zeros_like(squared), root)

    def matrix(
        self, first: Float[Array, "n dim"], second: Float[Array, "m dim"]
    ) -> Float[Array, "n m"]:
        """The distance of every row of `first` to every row of `second`; numpy only.

        Returns:
            In float32; it agrees with `rows` to 1e-6 (relative), and is 0 for identical rows.

        Raises:
            BadArgument: If they are not two sets of vectors of floats of one length.
        """
        vectors("euclidean", first, second, paired=False)
        return blocked_matrix(first, second, _wide, _root, self.rows)

    def level(self, distances: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The squares; those of what is below zero, below zero."""
        wide = np.asarray(distances, dtype=np.float64)
        squares: Array = wide * np.abs(wide)
        return squares

    def approximate(
        self, first: Float[Array, "n dim"], second: Float[Array, "m dim"]
    ) -> tuple[Float[Array, "n m"], float] | None:
        """About the square of every distance, and how wrong it is at most; None if it cannot."""
        return approximate_squares(first, second, _wide)


def _wide(vectors: Float[Array, "n dim"]) -> Float[Array, "n dim"]:
    return vectors.astype(np.float64)


def _root(squared: Float[Array, "b c"]) -> None:
    np.sqrt(squared, out=squared)
