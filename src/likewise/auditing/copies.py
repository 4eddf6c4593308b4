"""Items that are nearly the same: recompressed, resized, or a little brighter.

A coarse look finds candidates among all pairs, block by block; a fine look at what is left when
everything smooth is taken away decides, since two photographs of two people may agree in all that
is coarse.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from likewise.shapes import Array, Float, Int, Shaped, UInt8

# Faces that were recompressed (JPEG quality 50), resized or made brighter have .989 or more; the
# likest drawings of two characters of Omniglot, single strokes, .964.
COARSE, FINE = 0.9, 0.98
SIDE, REACH = 64, 4
MOST_CANDIDATES = 2_000
MOST_ITEMS = 50_000
_BLOCK = 1024
_FLAT = 2.0


@dataclass(frozen=True)
class Copy:
    """Two rows that are nearly the same, and how much (the correlation of their details)."""

    first: int
    second: int
    likeness: float


def near_copies(
    thumbnails: UInt8[Array, "n 256"],
    digests: Int[Array, "n"],
    apart: tuple[Shaped[Array, "n"], ...],
    fetch: Callable[[int], Array | None],
) -> list[Copy]:
    """The pairs of nearly the same items that differ in a column, and are not wholly the same.

    At most 2,000 candidates are looked at finely, the likest first.

    Args:
        thumbnails: The coarse look of each item.
        digests: Items of equal content have equal ones, and are passed over.
        apart: Columns; a pair counts if it differs in one of them (labels, parts).
        fetch: Gives a decoded item by its row: an image [h w] or [h w 3], or a series [t d].
    """
    found: list[Copy] = []
    seen: dict[int, Array | None] = {}

    def details_of(row: int) -> Array | None:
        if row not in seen:
            item = fetch(row)
            seen[row] = None if item is None else details(item)
        return seen[row]

    for first, second in copy_candidates(thumbnails, digests, apart):
        one, other = details_of(first), details_of(second)
        if one is None or other is None or one.shape != other.shape:
            continue
        likeness = float(one @ other)
        if likeness >= FINE:
            found.append(Copy(first, second, likeness))
    return sorted(found, key=lambda copy: -copy.likeness)


def copy_candidates(
    thumbnails: UInt8[Array, "n 256"],
    digests: Int[Array, "n"],
    apart: tuple[Shaped[Array, "n"], ...],
) -> list[tuple[int, int]]:
    """Pairs whose coarse looks correlate by .9 or more, the likest first."""
    looks = thumbnails.astype(np.float32)
    looks -= looks.mean(1, keepdims=True)
    rows = np.flatnonzero(looks.std(1) >= _FLAT)
    looks = looks[rows] / np.linalg.norm(looks[rows], axis=1, keepdims=True)
    codes = [np.unique(column[rows], return_inverse=True)[1] for column in apart]
    same = np.unique(digests[rows], return_inverse=True)[1]
    best: list[tuple[float, int, int]] = []
    for start in range(0, len(rows), _BLOCK):
        likeness = looks[start : start + _BLOCK] @ looks[start:].T
        one, other = np.nonzero(likeness >= COARSE)
        kept = one < other
        one, other = one[kept] + start, other[kept] + start
        differs = np.zeros(len(one), dtype=np.bool_)
        for code in codes:
            differs |= code[one] != code[other]
        differs &= same[one] != same[other]
        one, other = one[differs], other[differs]
        values = likeness[one - start, other - start]
        if len(values) > MOST_CANDIDATES:
            top = np.argpartition(-values, MOST_CANDIDATES)[:MOST_CANDIDATES]
            one, other, values = one[top], other[top], values[top]
        best += zip(values.tolist(), rows[one].tolist(), rows[other].tolist(), strict=True)
        best = sorted(best, key=lambda pair: (-pair[0], pair[1:]))[:MOST_CANDIDATES]
    return [(first, second) for _, first, second in best]


def details(item: Array) -> Float[Array, "k"]:
    """What is left of an item when all that is smooth is taken away, of length one.

    Of an image, at 64x64, its departure from the mean of 9x9 pixels; of a series, its steps.
    """
    if item.dtype == np.uint8:
        image = Image.fromarray(item).convert("L")
        grey = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float64)
        rest = (grey - _smooth(grey)).reshape(-1)
    else:
        steps = np.diff(item.astype(np.float64), axis=0)
        rest = steps.reshape(-1)
    norm = float(np.linalg.norm(rest))
    unit: Array = rest / norm if norm > 0 else rest
    return unit


def _smooth(grey: Float[Array, "h w"]) -> Float[Array, "h w"]:
    """The mean of the square around each pixel."""
    wide = np.pad(grey, ((REACH + 1, REACH), (REACH + 1, REACH)), mode="edge")
    sums = wide.cumsum(0).cumsum(1)
    side = 2 * REACH + 1
    squares = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    means: Array = squares / side**2
    return means
