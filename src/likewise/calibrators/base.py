"""The abstract class of the calibrators."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from likewise.shapes import Array, Bool, Float


class Calibrator(ABC):
    """From a distance to a log-likelihood ratio; fitted once, then plain numbers in a file."""

    @abstractmethod
    def fit(
        self,
        distances: Float[Array, "n"],
        same: Bool[Array, "n"],
        weights: Float[Array, "n"],
        units: tuple[float, float],
    ) -> Mapping[str, Any]:
        """The parameters that make `apply` work.

        Args:
            distances: Of the pairs to learn from.
            same: Whether each pair is the same.
            weights: How much each pair counts; those of same pairs sum to 1, of different too.
            units: How many independent trials stand behind the same and the different pairs.
        """

    @abstractmethod
    def apply(self, distances: Float[Array, "n"]) -> Float[Array, "n"]:
        """The natural log-likelihood ratio of each distance; numpy only."""
