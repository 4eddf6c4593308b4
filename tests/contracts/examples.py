"""Raw items of every shape that a person has, among which each kind of item finds its own."""

import io

import numpy as np
from PIL import Image

from likewise.types import Raw


def encoded(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def raw_items(seed: int) -> list[Raw]:
    """One raw item of each shape, drawn anew for each seed."""
    random = np.random.default_rng(seed)
    grey = random.integers(0, 256, (20, 30), dtype=np.uint8)
    colour = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    return [
        grey,
        colour,
        encoded(grey),
        encoded(colour),
        random.normal(size=12).astype(np.float32),
        random.normal(size=(int(random.integers(9, 20)), 3)).astype(np.float32),
        f"The item of the number {seed}.",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
    ]
