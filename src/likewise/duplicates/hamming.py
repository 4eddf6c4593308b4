"""How many bits of two hashes differ."""

from typing import Any, final

import numpy as np

from likewise.shapes import Array, Float


@final
class Hamming:
    """The number of bits in which two hashes differ; a hash is a row of zeros and ones."""

    def rows(self, first: Float[Any, "n dim"], second: Float[Any, "n dim"]) -> Float[Any, "n"]:
        """How many bits of each row of `first` and the same row of `second` differ."""
        return np.abs(first - second).sum(axis=1, dtype=np.float32)

    def matrix(
        self, first: Float[Array, "n dim"], second: Float[Array, "m dim"]
    ) -> Float[Array, "n m"]:
        """How many bits of every row of `first` and every row of `second` differ."""
        # Whole numbers below 2^24 are exact in float32.
        ones = first.sum(axis=1)[:, None] + second.sum(axis=1)[None, :]
        differing: Array = ones - 2 * (first @ second.T)
        return differing
