"""The abstract class of the calibrators."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from likewise.shapes import Array, Bool, Float


class Calibrator(ABC):
    """From a distance to a log-likelihood ratio; fitted once, then plain numbers in a file.

    Example:
        >>> import numpy as np
        >>> from likewise.calibrators import FAMILY
        >>> near, far = np.array([0.1, 0.2, 0.6]), np.array([0.5, 0.8, 0.9])
        >>> same, weights = np.arange(6) < 3, np.full(6, 1 / 3)
        >>> fitting = FAMILY.build("logistic", parameters=None)
        >>> told = fitting.fit(np.concatenate([near, far]), same, weights, (3.0, 3.0))
        >>> ratios = FAMILY.build("logistic", parameters=told).apply(np.array([0.1, 0.9]))
        >>> bool(ratios[0] > ratios[1])
        True
    """

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
