"""Pictures of items and of rates, as elements of a page that need no script."""

import base64
import html
import io
import itertools
import math

import numpy as np
from PIL import Image

from likewise.errors import BadArgument
from likewise.shapes import Array, Float, UInt8

_CHANNELS = (1, 3, 4)
_SMALL_PIXELS = 160
_MOST_POINTS = 1000
_WIDTH, _HEIGHT = 320, 120


def picture(image: UInt8[Array, "c h w"], gist: str) -> str:
    """An image as an `img` element that holds its PNG; a small one is enlarged by whole pixels.

    Raises:
        BadArgument: If it has neither 1, 3 nor 4 channels.
    """
    channels, height, width = image.shape
    if channels not in _CHANNELS:
        raise BadArgument(
            f"An image of the shape {image.shape} is to be shown, and [c h w] with 1, 3 or 4 "
            "channels is expected. Leave examples out, or show some of its channels."
        )
    plane = image[0] if channels == 1 else np.moveaxis(image, 0, -1)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(file, "PNG", optimize=True)
    times = max(1, _SMALL_PIXELS // max(height, width))
    crisp = ' class="crisp"' if times > 1 else ""
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return (
        f'<img{crisp} src="data:image/png;base64,{data}" alt="{html.escape(gist)}" '
        f'width="{width * times}" height="{height * times}">'
    )


def series(first: Float[Array, "t d"], second: Float[Array, "u d"]) -> tuple[str, str, str]:
    """Two series as drawings on one pair of axes.

    Returns:
        Each as an `svg` element with one line a channel, and the axes in words.
    """
    both = np.concatenate([first, second])
    low, high = (float(both.min()), float(both.max())) if both.size else (0.0, 0.0)
    steps = max(len(first), len(second))
    axes = f"{steps:,} steps across, {low:.3g} to {high:.3g} upward, in both"
    return _drawing(first, low, high, steps), _drawing(second, low, high, steps), axes


def _drawing(values: Float[Array, "t d"], low: float, high: float, steps: int) -> str:
    scale = (_HEIGHT - 8) / ((high - low) or 1.0)
    lines = []
    for channel in range(values.shape[1]):
        kept = _outline(values[:, channel])
        x = kept * (_WIDTH / max(1, steps - 1))
        y = _HEIGHT - 4 - (values[kept, channel] - low) * scale
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        hue = round(215 + 360 * channel / values.shape[1]) % 360
        lines.append(f'<polyline points="{points}" stroke="hsl({hue} 60% 52%)"/>')
    noun = "channel" if values.shape[1] == 1 else "channels"
    gist = f"A series of {len(values):,} steps and {values.shape[1]} {noun}"
    return (
        f'<svg class="series" role="img" aria-label="{gist}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'preserveAspectRatio="none">{"".join(lines)}</svg>'
    )


def _outline(values: Float[Array, "t"]) -> Array:
    """Which steps to draw: all, or of a long series the lowest and highest of every stretch."""
    if len(values) <= _MOST_POINTS:
        return np.arange(len(values))
    starts = np.linspace(0, len(values), _MOST_POINTS // 2 + 1).astype(np.int64)
    ends = [
        start + at(values[start:stop])
        for start, stop in itertools.pairwise(starts)
        for at in (np.argmin, np.argmax)
    ]
    return np.unique(ends)


def round_up(value: float) -> float:
    """A round number above this one, for a scale to end at."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(step * power for step in (1.2, 1.5, 2, 3, 5, 8, 10, 12) if step * power > value)


def strip(low: float | None, value: float, high: float | None, top: float, aim: float) -> str:
    """A rate on a scale from 0 to `top`: its interval as a bar, and a tick for what was aimed at.

    Args:
        low: Lower end of the interval; None if there is none.
        value: The rate.
        high: Upper end; None likewise.
        top: Where the scale ends.
        aim: The rate aimed at; NaN if there is none.
    """

    def at(x: float) -> str:
        return f"{min(1.0, x / top) * 100:.2f}"

    bar = ""
    if low is not None and high is not None:
        bar = f'<line class="range" x1="{at(low)}" x2="{at(high)}" y1="8" y2="8"/>'
    mark = ""
    if math.isfinite(aim):
        mark = f'<line class="aim" x1="{at(aim)}" x2="{at(aim)}" y1="0" y2="16"/>'
    return (
        '<svg class="strip" aria-hidden="true" viewBox="0 0 100 16" preserveAspectRatio="none">'
        f'<line class="scale" x1="0" x2="100" y1="8" y2="8"/>{bar}{mark}'
        f'<line class="value" x1="{at(value)}" x2="{at(value)}" y1="2" y2="14"/></svg>'
        f'<span class="ends" aria-hidden="true"><i>0</i><i>{top:g}</i></span>'
    )
