"""Raw items, read a little ahead by one thread and worked on by others, in their order.

The source is read by the calling thread alone, so that a reader need not be thread-safe and only a
few raw items are in memory at a time. An item that cannot be read is an outcome; that there is no
memory for one is an error, since the next would fare no better.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias, TypeVar

import numpy as np

from likewise.errors import (
    BadArgument,
    EmptySource,
    LikewiseError,
    OutOfMemory,
    UnreadableItem,
    WrongKind,
)
from likewise.io.cores import cores
from likewise.kinds import FAMILY as KINDS
from likewise.shapes import Array
from likewise.transforms.base import Transform
from likewise.types import Items, Raw

T = TypeVar("T")

CHUNK_ITEMS = 16
CHUNK_BYTES = 4 * 2**20
MOST_THREADS = 16

Read: TypeAlias = Raw | UnreadableItem
Outcome: TypeAlias = Array | UnreadableItem
Chunk: TypeAlias = Sequence[tuple[Read, str]]


def check_kind(items: Items, transform: Transform, threads: int | None = None) -> None:
    """Refuse, before any work is done, items that the transform cannot take.

    Raises:
        EmptySource: If there is no item.
        WrongKind: If they are of another kind than the transform.
        BadArgument: If `threads` is not positive.
    """
    if threads is not None and threads < 1:
        raise BadArgument(f"threads is {threads}, and at least 1 is expected.")
    if len(items) == 0:
        raise EmptySource(f"{items.namespace} holds no items. Give at least one.")
    kind = KINDS.canonical(items.kind)
    if kind != transform.kind:
        given, taken = KINDS.build(kind), KINDS.build(transform.kind)
        raise WrongKind(
            f"{items.namespace} holds {given.many}, and the transform takes {taken.many}. Choose a "
            f"transform or model of {given.many}."
        )


def worked(
    items: Items, work: Callable[[Chunk], T], threads: int | None = None
) -> Generator[T, None, None]:
    """What some work makes of all items, a chunk at a time and in order.

    At most two chunks a thread are under way. When the generator is closed, no thread is left.

    Args:
        items: What to read.
        work: Called in a thread with raw items and their places.
        threads: How many; as many as the process has cores (at most 16) if None, see `io.cores`.
    """
    threads = threads or min(cores(), MOST_THREADS)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="likewise-decode")
    waiting: deque[Future[T]] = deque()
    try:
        for chunk in _chunks(items):
            waiting.append(pool.submit(work, chunk))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def decode(transform: Transform, chunk: Chunk) -> Iterator[Outcome]:
    """What each item of a chunk becomes.

    Raises:
        OutOfMemory: If there is no memory for one.
    """
    for raw, place in chunk:
        if isinstance(raw, UnreadableItem):
            yield raw
            continue
        try:
            outcome: Outcome = transform.acquire(raw, place)
        except UnreadableItem as error:
            outcome = error
        except MemoryError as error:
            raise out_of_memory(f"{place} cannot be decoded") from error
        yield outcome


def out_of_memory(what: str) -> OutOfMemory:
    """The error that says what there is no memory for, and what to do."""
    return OutOfMemory(
        f"{what}: there is not enough memory. Give smaller items, a smaller transform.size, or "
        "fewer threads (embed --threads 1), or free some memory."
    )


def reason(error: UnreadableItem, place: str) -> str:
    """Why an item cannot be read, without its place."""
    return str(error).removeprefix(place).lstrip(": ")


def nothing_decoded(items: Items, failed: Sequence[tuple[str, str]]) -> EmptySource:
    """The error for a table of which no item could be decoded; the first failures are named."""
    first = "; ".join(f"{place} {why}" for place, why in failed[:3])
    return EmptySource(
        f"{items.namespace}: none of its {len(items)} items could be decoded. The first: {first}"
    )


def _chunks(items: Items) -> Iterator[Chunk]:
    """Raw items with their places, some at a time: a future costs as much as a small image."""
    chunk: list[tuple[Read, str]] = []
    held = 0
    for index in range(len(items)):
        place = str(items.places[index])
        raw = _read(items, index, place)
        chunk.append((raw, place))
        if not isinstance(raw, UnreadableItem):
            held += raw.nbytes if isinstance(raw, np.ndarray) else len(raw)
        if len(chunk) == CHUNK_ITEMS or held > CHUNK_BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _read(items: Items, index: int, place: str) -> Read:
    try:
        return items.read(index)
    except UnreadableItem as error:
        return error
    except MemoryError as error:
        raise out_of_memory(f"{place} cannot be read") from error
    except OSError as error:
        if isinstance(error, LikewiseError):
            raise
        return UnreadableItem(f"{place} cannot be read: {error}. Replace or remove it.")
