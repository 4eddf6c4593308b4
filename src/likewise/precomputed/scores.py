"""From what somebody measured of pairs, distances or similarities of any range, to distances."""

import re

import numpy as np

from likewise.shapes import Array, Float

ROUNDING = 1e-6
"""How far float32 leads beyond 1, or below 0, and how far apart the same number twice may be."""
_SCALED = re.compile(r"similarity\(top=([0-9.e+]+)\)")


def measure_of(numbers: Float[Array, "m"], *, similarity: bool) -> str:
    """What the numbers are: `distance`, `similarity` (at most 1) or `similarity(top=100)`.

    The top of similarities that exceed 1 is the least power of ten that none exceeds.
    """
    if not similarity:
        return "distance"
    largest = float(numbers.max(initial=0.0))
    if largest <= 1 + ROUNDING:
        return "similarity"
    top = 10.0
    while largest > top * (1 + ROUNDING):
        top *= 10
    return f"similarity(top={top:g})"


def distances_by(measure: str, numbers: Float[Array, "m"]) -> Float[Array, "m"]:
    """The distances of numbers of that measure: 1 - similarity / top; a distance stays one."""
    if measure == "similarity":
        return 1 - numbers
    found = _SCALED.fullmatch(measure)
    distances: Array = 1 - numbers / float(found[1]) if found else numbers
    return distances


def rounded(distances: Float[Array, "m"]) -> tuple[Float[Array, "m"], int]:
    """Distances of which those that are a rounding below 0 are 0, and how many these are."""
    below = (distances < 0) & (distances >= -ROUNDING)
    return np.where(below, 0.0, distances), int(below.sum())


def top_of(measure: str) -> float | None:
    """The largest number of that measure; None for distances, which have none."""
    if measure == "similarity":
        return 1.0
    found = _SCALED.fullmatch(measure)
    return float(found[1]) if found else None
