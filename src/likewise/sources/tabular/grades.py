"""Grades of pairs, read as yes or no where somebody said from which grade on two are the same."""

import math
from dataclasses import dataclass, replace

import numpy as np

from likewise.errors import BadArgument
from likewise.shapes import Array, Float, Int
from likewise.types import Pairs


@dataclass(frozen=True)
class Grading:
    """From which grade on two items are the same; a larger grade is more alike.

    Attributes:
        same_from: A pair of at least this grade is the same.
        different_to: A pair of at most this grade is different; one between the two is neither.
            None: every pair below `same_from` is different.

    Raises:
        BadArgument: If one is not finite, or the second not below the first.
    """

    same_from: float
    different_to: float | None = None

    def __post_init__(self) -> None:
        low = self.different_to
        if not math.isfinite(self.same_from) or (
            low is not None and not (math.isfinite(low) and low < self.same_from)
        ):
            raise BadArgument(
                f"pairs would be the same from the grade {self.same_from} on and different to "
                f"{low}, and finite numbers, the second below the first, are expected."
            )

    def read(self, grades: Float[Array, "m"]) -> Float[Array, "m"]:
        """1 where the two are the same, 0 where they are different, a share of the way between."""
        if self.different_to is None:
            return (grades >= self.same_from).astype(np.float64)
        way = (grades - self.different_to) / (self.same_from - self.different_to)
        # Rounding must not make a pair that is between one that is not.
        inside = way.clip(np.finfo(np.float64).tiny, np.nextafter(1, 0))
        ends = np.where(grades >= self.same_from, 1.0, inside)
        return np.where(grades <= self.different_to, 0.0, ends)


def graded(
    first: Int[Array, "m"],
    second: Int[Array, "m"],
    same: Float[Array, "m"],
    grades: Float[Array, "m"],
) -> Pairs:
    """Pairs with grades; those of which `same` is neither 1 nor 0 stand apart."""
    sure = (same == 0) | (same == 1)
    decided, others = (
        Pairs(first[at], second[at], same[at], grades=grades[at]) for at in (sure, ~sure)
    )
    return replace(decided, between=others)
