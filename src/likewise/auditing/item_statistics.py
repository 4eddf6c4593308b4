"""What is seen of an item at a glance: the trivial things that should not tell an answer.

Every number here is cheap, and none looks at what an item shows: size, greys, paper, ink.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from likewise.shapes import Array, Bool, Float, Int, Shaped, UInt8

SIDE = 16
STEPS = 64
MOST_PIXELS = 2**18
_QUALITY = 75

IMAGE_NUMBERS = {
    "bytes": "file size",
    "packed": "size when packed afresh",
    "width": "width",
    "height": "height",
    "aspect": "aspect ratio",
    "median": "median grey",
    "mean": "mean grey",
    "spread": "spread of greys",
    "background": "background",
    "paper": "grey of the paper (Otsu)",
    "ink_grey": "grey of the ink (Otsu)",
    "ink_spread": "spread of the ink's greys (Otsu)",
    "ink_share": "share of ink (Otsu)",
    "edges": "strength of edges",
    "levels": "number of grey levels",
    "entropy": "entropy of greys",
    "colour": "strength of colour",
}
"""Numbers of an image, and what each is called."""

SERIES_NUMBERS = {
    "bytes": "file size",
    "steps": "length",
    "mean": "mean",
    "spread": "spread",
    "lowest": "lowest value",
    "highest": "highest value",
    "first": "first value",
    "last": "last value",
    "roughness": "roughness",
}
"""Numbers of a series, and what each is called."""

FILE, FRAME = ("bytes", "packed"), ("width", "height", "aspect", "steps")
FORM = ("ink_share", "edges", "entropy", "roughness")
"""Numbers that are of what is drawn at least as much as of how it was recorded."""
TONE = tuple(
    name
    for name in {**IMAGE_NUMBERS, **SERIES_NUMBERS}
    if name not in FILE and name not in FRAME and name not in FORM
)
"""Numbers of how an item was recorded: paper, light, ink, level."""


@dataclass(frozen=True)
class Look:
    """What is seen of one item at a glance.

    Attributes:
        numbers: By the names of `IMAGE_NUMBERS` or `SERIES_NUMBERS`, NaN where there is none.
        thumbnail: Its coarse look, 256 bytes.
    """

    numbers: dict[str, float]
    thumbnail: UInt8[Array, "256"]


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


def of_series(series: Float[Array, "t d"]) -> Look:
    """The look of a series; numbers are means over its channels."""
    values = series.astype(np.float64)
    rough = np.abs(np.diff(values, axis=0)).mean() if len(values) > 1 else 0.0
    numbers = {
        "steps": float(len(values)),
        "mean": float(values.mean()),
        "spread": float(values.std(0).mean()),
        "lowest": float(values.min(0).mean()),
        "highest": float(values.max(0).mean()),
        "first": float(values[0].mean()),
        "last": float(values[-1].mean()),
        "roughness": float(rough),
    }
    return Look(numbers, coarse(values))


def coarse(values: Float[Array, "t d"]) -> UInt8[Array, "256"]:
    """The course of the first four channels in 64 steps, each from its lowest to its highest."""
    drawn = min(values.shape[1], SIDE * SIDE // STEPS)
    steps = np.linspace(0, len(values) - 1, STEPS)
    course = np.zeros((SIDE * SIDE // STEPS, STEPS))
    for channel in range(drawn):
        line = np.interp(steps, np.arange(len(values)), values[:, channel])
        reach = float(line.max() - line.min())
        course[channel] = (line - line.min()) / reach if reach else 0.5
    return np.rint(255 * course).astype(np.uint8).reshape(-1)


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
