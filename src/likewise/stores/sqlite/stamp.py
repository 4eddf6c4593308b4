"""What the database says of its index: which file holds it, its checksum, what it is worth."""

import hashlib
import hmac
import secrets
import sqlite3
from pathlib import Path
from typing import NamedTuple

from likewise.errors import DamagedGallery
from likewise.stores.index.indexing import INDEX_METHODS
from likewise.stores.index.sidecar import Structure, index_from_bytes
from likewise.stores.sqlite.checksums import fields_sum
from likewise.stores.sqlite.schema import Head

_TABLE = """
CREATE TABLE indexed (
  one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, kind TEXT NOT NULL,
  wanted REAL NOT NULL, file INTEGER NOT NULL, slots INTEGER NOT NULL, rows INTEGER NOT NULL,
  generation INTEGER NOT NULL, removals INTEGER NOT NULL, size INTEGER NOT NULL,
  sha256 BLOB NOT NULL, breadth INTEGER NOT NULL, recall REAL NOT NULL, asked INTEGER NOT NULL,
  stamp_sum INTEGER NOT NULL)
"""


class Stamp(NamedTuple):
    """The one row of the table `indexed`, which galleries without an index need not have.

    Attributes:
        number: Of the sidecar; every index has a new one.
        method: `hnsw`, `ivf`, or `none` where it was taken away.
        wanted: The recall that was wanted.
        file: The number of the file of vectors that its slots are of.
        slots: How many slots there were when it was made; later ones it does not know.
        rows: How many rows it holds.
        generation: Of the last change that it holds.
        removals: How many rows had ever been removed then.
        size: Of the sidecar, in bytes.
        sha256: Of the sidecar.
        breadth: Of its search.
        recall: What was found of the 10 nearest.
        asked: How often.
    """

    number: int
    method: str
    wanted: float
    file: int
    slots: int
    rows: int
    generation: int
    removals: int
    size: int
    sha256: bytes
    breadth: int
    recall: float
    asked: int

    @property
    def settings(self) -> str:
        """Of the search, in FAISS's words."""
        return f"{'efSearch' if self.method == 'hnsw' else 'nprobe'}={self.breadth}"


NO_INDEX = Stamp(0, "none", 0.0, 0, 0, 0, 0, 0, 0, b"", 0, 0.0, 0)


def stamp_of(connection: sqlite3.Connection, known: Stamp = NO_INDEX) -> Stamp:
    """What the database says; of method `none` where it never had an index.

    Args:
        connection: To the database.
        known: What it said last, which need not be checked again.

    Raises:
        DamagedGallery: If that is nothing an index can be.
    """
    try:
        # Those of the last version have no checksum.
        found = connection.execute("SELECT * FROM indexed")
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return NO_INDEX
        raise
    if len(found.description) not in (len(Stamp._fields) + 1, len(Stamp._fields) + 2):
        raise _damaged()
    row = found.fetchone()
    if row is None:
        return NO_INDEX
    fields, rest = row[1 : 1 + len(Stamp._fields)], row[1 + len(Stamp._fields) :]
    if fields == known:
        return known
    if rest not in ((), (fields_sum(fields),)):
        raise _damaged()
    stamp = Stamp._make(fields)
    wanted = Stamp.__annotations__.items()
    right = all(isinstance(getattr(stamp, name), kind) for name, kind in wanted)
    if not right or stamp.method not in INDEX_METHODS or not 0 <= stamp.breadth <= 2**31 - 1:
        raise _damaged()
    return stamp


def _damaged() -> DamagedGallery:
    return DamagedGallery(
        "What the gallery says of its index is nothing an index can be. Make it again: likewise "
        "gallery rebuild GALLERY."
    )


def next_number(connection: sqlite3.Connection) -> int:
    """A number that no index of the gallery has had."""
    try:
        return stamp_of(connection).number + 1
    except DamagedGallery:
        return secrets.randbelow(2**40) + 2**40


def write_stamp(connection: sqlite3.Connection, stamp: Stamp) -> None:
    """Put a stamp in the place of the one that is there, whatever form that has."""
    connection.execute("DROP TABLE IF EXISTS indexed")
    connection.execute(_TABLE)
    values = (1, *stamp, fields_sum(tuple(stamp)))
    places = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO indexed VALUES ({places})", values)  # noqa: S608 - bound


def read_sidecar(path: Path, stamp: Stamp, head: Head) -> Structure:
    """The structure in a sidecar, once it is the one that the database speaks of.

    Raises:
        FileNotFoundError: If there is none.
        DamagedGallery: If it is another, or altered.
    """
    with path.open("rb") as file:
        data = file.read(stamp.size + 1)
    if len(data) != stamp.size or not hmac.compare_digest(sidecar_digest(data), stamp.sha256):
        raise DamagedGallery(
            f"{path} is not the index that the gallery made. Make it again: likewise gallery "
            "rebuild GALLERY."
        )
    return index_from_bytes(data, head.token, head.dim, stamp.slots)


def sidecar_digest(data: bytes) -> bytes:
    """The checksum of a sidecar."""
    return hashlib.sha256(data).digest()
