"""The distances of graded pairs, beside their grades."""

from typing import Any

import numpy as np

from likewise.calibration.grades import GradedDistances
from likewise.distances.comparator import Comparator
from likewise.pairs import pair_distances
from likewise.shapes import Float
from likewise.types import Items


def graded_distances(
    vectors: Float[Any, "n dim"], items: Items, comparator: Comparator
) -> GradedDistances | None:
    """The distances of a table's graded pairs, those between too; None where none are graded.

    Raises:
        BadDistance: If a distance is not a number.
    """
    if items.pairs is None or items.pairs.grades is None:
        return None
    every = items.pairs.every
    distances = pair_distances(vectors, items, comparator, every)
    _, components = np.unique(items.identities, return_inverse=True)
    grades = np.asarray(every.grades, dtype=np.float64)
    between = len(every.first) - len(items.pairs.first)
    return GradedDistances(distances, grades, components[every.first], between)
