"""Decoded items, once each.

No epoch decodes twice: every item goes through `Transform.decode` once, in threads. Items of one
size (images, vectors) then stand in one array, in a memory-mapped temporary file where it is large;
items of any length (series, texts) in a list.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import chain
from typing import final

import numpy as np

from likewise.data.loader import Chunk, Outcome, check_kind, decode, nothing_decoded, reason, worked
from likewise.errors import BadArgument, UnreadableItem, WrongKind
from likewise.io.spill import SpillBuffer
from likewise.kinds import FAMILY as KINDS
from likewise.shapes import Array, Int, Shaped
from likewise.transforms.base import Transform
from likewise.types import Form, Items


class _Store:
    """What a `Decoded` and its parts share: items of one size in an array, others in a list."""

    def __init__(self, content: Array | list[Array]) -> None:
        self._content: Array | list[Array] | None = content

    @property
    def content(self) -> Array | list[Array]:
        if self._content is None:
            raise BadArgument("These decoded items are closed. Decode the items again.")
        return self._content

    def close(self) -> None:
        self._content = None


@final
class Decoded:
    """Decoded items, row for row with their table; made by `decode_all`.

    Attributes:
        items: The table of the items that were decoded.
        failed: Place and reason of each item that could not be; a part names those of the whole.
        given: The identities of all items that were to be decoded, those of the whole likewise.
    """

    def __init__(
        self,
        items: Items,
        transform: Transform,
        store: _Store,
        rows: Int[Array, "n"],
        failed: tuple[tuple[str, str], ...],
        given: Shaped[Array, "all"],
    ) -> None:
        self.items = items
        self.given = given
        self.failed = failed
        self._transform = transform
        self._store = store
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Array:
        """One decoded item, as a view that cannot be written to."""
        return self._store.content[int(self._rows[index])]

    def __iter__(self) -> Iterator[Array]:
        return (self[index] for index in range(len(self)))

    def batch(
        self, indices: Int[Array, "m"]
    ) -> tuple[Shaped[Array, "m ..."], Int[Array, "m"] | None]:
        """The items at these indices, collated by the transform: a new array, and lengths."""
        content, rows = self._store.content, self._rows[indices]
        if isinstance(content, np.ndarray) and len(rows):
            # What collating items of one size gives, without a Python object for each of them.
            return content[rows], None
        return self._transform.collate([content[row] for row in rows.tolist()])

    def take(self, indices: Int[Array, "m"]) -> "Decoded":
        """The items at these indices, in their order; they are shared, not copied."""
        return Decoded(
            self.items.take(indices),
            self._transform,
            self._store,
            self._rows[indices],
            self.failed,
            self.given,
        )

    def close(self) -> None:
        """Let go of the items, and of the temporary file; the whole and its parts are closed."""
        self._store.close()

    def __enter__(self) -> "Decoded":
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()


def decode_all(
    items: Items,
    transform: Transform,
    *,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
    large_bytes: int = 512 * 2**20,
) -> Decoded:
    """Decode every item once.

    Args:
        items: What to decode; all of one kind.
        transform: How.
        strict: Whether the first item that cannot be decoded is raised, instead of left out.
        progress: Called with how many items are done, of how many, in the calling thread.
        threads: How many decode; as many as the process has cores (at most 16) if None.
        large_bytes: Items of one size that need more than this go to a temporary file.

    Raises:
        EmptySource: If there is no item, or none could be decoded.
        WrongKind: At once, if an item is of another kind than the transform, or of other channels
            or another length than the first.
        UnreadableItem: If `strict` and an item cannot be decoded.
        OutOfMemory: If there is no memory for an item.
        SaveFailed: If the temporary file cannot be written.
        BadArgument: If `threads` is not positive.
    """
    check_kind(items, transform, threads)

    def work(chunk: Chunk) -> list[Outcome]:
        return list(decode(transform, chunk))

    kept, failed = [], []
    with ExitStack() as stack:
        keep = stack.enter_context(_Keeper(len(items), transform, large_bytes))
        chunks = stack.enter_context(closing(worked(items, work, threads)))
        for index, outcome in enumerate(chain.from_iterable(chunks)):
            place = str(items.places[index])
            if isinstance(outcome, UnreadableItem):
                if strict:
                    raise outcome
                failed.append((place, reason(outcome, place)))
            else:
                keep.add(outcome, place)
                kept.append(index)
            if progress is not None:
                progress(index + 1, len(items))
        if not kept:
            raise nothing_decoded(items, failed)
        store = _Store(keep.content())
    read = items.take(np.array(kept))
    rows = np.arange(len(kept))
    return Decoded(read, transform, store, rows, tuple(failed), items.identities)


@final
class _Keeper:
    """Where decoded items are put one by one: those of any length in a list, others end to end."""

    def __init__(self, count: int, transform: Transform, large_bytes: int) -> None:
        self._count, self._transform, self._large_bytes = count, transform, large_bytes
        self._timed = transform.form.has_lengths
        self._list: list[Array] = []
        self._first: tuple[Array, str] | None = None
        self._stacked: SpillBuffer | None = None

    def __enter__(self) -> "_Keeper":
        return self

    def __exit__(self, *failure: object) -> None:
        if self._stacked is not None:
            self._stacked.close()

    def add(self, item: Array, place: str) -> None:
        if self._first is None:
            self._first = item[:1].copy() if self._timed else item, place
            self._check_own(item)
        self._check_like_first(item, place)
        if self._timed:
            kept = item.view()
            kept.flags.writeable = False
            self._list.append(kept)
            return
        if self._stacked is None:
            size = self._count * item.nbytes
            self._stacked = SpillBuffer(size, self._large_bytes, "decoded items")
        self._stacked.add(item)

    def _check_own(self, item: Array) -> None:
        """Refuse images that are not what the transform says of itself."""
        if self._transform.form is not Form.IMAGES:
            return
        sizes = self._transform.shape.sizes
        if item.shape != sizes or item.dtype != np.uint8:
            raise WrongKind(
                f"the transform decoded {item.dtype} {list(item.shape)}, and its own shape says "
                f"uint8 {list(sizes)}. Mend the transform."
            )

    def _check_like_first(self, item: Array, place: str) -> None:
        assert self._first is not None  # noqa: S101 - the caller has set it
        first, where = self._first
        start = 1 if self._timed else 0
        if item.dtype == first.dtype and item.shape[start:] == first.shape[start:]:
            return
        if self._transform.form is Form.IMAGES:
            self._check_own(item)
        kind = KINDS.build(self._transform.kind)
        width = kind.width or "sizes"
        raise WrongKind(
            f"{place} has {item.shape[-1]} {width}, and {where} has {first.shape[-1]}. Give "
            f"{kind.many} of the same {width}."
        )

    def content(self) -> Array | list[Array]:
        if self._timed or self._stacked is None or self._first is None:
            return self._list
        first, _ = self._first
        return self._stacked.content(first.dtype.type, *first.shape)
