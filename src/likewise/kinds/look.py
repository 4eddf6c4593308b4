"""What is seen of an item at a glance."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from likewise.shapes import Array, Float, UInt8

SIDE = 16
STEPS = 64

Sort: TypeAlias = Literal["file", "frame", "tone", "form"]


@dataclass(frozen=True)
class Number:
    """A number that is measured of an item at a glance.

    Attributes:
        title: What it is called.
        sort: What it is of: the `file` that holds the item; its `frame`, how large or long it is;
            `tone`, how it was recorded; `form`, at least as much what it shows.
        logarithmic: Whether it is compared by its logarithm.
        advice: Which advice an audit gives where it tells too much.
    """

    title: str
    sort: Sort = "tone"
    logarithmic: bool = False
    advice: Literal["paper", "ink", "light", "form", "level"] = "level"


@dataclass(frozen=True)
class Look:
    """What is seen of one item at a glance.

    Attributes:
        numbers: By the names of the kind's `numbers`; those that it has none of are left out.
        thumbnail: Its coarse look, 256 bytes.
    """

    numbers: dict[str, float]
    thumbnail: UInt8[Array, "256"]


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        form: Its format: `PNG`, `JPEG`, ...
        mode: Of its contents: for images Pillow's name of the pixels, `L`, `RGB`, `P`, ...
        metadata: The names of its EXIF tags and of its other texts; empty where there are none.
        dimensions: How large it is, in words.
    """

    form: str
    mode: str
    metadata: str
    dimensions: str


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
