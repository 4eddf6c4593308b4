"""Items by what they are made of and what they show, each content embedded once."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likewise.data import nothing_decoded
from likewise.duplicates import cache
from likewise.duplicates.embedders import Maker
from likewise.errors import EmptySource
from likewise.shapes import Array, Float, Int
from likewise.types import Items


@dataclass(frozen=True)
class Read:
    """The contents of all items, and the vectors of those that could be read.

    Attributes:
        contents: The first item with the bytes of each item.
        vectors: One a content that could be read.
        rows: The first item of each.
        failed: Place and reason of each item that could not be read.
        embedded: How many vectors were made now.
        remembered: How many were in the cache.
    """

    contents: Int[Array, "n"]
    vectors: Float[Array, "m dim"]
    rows: Int[Array, "m"]
    failed: tuple[tuple[str, str], ...]
    embedded: int
    remembered: int


def scan_items(
    items: Items,
    maker: Maker,
    path: Path | None,
    strict: bool,
    threads: int | None,
    told: Callable[[str], Callable[[int, int], None] | None],
) -> Read:
    """Hash every item, and embed once what no cache holds.

    Args:
        items: What to read.
        maker: What makes vectors.
        path: Of the cache, which is replaced; None for none.
        strict: Whether the first item that cannot be read is raised.
        threads: How many read and embed.
        told: Gives what is called with how many items are done, of how many, for what is done.

    Raises:
        EmptySource: If no item can be read.
        UnreadableItem: If `strict` and an item cannot be read.
        DamagedSource: If the cache is none.
        SaveFailed: If the cache cannot be written.
    """
    kept = cache.Cache({}, np.zeros((0, maker.dim), np.float32))
    if path is not None:
        kept = cache.read_cache(path, maker.name, maker.dim)
    digests, failed = cache.digest_items(
        items, strict=strict, threads=threads, progress=told("reading")
    )
    firsts: dict[bytes, int] = {}
    contents = np.arange(len(items))
    for row, digest in enumerate(digests):
        if digest:
            contents[row] = firsts.setdefault(digest, row)
    new = np.array([row for digest, row in firsts.items() if digest not in kept.rows], np.int64)
    old = {row: kept.rows[digest] for digest, row in firsts.items() if digest in kept.rows}
    made: list[Array] = [kept.vectors[list(old.values())]]
    rows: list[int] = list(old)
    if len(new):
        show = told(maker.verb)
        # Whether nothing at all can be read, the cache has a say in, too.
        with suppress(EmptySource):
            for block in maker.blocks(items.take(new), strict, threads):
                made.append(block.vectors)
                rows += new[block.rows].tolist()
                failed += block.failed
                if show is not None:
                    show(block.done, len(new))
    if not rows:
        raise nothing_decoded(items, failed)
    failed += _alike(items, contents, set(rows), dict(failed), digests)
    order = np.argsort(rows)
    placed = np.array(rows, dtype=np.int64)[order]
    vectors = np.concatenate(made)[order]
    if path is not None:
        cache.write_cache(path, maker.name, [digests[row] for row in placed.tolist()], vectors)
    return Read(contents, vectors, placed, tuple(failed), len(rows) - len(old), len(old))


def _alike(
    items: Items,
    contents: Int[Array, "n"],
    read: set[int],
    reasons: dict[str, str],
    digests: list[bytes],
) -> list[tuple[str, str]]:
    """Place and reason of the items with the same bytes as one that could not be read."""
    return [
        (str(items.places[row]), reasons[str(items.places[first])])
        for row, first in enumerate(contents.tolist())
        if row != first and digests[row] and first not in read
    ]
