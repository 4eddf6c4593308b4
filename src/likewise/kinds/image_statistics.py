"""What is seen of an image at a glance: the trivial things that should not tell an answer.

Every number here is cheap, and none looks at what an image shows: size, greys, paper, ink.
"""

import io
import math

import numpy as np
from PIL import Image

from likewise.kinds.look import SIDE, Look
from likewise.shapes import Array, Bool, Float, Int, Shaped, UInt8

MOST_PIXELS = 2**18
_QUALITY = 75


def histogram_threshold(histogram: Int[Array, "256"]) -> int:
    """The last grey of the darker of two classes, between which the variance is greatest.

    Args:
        histogram: How many pixels there are of each grey.

    References:
        Otsu, "A threshold selection method from gray-level histograms", 1979, eq. 14. Of equal
        thresholds the middle one is taken.
    """
    counts = histogram.astype(np.float64)
    below = np.cumsum(counts)
    sums = np.cumsum(counts * np.arange(256))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / below - (sums[-1] - sums) / above
        between = np.where((below > 0) & (above > 0), below * above * gap**2, -1.0)
    top = between.max()
    best = np.flatnonzero(between >= top - 1e-12 * abs(top))
    return int(best[len(best) // 2])


def bounded(pixels: UInt8[Array, "h w ..."]) -> UInt8[Array, "g v ..."]:
    """The image itself, or where it is large its means over squares of a whole number of pixels."""
    height, width = pixels.shape[:2]
    factor = math.ceil(math.sqrt(height * width / MOST_PIXELS))
    if factor <= 1:
        return pixels
    return np.asarray(Image.fromarray(pixels).reduce(factor))


def grey_of(pixels: UInt8[Array, "h w ..."]) -> UInt8[Array, "h w"]:
    """The greys of an image of one channel [h w] or three [h w 3], by ITU-R 601-2."""
    if pixels.ndim == 2:
        return pixels
    return np.asarray(Image.fromarray(pixels).convert("L"))


def binarised(grey: UInt8[Array, "h w"]) -> UInt8[Array, "h w"]:
    """Black where Otsu's threshold finds the darker class, white elsewhere."""
    histogram = np.bincount(grey.reshape(-1), minlength=256)
    return np.where(grey <= histogram_threshold(histogram), 0, 255).astype(np.uint8)


def of_image(pixels: UInt8[Array, "h w ..."]) -> Look:
    """The look of an image of one channel [h w] or three [h w 3].

    The ink is what Otsu's threshold parts from what most of the border is made of.
    """
    grey = grey_of(pixels)
    height, width = grey.shape
    histogram = np.bincount(grey.reshape(-1), minlength=256)
    shares = histogram / grey.size
    levels = np.arange(256)
    mean = float(shares @ levels)
    edge = max(1, min(height, width) // 20)
    inner = np.ones((height, width), dtype=np.bool_)
    inner[edge : height - edge, edge : width - edge] = False
    background = float(np.median(grey[inner]))
    threshold = histogram_threshold(histogram)
    dark = levels <= threshold
    ink = ~dark if background <= threshold else dark
    ink_share = float(shares[ink].sum())
    ink_grey = _mean(levels, shares, ink, mean)
    wide = grey.astype(np.int16)
    steps = [np.abs(np.diff(wide, axis=axis)).mean() for axis in (0, 1) if grey.shape[axis] > 1]
    seen = shares[shares > 0]
    colour = 0.0
    if pixels.ndim == 3:
        colour = float((pixels.max(2).astype(np.int16) - pixels.min(2)).mean())
    numbers = {
        "median": float(np.median(grey)),
        "mean": mean,
        "spread": math.sqrt(max(0.0, float(shares @ (levels - mean) ** 2))),
        "background": background,
        "paper": _mean(levels, shares, ~ink, mean),
        "ink_grey": ink_grey,
        "ink_spread": math.sqrt(_mean((levels - ink_grey) ** 2, shares, ink, 0.0)),
        "ink_share": ink_share,
        "edges": float(np.mean(steps)) if steps else 0.0,
        "levels": float(len(seen)),
        "entropy": float(-(seen * np.log2(seen)).sum()),
        "colour": colour,
    }
    small = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BOX)
    return Look(numbers, np.asarray(small, dtype=np.uint8).reshape(-1))


def _mean(
    values: Shaped[Array, "256"],
    shares: Float[Array, "256"],
    part: Bool[Array, "256"],
    otherwise: float,
) -> float:
    """The mean of a value of the greys over some of them; another where no pixel has one."""
    total = float(shares[part].sum())
    return float(shares[part] @ values[part]) / total if total else otherwise


def packed_bytes(image: Image.Image, form: str) -> float:
    """How many bytes an image takes when it is packed afresh, as JPEG or else as PNG.

    What a file weighs beyond that does not come from its pixels.
    """
    file = io.BytesIO()
    if form == "JPEG":
        image.convert("L" if image.mode in ("1", "L") else "RGB").save(file, form, quality=_QUALITY)
    else:
        image.save(file, "PNG")
    return float(file.tell())
