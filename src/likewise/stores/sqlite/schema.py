"""The schema of a gallery's SQLite file, and what is refused as no gallery."""

import secrets
import sqlite3
from pathlib import Path
from typing import NamedTuple

from likewise.errors import DamagedGallery, NewerGallery, NotAGallery
from likewise.stores.rows import Pin
from likewise.stores.sqlite import checksums, vectors

APPLICATION = 0x4C696B65
SCHEMA = 2
"""Galleries of schema 1 have no checksums: no table `sums`, and no columns that end in `sum`."""
_TABLES = f"""
CREATE TABLE gallery (
  one INTEGER PRIMARY KEY CHECK (one = 1), fingerprint TEXT NOT NULL, distance TEXT NOT NULL,
  dim INTEGER NOT NULL, token BLOB NOT NULL, log_key BLOB NOT NULL, file INTEGER NOT NULL,
  slots INTEGER NOT NULL, entries INTEGER NOT NULL, generation INTEGER NOT NULL,
  removals INTEGER NOT NULL, head_sum INTEGER NOT NULL);
CREATE TABLE rows (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, identity TEXT NOT NULL,
  metadata TEXT NOT NULL, slot INTEGER NOT NULL, item BLOB, row_sum INTEGER, item_sum INTEGER);
{checksums.TABLE};
CREATE INDEX rows_by_identity ON rows (identity);
CREATE INDEX rows_by_slot ON rows (slot);
CREATE TABLE holes (slot INTEGER PRIMARY KEY, wiped INTEGER NOT NULL);
CREATE TABLE log (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, action TEXT NOT NULL,
  digest BLOB NOT NULL);
"""


class Head(NamedTuple):
    """The one row of the table `gallery`.

    Attributes:
        fingerprint: Of the model.
        distance: The model's.
        dim: Length of a vector.
        token: Of this gallery; its file of vectors and its index hold it, too.
        log_key: Of the hashes in the log.
        file: The number of the file of vectors.
        slots: How many slots were ever given in that file.
        entries: How many rows there are.
        generation: How many changes there were.
        removals: How many rows were ever removed or replaced.
        sums: Whether the gallery has checksums; it is no column.
    """

    fingerprint: str
    distance: str
    dim: int
    token: bytes
    log_key: bytes
    file: int
    slots: int
    entries: int
    generation: int
    removals: int
    sums: bool

    @property
    def pin(self) -> Pin:
        """What the vectors are of."""
        return Pin(self.fingerprint, self.distance, self.dim)


_COLUMNS = Head._fields[:-1]
_TYPES = tuple(Head.__annotations__.values())[:-1]


def head_of(connection: sqlite3.Connection, path: Path) -> Head:
    """What a gallery is, at the moment of a connection.

    Raises:
        DamagedGallery: If it has lost that, or it is not as it was written.
    """
    row = connection.execute("SELECT * FROM gallery").fetchone()
    if row is None:
        raise DamagedGallery(f"{path} has lost its head. Restore it from a copy.")
    fields, rest = row[1 : 1 + len(_COLUMNS)], row[1 + len(_COLUMNS) :]
    whole = len(fields) == len(_COLUMNS) and all(map(isinstance, fields, _TYPES))
    if not whole or rest not in ((), (checksums.fields_sum(fields),)):
        raise DamagedGallery(f"{path} is damaged: its head is altered. Restore it from a copy.")
    return Head._make((*fields, bool(rest)))


def write_head(connection: sqlite3.Connection, head: Head) -> None:
    """Put a head in the place of the one that is there."""
    columns, values = list(_COLUMNS), list(head[:-1])
    if head.sums:
        columns, values = [*columns, "head_sum"], [*values, checksums.fields_sum(head[:-1])]
    named = ", ".join(f"{one} = ?" for one in columns)
    connection.execute(f"UPDATE gallery SET {named}", values)  # noqa: S608 - names of our own


def make_tables(connection: sqlite3.Connection, pin: Pin, path: Path) -> None:
    """Make the tables of an empty gallery, and its file of vectors at a path.

    Raises:
        SaveFailed: If there is a file at the path; it is left as it is.
    """
    token = vectors.create(path, pin.dim, secrets.token_bytes(vectors.TOKEN_BYTES), adopt=True)
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    first = Head(
        pin.fingerprint, pin.distance, pin.dim, token, secrets.token_bytes(32), 1, 0, 0, 0, 0, True
    )
    values = (1, *first[:-1], checksums.fields_sum(first[:-1]))
    connection.execute(f"INSERT INTO gallery VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608 - bound
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")


def add_checksums(connection: sqlite3.Connection, head: Head) -> Head:
    """Give a gallery of schema 1 the places of checksums; who calls fills them in.

    Returns:
        The head, which is written as it should then be by `write_head`.
    """
    connection.execute("ALTER TABLE gallery ADD COLUMN head_sum INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE rows ADD COLUMN row_sum INTEGER")
    connection.execute("ALTER TABLE rows ADD COLUMN item_sum INTEGER")
    connection.execute(checksums.TABLE)
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    return head._replace(sums=True)


def checked_head(connection: sqlite3.Connection, path: Path) -> Head:
    """What the gallery is, once it is one that this version knows.

    Raises:
        NotAGallery: If it is another SQLite file.
        NewerGallery: If a later version wrote it.
        DamagedGallery: If it is damaged.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise NotAGallery(
            f"{path} is no gallery: it is another SQLite file. Name the file of one, or a new one."
        )
    if schema > SCHEMA:
        raise NewerGallery(
            f"{path} has schema {schema}, and this Likewise knows {SCHEMA} at most. Install a "
            "later one."
        )
    return head_of(connection, path)
