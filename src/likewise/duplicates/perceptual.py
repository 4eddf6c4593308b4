"""A perceptual hash of images, for collections that no model was trained for."""

from collections.abc import Iterator
from importlib import metadata
from typing import Any

import numpy as np
from PIL import Image

from likewise.duplicates.image_reader import image_measures, require_images
from likewise.errors import MissingExtra
from likewise.model import Block
from likewise.shapes import Array, Float
from likewise.types import Items

BITS = 64
SIDE = 8
THRESHOLD = 8.0
"""How many of the 64 bits may differ where nobody says."""


def hasher() -> Any:
    """The library of the hash.

    Raises:
        MissingExtra: If it is not installed.
    """
    try:
        import imagehash
    except ImportError as error:
        raise MissingExtra(
            "Without a model, images are compared by the perceptual hash of ImageHash, which is "
            "not installed. Run: pip install 'likewise[dedupe]', or give a model: likewise dedupe "
            "MODEL SOURCE."
        ) from error
    return imagehash


def maker() -> str:
    """What made the hashes, as a cache remembers it."""
    return f"ImageHash {metadata.version('ImageHash')} phash {SIDE}"


def check_hashable(items: Items) -> None:
    """Refuse what has no perceptual hash.

    Raises:
        EmptySource: If there is no item.
        WrongKind: If they are no images.
        MissingExtra: If the library is not installed.
    """
    require_images(
        items,
        "without a model only images can be compared, by their perceptual hash. Give a model: "
        "likewise dedupe MODEL SOURCE.",
    )
    hasher()


def hash_blocks(
    items: Items, *, strict: bool = False, threads: int | None = None
) -> Iterator[Block]:
    """The hash of every image, some at a time and in order, as zeros and ones.

    Args:
        items: Images.
        strict: Whether the first that cannot be read is raised, instead of left out.
        threads: How many decode and hash.

    Raises:
        MissingExtra: If the library is not installed.
        UnreadableItem: If `strict` and an item cannot be read.

    References:
        Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, section
        3.2.1: signs of the low frequencies of a cosine transform, about their median.
    """
    library = hasher()

    def hashed(image: Image.Image) -> Float[Array, "bits"]:
        bits: Array = library.phash(image, hash_size=SIDE).hash.reshape(-1).astype(np.float32)
        return bits

    return image_measures(items, hashed, BITS, strict=strict, threads=threads)
