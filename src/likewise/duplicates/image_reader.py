"""One pass over a collection of images: what is measured of each, some at a time and in order."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import numpy as np
from PIL import Image

from likewise.data import Chunk, reason, worked
from likewise.errors import EmptySource, UnreadableItem, WrongKind
from likewise.kinds import FAMILY as KINDS
from likewise.model import Block
from likewise.shapes import Array
from likewise.transforms.image import open_varied
from likewise.types import Items


def require_images(items: Items, otherwise: str) -> None:
    """Refuse what holds no image.

    Args:
        items: What was given.
        otherwise: Why only images will do, and what to do, as the end of a sentence.

    Raises:
        EmptySource: If there is no item.
        WrongKind: If they are no images.
    """
    if len(items) == 0:
        raise EmptySource(f"{items.namespace} holds no items. Give at least one.")
    kind = KINDS.build(items.kind)
    if not kind.pictorial:
        raise WrongKind(f"{items.namespace} holds {kind.many}, and {otherwise}")


def image_measures(
    items: Items,
    measure: Callable[[Image.Image], Array],
    dim: int,
    *,
    strict: bool = False,
    threads: int | None = None,
) -> Iterator[Block]:
    """What is measured of every image.

    Args:
        items: Images.
        measure: Gives `dim` numbers of an image.
        dim: How many.
        strict: Whether the first that cannot be read is raised, instead of left out.
        threads: How many decode and measure.

    Raises:
        UnreadableItem: If `strict` and an item cannot be read.
    """
    start = 0
    with closing(worked(items, partial(_taken, measure=measure, strict=strict), threads)) as chunks:
        for kept, vectors, failed in chunks:
            rows = start + np.array(kept, dtype=np.int64)
            start += len(kept) + len(failed)
            numbers = np.array(vectors, dtype=np.float32).reshape(-1, dim)
            yield Block(rows, numbers, tuple(failed), start)


def _taken(
    chunk: Chunk, *, measure: Callable[[Image.Image], Array], strict: bool
) -> tuple[list[int], list[Array], list[tuple[str, str]]]:
    kept, vectors, failed = [], [], []
    for at, (raw, place) in enumerate(chunk):
        try:
            if isinstance(raw, UnreadableItem):
                raise raw
            image = open_varied(raw, place)
        except UnreadableItem as error:
            if strict:
                raise
            failed.append((place, reason(error, place)))
            continue
        vectors.append(measure(image))
        kept.append(at)
    return kept, vectors, failed
