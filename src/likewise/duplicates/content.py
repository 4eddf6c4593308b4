"""What items are made of, as hashes: two with the same bytes are the same, whatever they show."""

import hashlib
from collections.abc import Callable
from contextlib import closing

import numpy as np

from likewise.data import Chunk, reason, worked
from likewise.errors import UnreadableItem
from likewise.types import Items, Raw

DIGEST_BYTES = 32


def digests(
    items: Items,
    *,
    strict: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[bytes], list[tuple[str, str]]]:
    """The SHA-256 of every item's bytes.

    Args:
        items: What to read.
        strict: Whether the first item that cannot be read is raised.
        threads: How many hash.
        progress: Called with how many items are read, of how many.

    Returns:
        One digest an item, empty for those that cannot be read; and these by place and reason.

    Raises:
        UnreadableItem: If `strict` and an item cannot be read.
    """
    found: list[bytes] = []
    failed: list[tuple[str, str]] = []
    with closing(worked(items, _hashed, threads)) as chunks:
        for chunk in chunks:
            for outcome, place in chunk:
                if isinstance(outcome, UnreadableItem):
                    if strict:
                        raise outcome
                    failed.append((place, reason(outcome, place)))
                    found.append(b"")
                else:
                    found.append(outcome)
            if progress is not None:
                progress(len(found), len(items))
    return found, failed


def _hashed(chunk: Chunk) -> list[tuple[bytes | UnreadableItem, str]]:
    return [
        (raw if isinstance(raw, UnreadableItem) else item_digest(raw), place)
        for raw, place in chunk
    ]


def item_digest(raw: Raw) -> bytes:
    """The SHA-256 of an item; of an array, its type and shape count too."""
    if isinstance(raw, np.ndarray):
        found = hashlib.sha256(f"{raw.dtype.str}{raw.shape}".encode())
        found.update(np.ascontiguousarray(raw).data)
        return found.digest()
    return hashlib.sha256(raw.encode() if isinstance(raw, str) else raw).digest()
