"""Rows and vectors in the binary form that PostgreSQL reads and sends, bit for bit.

References:
    The documentation of PostgreSQL 18, COPY, "Binary Format": a header, then for each row the
    count of its columns and each with its length, or -1 where there is none.
    pgvector 0.8, vector_recv: the length of a vector and 0, two bytes each, then its numbers.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence

import numpy as np

from likewise.errors import DamagedGallery, ForeignEmbedding
from likewise.shapes import Array, Float
from likewise.stores.rows import Rows

COLUMNS = ("key", "digest", "id", "identity", "metadata", "blank", "embedding", "item")
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
_START = struct.Struct(">hiqi")
_LENGTH = struct.Struct(">i")
_NONE = _LENGTH.pack(-1)
_TRUTH = {False: _LENGTH.pack(1) + b"\0", True: _LENGTH.pack(1) + b"\1"}
# What has no entry beyond this has no direction (see `Cosine`).
_BLANK = 1e-12
_AT_ONCE = 2**20


def id_digest(given: str) -> bytes:
    """What a row is looked up by: an index takes no text of 1,000 letters."""
    # No row has an id with half of a letter, but somebody may ask for one.
    return hashlib.sha256(given.encode(errors="surrogatepass")).digest()


def blank(vectors: Float[Array, "n dim"]) -> list[bool]:
    """Which of the vectors have no direction."""
    marked: list[bool] = (np.abs(vectors).max(axis=1, initial=0.0) < _BLANK).tolist()
    return marked


def copied(
    rows: Rows, which: Sequence[int], keys: Sequence[int], texts: list[str]
) -> Iterator[bytes]:
    """Rows as COPY takes them, some at a time.

    Args:
        rows: Where they stand.
        which: Their places there.
        keys: Their keys in the table.
        texts: The metadata of all rows, as JSON.
    """
    dim = rows.vectors.shape[1]
    blanks = blank(rows.vectors)
    size = 4 * dim
    before = _LENGTH.pack(size + 4) + struct.pack(">hh", dim, 0)
    part = bytearray(_HEAD)
    for at, key in zip(which, keys, strict=True):
        part += _START.pack(len(COLUMNS), 8, key, 32)
        part += id_digest(rows.ids[at])
        for text in (rows.ids[at], rows.identities[at], texts[at]):
            data = text.encode()
            part += _LENGTH.pack(len(data))
            part += data
        part += _TRUTH[blanks[at]]
        part += before
        part += rows.vectors[at].astype(">f4").tobytes()
        item = rows.items[at]
        if item is None:
            part += _NONE
        else:
            part += _LENGTH.pack(len(item))
            part += item
        if len(part) > _AT_ONCE:
            yield bytes(part)
            part.clear()
    yield bytes(part + _TAIL)


def vectors_from_wire(sent: Sequence[bytes | None], dim: int) -> Float[Array, "n dim"]:
    """The vectors that were sent.

    Raises:
        DamagedGallery: If one has another length.
        ForeignEmbedding: If they are there no more; see `check_sent`.
    """
    found = check_sent(sent)
    size = 4 + 4 * dim
    if any(len(one) != size for one in found):
        raise DamagedGallery(
            f"A vector has another length than the gallery's {dim} numbers. Restore the gallery "
            "from a copy."
        )
    raw = np.frombuffer(b"".join(found), dtype=np.uint8).reshape(len(found), size)
    return raw[:, 4:].copy().view(">f4").astype(np.float32)


def check_sent(sent: Sequence[bytes | None]) -> list[bytes]:
    """Refuse what a moment before another model's shows of vectors that are now in their place.

    Raises:
        ForeignEmbedding: If the gallery went over since the moment began.
    """
    found = [one for one in sent if one is not None]
    if len(found) < len(sent):
        raise ForeignEmbedding(
            "The gallery was read while it was migrated to another model. Open it again, with "
            "that model."
        )
    return found


def text_of(vector: Float[Array, "dim"]) -> str:
    """A vector as a literal; every float32 comes back as it was."""
    return f"[{','.join(map(repr, vector.tolist()))}]"
