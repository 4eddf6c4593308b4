"""What an item or a source from a stranger is, in these tests, and what may come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIZE = 16
"""Pictures of this height and width are read as they are, without being resized."""


@dataclass(frozen=True)
class Picture:
    """What an image must be read as: its pixels [h w 3], but for a mean error of so much."""

    pixels: np.ndarray
    error: float = 1.0


@dataclass(frozen=True)
class Series:
    """What a series must be read as, exactly."""

    values: np.ndarray


@dataclass(frozen=True)
class Table:
    """What a source must give: how many items are read, and how many are refused by name."""

    read: int
    refused: int = 0


@dataclass(frozen=True)
class Refused:
    """It must be refused by name, in words that match."""

    words: str = ""


Expected = Picture | Series | Table | Refused | None
"""None: it is refused by name, or read as whatever it may be."""


@dataclass(frozen=True)
class Case:
    """One hostile item or source.

    Attributes:
        sort: What it is.
        name: Which of these.
        make: Makes it in an empty folder, and gives the path to hand over, or a spec.
        way: How it is read: `image`, `series`, or `source`.
        expected: What must come of it.
    """

    sort: str
    name: str
    make: Callable[[Path], Path | str]
    way: str
    expected: Expected = None


def file_of(data: bytes, name: str = "item") -> Callable[[Path], Path]:
    """Makes a file of these bytes."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def damaged(data: bytes, *, cuts: int, flips: int, seed: int) -> list[tuple[str, bytes]]:
    """The bytes cut off at some places, and with some bits turned."""
    random = np.random.default_rng(seed)
    places = np.linspace(1, len(data) - 1, cuts).astype(int)
    found = [(f"cut at byte {place}", data[:place]) for place in places]
    for number in range(flips):
        altered = bytearray(data)
        for place in random.integers(0, len(data), 3):
            altered[place] ^= 1 << int(random.integers(8))
        found.append((f"flipped {number}", bytes(altered)))
    return found
