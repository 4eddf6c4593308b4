"""One pass over the items: what each looks like at a glance, and which have the same content."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from likewise.data import Chunk, Decoded, check_kind, nothing_decoded, out_of_memory, reason, worked
from likewise.errors import EmptySource, UnreadableItem
from likewise.kinds import FAMILY as KINDS
from likewise.kinds.base import Kind
from likewise.kinds.look import SIDE, Header, Look
from likewise.shapes import Array, Bool, Float, Int, Shaped, UInt8
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.transforms.base import Transform
from likewise.types import Items, Raw

View: TypeAlias = Literal["items", "binarised"]
HEADERS = ("format", "mode", "metadata", "dimensions")


@dataclass(frozen=True)
class Survey:
    """What is seen at a glance, row for row with a table of items that could all be read.

    Attributes:
        items: The table.
        numbers: Name → one number an item; NaN where it has none.
        headers: `format`, `mode`, `metadata` and `dimensions` → one word an item; empty where the
            item is no encoded file.
        digests: Items of equal content have equal ones.
        thumbnails: The coarse look of each.
        failed: Place and reason of each item that could not be read.
    """

    items: Items
    numbers: Mapping[str, Float[Array, "n"]]
    headers: Mapping[str, Shaped[Array, "n"]]
    digests: Int[Array, "n"]
    thumbnails: UInt8[Array, "n 256"]
    failed: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def take(self, rows: Int[Array, "m"]) -> "Survey":
        """The survey of the items at these rows."""
        return replace(
            self,
            items=self.items.take(rows),
            numbers={name: values[rows] for name, values in self.numbers.items()},
            headers={name: values[rows] for name, values in self.headers.items()},
            digests=self.digests[rows],
            thumbnails=self.thumbnails[rows],
        )

    @property
    def kind(self) -> Kind:
        """What the items are."""
        return KINDS.build(str(self.items.kinds[0]))

    @property
    def encoded(self) -> Bool[Array, "n"]:
        """Which items are files that have a header."""
        files_: Array = self.headers["format"] != ""
        return files_


@dataclass(frozen=True)
class _Seen:
    look: Look
    header: Header | None
    digest: int


def survey(
    items: Items,
    transform: Transform | None = None,
    *,
    view: View = "items",
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Read every item once.

    Args:
        items: What to look at.
        transform: Look at what comes out of this one; None looks at the items as they are.
        view: `binarised` looks at pictures made black and white by Otsu's threshold.
        threads: How many read; as many as there are cores (at most 16) if None.
        progress: Called with how many items are done, of how many.

    Raises:
        EmptySource: If there is no item, or none could be read.
        WrongKind: If they are another kind of item than the transform takes.
        OutOfMemory: If there is no memory for an item.
    """
    if not len(items):
        raise EmptySource(f"{items.namespace} holds no items. Give at least one.")
    kind = KINDS.build(items.kind)
    plain = transform or TRANSFORMS.build(kind.plain, state=None)
    check_kind(items, plain, threads)

    def work(chunk: Chunk) -> list[_Seen | UnreadableItem]:
        return [_outcome(raw, place, kind, transform, plain, view) for raw, place in chunk]

    numbers, headers, digests, thumbnails = _columns(kind, len(items))
    kept: list[int] = []
    failed: list[tuple[str, str]] = []
    done = 0
    with closing(worked(items, work, threads)) as chunks:
        for chunk in chunks:
            for outcome in chunk:
                place = str(items.places[done])
                if isinstance(outcome, UnreadableItem):
                    failed.append((place, reason(outcome, place)))
                else:
                    _fill(len(kept), outcome, numbers, headers, digests, thumbnails)
                    kept.append(done)
                done += 1
            if progress is not None:
                progress(done, len(items))
    if not kept:
        raise nothing_decoded(items, failed)
    return _made(items.take(np.array(kept)), numbers, headers, digests, thumbnails, failed)


