"""One pass over the items: what each looks like at a glance, and which have the same content."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

from likewise.auditing import files, item_statistics
from likewise.data import Chunk, Decoded, check_kind, nothing_decoded, out_of_memory, reason, worked
from likewise.errors import EmptySource, UnreadableItem
from likewise.shapes import Array, Bool, Float, Int, Shaped, UInt8
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.transforms.base import Transform
from likewise.transforms.image import open_image
from likewise.types import Items, Kind, Raw

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
    def encoded(self) -> Bool[Array, "n"]:
        """Which items are encoded image files."""
        files_: Array = self.headers["format"] != ""
        return files_


@dataclass(frozen=True)
class _Seen:
    look: item_statistics.Look
    header: files.Header | None
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
        view: `binarised` looks at images made black and white by Otsu's threshold.
        threads: How many read; as many as there are cores (at most 16) if None.
        progress: Called with how many items are done, of how many.

    Raises:
        EmptySource: If there is no item, or none could be read.
        WrongKind: If they are another kind of item than the transform takes.
        OutOfMemory: If there is no memory for an item.
    """
    if not len(items):
        raise EmptySource(f"{items.namespace} holds no items. Give at least one.")
    plain = transform or TRANSFORMS.build(_plain_spec(items), state=None)
    check_kind(items, plain, threads)
    kind = items.kind

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
    kind = Kind(str(decoded.items.kinds[0]))
    numbers, headers, digests, thumbnails = _columns(kind, len(decoded))
    for row, item in enumerate(decoded):
        seen = _Seen(_look(item, kind), None, _digest(item))
        _fill(row, seen, numbers, headers, digests, thumbnails)
    return _made(decoded.items, numbers, headers, digests, thumbnails, decoded.failed)


Columns: TypeAlias = tuple[dict[str, Array], dict[str, list[str]], Array, Array]


def _plain_spec(items: Items) -> str:
    return "image" if items.kind is Kind.IMAGE else "sequence(normalize='none')"


def _columns(kind: Kind, count: int) -> Columns:
    names = item_statistics.IMAGE_NUMBERS if kind is Kind.IMAGE else item_statistics.SERIES_NUMBERS
    numbers = {name: np.full(count, np.nan, dtype=np.float32) for name in names}
    headers: dict[str, list[str]] = {name: [] for name in HEADERS}
    thumbnails = np.zeros((count, item_statistics.SIDE**2), dtype=np.uint8)
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
        size = f"{header.width}x{header.height}"
        words = (header.form, header.mode, header.metadata, size)
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
        if kind is Kind.IMAGE:
            return _image(raw, place, transform, view)
        series = plain.decode(raw, place)
        look = item_statistics.of_series(series)
        if isinstance(raw, bytes):
            look.numbers["bytes"] = float(len(raw))
        return _Seen(look, None, _digest(series))
    except UnreadableItem as error:
        return error
    except MemoryError as error:
        raise out_of_memory(f"{place} cannot be looked at") from error


def _image(raw: Raw, place: str, transform: Transform | None, view: View) -> _Seen:
    image = open_image(raw, place)
    # The mode 1 packs eight pixels a byte, and is packed afresh as such.
    pixels = np.asarray(image.convert("L") if image.mode == "1" else image)
    header = files.header_of(raw) if isinstance(raw, bytes) else None
    small = item_statistics.bounded(pixels)
    shown = small
    if transform is not None:
        item = transform.decode(raw, place)
        shown = channels_last(item)
        digest = _digest(item)
    else:
        digest = _digest(pixels)
    if view == "binarised":
        shown = item_statistics.binarised(item_statistics.grey_of(shown))
    look = item_statistics.of_image(shown)
    width, height = image.size
    sides = {"width": float(width), "height": float(height), "aspect": width / height}
    look.numbers.update(sides)
    if isinstance(raw, bytes) and header is not None:
        again = image if small is pixels else Image.fromarray(small)
        packed = item_statistics.packed_bytes(again, header.form) * (pixels.size / small.size)
        look.numbers.update({"bytes": float(len(raw)), "packed": packed})
    return _Seen(look, header, digest)


def _look(item: Array, kind: Kind) -> item_statistics.Look:
    return (
        item_statistics.of_image(channels_last(item))
        if kind is Kind.IMAGE
        else item_statistics.of_series(item)
    )


def channels_last(item: Array) -> Array:
    """A decoded image [c h w] as [h w] or [h w 3]; a series as it is."""
    if item.dtype != np.uint8:
        return item
    last: Array = item[0] if len(item) == 1 else np.ascontiguousarray(np.moveaxis(item, 0, -1))
    return last


def digests_of(decoded: Iterable[Array]) -> Int[Array, "n"]:
    """A number for each decoded item; those of equal content have equal ones."""
    return np.fromiter((_digest(item) for item in decoded), dtype=np.int64)


def item_of(items: Items, row: int) -> Array | None:
    """An item as it is: an image uint8 [h w] or [h w 3], a series [t d]; None if unreadable."""
    place = str(items.places[row])
    try:
        raw = items.read(row)
        if Kind(str(items.kinds[row])) is Kind.IMAGE:
            image = open_image(raw, place)
            return np.asarray(image.convert("L") if image.mode == "1" else image)
        return TRANSFORMS.build(_plain_spec(items), state=None).decode(raw, place)
    except UnreadableItem:
        return None


def _digest(content: Array) -> int:
    digest = hashlib.blake2b(f"{content.dtype.str}{content.shape}".encode(), digest_size=8)
    digest.update(np.ascontiguousarray(content).data)
    return int.from_bytes(digest.digest(), "little", signed=True)
