"""The vectors of any number of items, some at a time: memory does not grow with their number.

Each thread decodes a few items and runs the encoder on them, one core a thread. An encoder that
spreads each batch over all cores instead waits for the slowest part of every layer, and fights
with the threads that decode (measured: benchmarks/embedding.py).
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from likewise.data import (
    Chunk,
    check_kind,
    decode,
    nothing_decoded,
    out_of_memory,
    reason,
    worked,
)
from likewise.errors import UnreadableItem
from likewise.shapes import Array, Float, Int
from likewise.transforms.base import Transform
from likewise.types import Items

BATCH_VALUES = 2**20

Encode: TypeAlias = Callable[[Array, Array | None], Array]


@dataclass(frozen=True)
class Block:
    """What became of some items that stand together in their table.

    Attributes:
        rows: Which rows of the table were read, in order.
        vectors: What they became, float32.
        failed: Place and reason of each item that could not be read.
        done: How many items of the table are behind, those of this block included.
    """

    rows: Int[Array, "n"]
    vectors: Float[Array, "n dim"]
    failed: tuple[tuple[str, str], ...]
    done: int


def embed_blocks(
    items: Items,
    transform: Transform,
    encode: Encode,
    dim: int,
    *,
    strict: bool = False,
    threads: int | None = None,
) -> Iterator[Block]:
    """Embed a table of items, in order.

    Args:
        items: What to embed.
        transform: What decodes and collates them.
        encode: From a batch and its lengths to vectors; called in several threads at once.
        dim: Length of a vector.
        strict: Whether the first item that cannot be read is raised, instead of left out.
        threads: How many; as many as the process has cores (at most 16) if None.

    Raises:
        EmptySource: If there is no item, or none could be read.
        WrongKind: If an item is of another kind than the transform.
        UnreadableItem: If `strict` and an item cannot be read.
        OutOfMemory: If there is no memory for an item.
        BadArgument: If `threads` is not positive.
    """
    check_kind(items, transform, threads)

    def work(chunk: Chunk) -> tuple[list[int], list[Array], list[tuple[str, str]]]:
        return _embed(chunk, transform, encode, strict=strict)

    start, read = 0, False
    first: list[tuple[str, str]] = []
    with closing(worked(items, work, threads)) as chunks:
        for kept, vectors, failed in chunks:
            first = [*first, *failed][:3]
            rows = start + np.array(kept, dtype=np.int64)
            start += len(kept) + len(failed)
            read = read or bool(kept)
            found = np.concatenate([np.zeros((0, dim), np.float32), *vectors])
            yield Block(rows, found, tuple(failed), start)
    if not read:
        raise nothing_decoded(items, first)


def _embed(
    chunk: Chunk, transform: Transform, encode: Encode, *, strict: bool
) -> tuple[list[int], list[Array], list[tuple[str, str]]]:
    """Which items of a chunk were read, their vectors by batches, and the others by name."""
    kept: list[int] = []
    vectors: list[Array] = []
    failed: list[tuple[str, str]] = []
    batch: list[Array] = []
    largest = 0
    for at, outcome in enumerate(decode(transform, chunk)):
        place = chunk[at][1]
        if isinstance(outcome, UnreadableItem):
            if strict:
                raise outcome
            failed.append((place, reason(outcome, place)))
            continue
        # Series are padded to the longest of their batch.
        largest = max(largest, outcome.size)
        if batch and (len(batch) + 1) * largest > BATCH_VALUES:
            vectors.append(_encoded(batch, transform, encode, place))
            batch, largest = [], outcome.size
        batch.append(outcome)
        kept.append(at)
    if batch:
        vectors.append(_encoded(batch, transform, encode, chunk[kept[-1]][1]))
    return kept, vectors, failed


def _encoded(batch: list[Array], transform: Transform, encode: Encode, place: str) -> Array:
    try:
        return encode(*transform.collate(batch))
    except MemoryError as error:
        what = f"{len(batch)} items up to {place} cannot be embedded"
        raise out_of_memory(what) from error


@contextmanager
def memory_for(place: str) -> Iterator[None]:
    """Say in words for which item memory ran out."""
    try:
        yield
    except MemoryError as error:
        raise out_of_memory(f"{place} cannot be embedded") from error
