"""The abstract class of the samplers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from likewise.shapes import Array, Int, Shaped


class Sampler(ABC):
    """Which items come together in a batch."""

    @abstractmethod
    def batches(
        self, labels: Int[Array, "n"], groups: Shaped[Array, "n"], random: np.random.Generator
    ) -> Iterator[Int[Array, "_"]]:
        """One epoch of batches, each the indices of its items; about n items in all.

        Args:
            labels: The class of every training item.
            groups: The group of every training item; empty strings where there is none.
            random: Where all chance comes from.

        Raises:
            TrainingError: If the data cannot fill one batch, with what to set instead.
        """