def survey_decoded(decoded: Decoded) -> Survey:
    """Look at items that are decoded already: what an encoder is fed, without the files."""
    kind = KINDS.build(decoded.items.kind)
    numbers, headers, digests, thumbnails = _columns(kind, len(decoded))
    for row, item in enumerate(decoded):
        seen = _Seen(kind.look(kind.shown(item)), None, _digest(item))
        _fill(row, seen, numbers, headers, digests, thumbnails)
    return _made(decoded.items, numbers, headers, digests, thumbnails, decoded.failed)


Columns: TypeAlias = tuple[dict[str, Array], dict[str, list[str]], Array, Array]


def _columns(kind: Kind, count: int) -> Columns:
    numbers = {name: np.full(count, np.nan, dtype=np.float32) for name in kind.numbers}
    headers: dict[str, list[str]] = {name: [] for name in HEADERS}
    thumbnails = np.zeros((count, SIDE**2), dtype=np.uint8)
    return numbers, headers, np.zeros(count, dtype=np.int64), thumbnails


def _fill(
    row: int,
    seen: _Seen,
    numbers: dict[str, Array],
    headers: dict[str, list[str]],
    digests: Array,
    thumbnails: Array,
) -> None:
    for name, value in seen.look.numbers.items():
        numbers[name][row] = value
    header = seen.header
    words = ("", "", "", "")
    if header is not None:
        words = (header.form, header.mode, header.metadata, header.dimensions)
    for name, word in zip(HEADERS, words, strict=True):
        headers[name].append(word)
    digests[row], thumbnails[row] = seen.digest, seen.look.thumbnail


def _made(
    items: Items,
    numbers: dict[str, Array],
    headers: dict[str, list[str]],
    digests: Array,
    thumbnails: Array,
    failed: list[tuple[str, str]] | tuple[tuple[str, str], ...],
) -> Survey:
    count = len(items)
    return Survey(
        items,
        {name: values[:count] for name, values in numbers.items()},
        {name: np.asarray(words, dtype=np.str_) for name, words in headers.items()},
        digests[:count],
        thumbnails[:count],
        tuple(failed),
    )


def _outcome(
    raw: Raw | UnreadableItem,
    place: str,
    kind: Kind,
    transform: Transform | None,
    plain: Transform,
    view: View,
) -> _Seen | UnreadableItem:
    if isinstance(raw, UnreadableItem):
        return raw
    try:
        whole = plain.original(raw, place)
        decoded = whole if transform is None else transform.decode(raw, place)
        if why := (transform or plain).lost(decoded):
            return UnreadableItem(f"{place} holds nothing to compare: {why}")
        shown = whole if transform is None else kind.shown(decoded)
        look = kind.look(kind.binarised(shown) if view == "binarised" else shown)
        look.numbers.update(kind.frame(whole))
        header = None
        if isinstance(raw, bytes):
            numbers, header = kind.file_look(raw, whole)
            look.numbers.update(numbers)
        return _Seen(look, header, _digest(decoded))
    except UnreadableItem as error:
        return error
    except MemoryError as error:
        raise out_of_memory(f"{place} cannot be looked at") from error


def digests_of(decoded: Iterable[Array]) -> Int[Array, "n"]:
    """A number for each decoded item; those of equal content have equal ones."""
    return np.fromiter((_digest(item) for item in decoded), dtype=np.int64)


def item_of(items: Items, row: int) -> Array | None:
    """An item as it is, which its kind can show; None if unreadable."""
    plain = KINDS.build(str(items.kinds[row])).plain
    try:
        return TRANSFORMS.build(plain, state=None).original(items.read(row), str(items.places[row]))
    except UnreadableItem:
        return None


def _digest(content: Array) -> int:
    digest = hashlib.blake2b(f"{content.dtype.str}{content.shape}".encode(), digest_size=8)
    digest.update(np.ascontiguousarray(content).data)
    return int.from_bytes(digest.digest(), "little", signed=True)
