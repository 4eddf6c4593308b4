"""How distances are spread: their histogram, and both error rates at every threshold."""

from dataclasses import dataclass

from likewise.shapes import Array, Float


@dataclass(frozen=True)
class Histogram:
    """How the distances of same and of different pairs are spread.

    Attributes:
        edges: Ascending edges of the bins.
        same: Share of the same pairs in each bin; sums to 1.
        different: Share of the different pairs in each bin; sums to 1.
    """

    edges: Float[Array, "edges"]
    same: Float[Array, "bins"]
    different: Float[Array, "bins"]


@dataclass(frozen=True)
class Curve:
    """Both error rates at every threshold that decides something otherwise (ROC, DET).

    Attributes:
        thresholds: Ascending; the first accepts nothing.
        far: The share of different pairs accepted at each.
        frr: The share of same pairs rejected at each.
    """

    thresholds: Float[Array, "points"]
    far: Float[Array, "points"]
    frr: Float[Array, "points"]
