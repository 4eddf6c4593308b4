"""Checksums of what a SQLite gallery holds: its head, every row, every vector.

SQLite keeps no checksum of what is in a page, and the file of vectors is bare numbers. So the
database holds one of each row's texts, one of its kept item, and one of the vector in each slot.
They are written in the transaction that writes the rows, so that a file of vectors of another
moment, or of another gallery, does not fit them any better than a damaged one.

References:
    Lemire, Kaser, "Strongly universal string hashing is fast", 2014, section 3: the multilinear
    hash of the vectors. Here no half of it is thrown away, and the factors are odd, so that a
    change of one number alone is always seen.
"""

import hashlib
import sqlite3
import zlib
from functools import cache

import numpy as np

from likewise.shapes import Array, Float, Int, UInt64

BLOCK = 64
"""How many slots have their checksums in one row of the table `sums`."""
TABLE = "CREATE TABLE sums (block INTEGER PRIMARY KEY, sums BLOB NOT NULL)"
_ANEW = "INSERT OR REPLACE INTO sums SELECT ?1, ?2 WHERE ?3 = 0"
_PUT = (
    "INSERT INTO sums VALUES (?1, cast(zeroblob(?3) || ?2 AS BLOB)) ON CONFLICT (block) "
    "DO UPDATE SET sums = cast(substr(sums, 1, ?3) || ?2 AS BLOB)"
)
# So many numbers at once stay near the processor.
_NUMBERS = 2**17


def vector_sums(vectors: Float[Array, "n dim"]) -> UInt64[Array, "n"]:
    """The checksum of each vector, bit by bit: 0.0 and -0.0 differ."""
    factors = _factors(vectors.shape[1])
    words = np.ascontiguousarray(vectors, dtype="<f4").view("<u4")
    sums = np.empty(len(words), dtype=np.uint64)
    step = max(1, _NUMBERS // max(1, vectors.shape[1]))
    for start in range(0, len(words), step):
        sums[start : start + step] = words[start : start + step].astype(np.uint64) @ factors[1:]
    # A vector of zeros, which is what a slot without a row holds, has one that is not 0.
    sums += factors[0]
    return sums


@cache
def _factors(dim: int) -> UInt64[Array, "factors"]:
    # The same for good: galleries hold what was made with them.
    drawn = hashlib.shake_128(b"likewise vectors").digest(8 * (dim + 1))
    factors: Array = np.frombuffer(drawn, dtype="<u8").astype(np.uint64) | np.uint64(1)
    return factors


def row_sum(name: str, identity: str, metadata: str, slot: int) -> int:
    """The checksum of a row's texts and its slot."""
    return zlib.crc32(f"{name}\0{identity}\0{metadata}\0{slot}".encode("utf-8", "surrogatepass"))


def item_sum(item: bytes | None) -> int:
    """The checksum of a kept item; -1 where none is kept."""
    return -1 if item is None else zlib.crc32(item)


def fields_sum(fields: tuple[object, ...]) -> int:
    """The checksum of numbers, texts and bytes of one row that is read whole."""
    return zlib.crc32(repr(fields).encode("utf-8", "surrogatepass"))


def write_sums(connection: sqlite3.Connection, start: int, sums: UInt64[Array, "n"]) -> None:
    """Note the checksums of the vectors that were written from a slot on."""
    place = 0
    while place < len(sums):
        block, within = divmod(start + place, BLOCK)
        part = sums[place : place + BLOCK - within].astype("<u8").tobytes()
        connection.execute(_PUT if within else _ANEW, (block, part, 8 * within))
        place += BLOCK - within


def read_sums(connection: sqlite3.Connection, start: int, stop: int) -> UInt64[Array, "n"]:
    """The checksums of slots from `start` to before `stop`; 0 where none is noted."""
    first = start // BLOCK
    sums = np.zeros(max(0, stop - first * BLOCK), dtype="<u8")
    asked = "SELECT block, sums FROM sums WHERE block BETWEEN ? AND ?"
    for block, held in connection.execute(asked, (first, max(0, stop - 1) // BLOCK)):
        if not isinstance(held, bytes) or type(block) is not int:
            continue
        part = np.frombuffer(held[: len(held) // 8 * 8], dtype="<u8")
        place = (block - first) * BLOCK
        room = sums[place : place + min(BLOCK, len(part))]
        room[:] = part[: len(room)]
    return sums[start - first * BLOCK :].astype(np.uint64)


def differing(vectors: Float[Array, "n dim"], sums: UInt64[Array, "n"]) -> Int[Array, "m"]:
    """Which vectors do not have the checksums that were noted for them."""
    return np.flatnonzero(vector_sums(vectors) != sums)
