"""Who is near many queries, in arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise.shapes import Array, Float, Shaped


@dataclass(frozen=True)
class Neighbours:
    """The ids that were found for every query, nearest first.

    Attributes:
        ids: Strings; empty where there are fewer.
        distances: Of each; infinite where there are fewer.
    """

    ids: Shaped[Array, "n k"]
    distances: Float[Array, "n k"]

    @classmethod
    def of(cls, found: Sequence[tuple[Sequence[str], Sequence[float]]], k: int) -> "Neighbours":
        """What was found for every query, in arrays of so many columns at most."""
        k = min(k, max((len(names) for names, _ in found), default=0))
        ids = np.full((len(found), k), "", dtype=object)
        distances = np.full((len(found), k), np.inf, dtype=np.float32)
        for at, (names, far) in enumerate(found):
            ids[at, : len(names)] = names
            distances[at, : len(far)] = far
        return cls(ids, distances)
