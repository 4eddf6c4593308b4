"""A perceptual hash of images, for collections that no model was trained for."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np

from likewise.decoding import Chunk, reason, worked
from likewise.embedding import Block
from likewise.errors import EmptySource, MissingExtra, UnreadableItem, WrongKind
from likewise.shapes import Array, Float
from likewise.transforms.image import opened
from likewise.types import Items, Kind

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


def check(items: Items) -> None:
    """Refuse what has no perceptual hash.

    Raises:
        EmptySource: If there is no item.
        WrongKind: If they are no images.
        MissingExtra: If the library is not installed.
    """
    if len(items) == 0:
        raise EmptySource(f"{items.namespace} holds no items. Give at least one.")
    if items.kind is not Kind.IMAGE:
        raise WrongKind(
            f"{items.namespace} holds items of the kind {items.kind.value!r}, and without a model "
            "only images can be compared, by their perceptual hash. Give a model: likewise dedupe "
            "MODEL SOURCE."
        )
    hasher()


def blocks(items: Items, *, strict: bool = False, threads: int | None = None) -> Iterator[Block]:
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
    work = partial(_hashed, library=hasher(), strict=strict)
    start = 0
    with closing(worked(items, work, threads)) as chunks:
        for kept, bits, failed in chunks:
            rows = start + np.array(kept, dtype=np.int64)
            start += len(kept) + len(failed)
            vectors = np.array(bits, dtype=np.float32).reshape(-1, BITS)
            yield Block(rows, vectors, tuple(failed), start)


def _hashed(
    chunk: Chunk, *, library: Any, strict: bool
) -> tuple[list[int], list[Float[Array, "bits"]], list[tuple[str, str]]]:
    kept, bits, failed = [], [], []
    for at, (raw, place) in enumerate(chunk):
        try:
            if isinstance(raw, UnreadableItem):
                raise raw
            image = opened(raw, place)
        except UnreadableItem as error:
            if strict:
                raise
            failed.append((place, reason(error, place)))
            continue
        bits.append(library.phash(image, hash_size=SIDE).hash.reshape(-1).astype(np.float32))
        kept.append(at)
    return kept, bits, failed
