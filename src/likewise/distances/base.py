"""The abstract class of the distances."""

from abc import ABC, abstractmethod
from typing import Any

from likewise.shapes import Array, Float


class Distance(ABC):
    """How far apart two embeddings are: never negative, zero to itself.

    `rows` is the definition. `matrix` may take a faster way, and then recomputes by rows where
    that way loses precision.

    Example:
        >>> import numpy as np
        >>> from likewise.distances import FAMILY
        >>> FAMILY.build("euclidean").rows(np.zeros((1, 2)), np.array([[3.0, 4.0]]))
        array([5.])
    """

    @abstractmethod
    def rows(self, first: Float[Any, "n dim"], second: Float[Any, "n dim"]) -> Float[Any, "n"]:
        """The distance of each row of `first` to the same row of `second`; numpy or torch."""

    @abstractmethod
    def matrix(
        self, first: Float[Array, "n dim"], second: Float[Array, "m dim"]
    ) -> Float[Array, "n m"]:
        """The distance of every row of `first` to every row of `second`; numpy only."""
