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
_WIDTH, _HEIGHT, _BAND = 320, 120, 36
_MOST_CHANNELS, _MOST_SCALES = 12, 4


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


def series_drawing(first: Float[Array, "t d"], second: Float[Array, "u d"]) -> tuple[str, str, str]:
    """Two series as drawings whose axes are the same, a channel below the other.

    Channels may differ a hundredfold in size, so each has its own scale.

    Returns:
        Each as an `svg` element with one line a channel, and the axes in words.
    """
    channels = first.shape[1]
    drawn = min(channels, _MOST_CHANNELS)
    both = np.concatenate([first, second])[:, :drawn].astype(np.float64)
    low, high = (both.min(0), both.max(0)) if len(both) else (np.zeros(drawn), np.zeros(drawn))
    steps = max(len(first), len(second))
    ends = ", ".join(f"{a:.3g} to {b:.3g}" for a, b in zip(low, high, strict=True))
    axes = f"{steps:,} steps across, {ends} upward, in both"
    if channels > 1:
        shown = f"{channels} channels" if drawn == channels else f"{drawn} of {channels} channels"
        axes = (
            f"{steps:,} steps across; {shown} below one another, each on a scale of its own, the "
            "same in both"
        )
        axes += f": {ends}" if channels <= _MOST_SCALES else ""
    return _drawing(first, low, high, steps), _drawing(second, low, high, steps), axes


def _drawing(
    values: Float[Array, "t d"], low: Float[Array, "k"], high: Float[Array, "k"], steps: int
) -> str:
    band = _HEIGHT if len(low) == 1 else _BAND
    lines = []
    for channel in range(len(low)):
        kept = _outline(values[:, channel])
        x = kept * (_WIDTH / max(1, steps - 1))
        scale = (band - 8) / ((high[channel] - low[channel]) or 1.0)
        bottom = band * (channel + 1)
        y = bottom - 4 - (values[kept, channel] - low[channel]) * scale
        points = [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)]
        # A line of one point is drawn nowhere, one of two equal points as a dot.
        points *= 2 if len(points) == 1 else 1
        if channel:
            lines.append(f'<line x1="0" x2="{_WIDTH}" y1="{bottom - band}" y2="{bottom - band}"/>')
        lines.append(f'<polyline points="{" ".join(points)}"/>')
    noun = "channel" if values.shape[1] == 1 else "channels"
    gist = f"A series of {len(values):,} steps and {values.shape[1]} {noun}"
    height = band * len(low)
    tall = f' style="height:{height / 20:g}rem"' if len(low) > 1 else ""
    return (
        f'<svg class="series" role="img" aria-label="{gist}" viewBox="0 0 {_WIDTH} {height}" '
        f'preserveAspectRatio="none"{tall}>{"".join(lines)}</svg>'
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
