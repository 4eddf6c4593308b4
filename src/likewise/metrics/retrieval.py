"""How good the nearest neighbours are."""

import numpy as np

from likewise.shapes import Array, Float, Shaped


def nearest_neighbour_error(
    distances: Float[Array, "n m"],
    truth: Shaped[Array, "n"],
    reference_truth: Shaped[Array, "m"],
) -> float:
    """The share of items whose nearest reference is of another class (1-NN error).

    Args:
        distances: From each item to each reference.
        truth: The class of each item.
        reference_truth: The class of each reference.
    """
    nearest = reference_truth[np.argmin(distances, axis=1)]
    return float(np.mean(nearest != truth))
