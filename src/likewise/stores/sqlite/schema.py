"""The schema of a gallery's SQLite file, and what is refused as no gallery."""

import secrets
import sqlite3
from pathlib import Path
from typing import NamedTuple

from likewise.errors import DamagedGallery, NewerGallery, NotAGallery
from likewise.stores.rows import Pin
from likewise.stores.sqlite import vectors

APPLICATION = 0x4C696B65
SCHEMA = 1
_TABLES = """
CREATE TABLE gallery (
  one INTEGER PRIMARY KEY CHECK (one = 1), fingerprint TEXT NOT NULL, distance TEXT NOT NULL,
  dim INTEGER NOT NULL, token BLOB NOT NULL, log_key BLOB NOT NULL, file INTEGER NOT NULL,
  slots INTEGER NOT NULL, entries INTEGER NOT NULL, generation INTEGER NOT NULL,
  removals INTEGER NOT NULL);
CREATE TABLE rows (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, identity TEXT NOT NULL,
  metadata TEXT NOT NULL, slot INTEGER NOT NULL, item BLOB);
CREATE INDEX rows_by_identity ON rows (identity);
CREATE INDEX rows_by_slot ON rows (slot);
CREATE TABLE holes (slot INTEGER PRIMARY KEY, wiped INTEGER NOT NULL);
CREATE TABLE log (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, action TEXT NOT NULL,
  digest BLOB NOT NULL);
"""


class Head(NamedTuple):
    """The one row of the table `gallery`."""

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

    @property
    def pin(self) -> Pin:
        """What the vectors are of."""
        return Pin(self.fingerprint, self.distance, self.dim)


def head_of(connection: sqlite3.Connection, path: Path) -> Head:
    """What a gallery is, at the moment of a connection.

    Raises:
        DamagedGallery: If it has lost that.
    """
    columns = ", ".join(Head._fields)
    row = connection.execute(f"SELECT {columns} FROM gallery").fetchone()  # noqa: S608 - our own
    if row is None:
        raise DamagedGallery(f"{path} has lost its head. Restore it from a copy.")
    return Head._make(row)


def make_tables(connection: sqlite3.Connection, pin: Pin, path: Path) -> None:
    """Make the tables of an empty gallery, and its file of vectors at a path."""
    token = secrets.token_bytes(vectors.TOKEN_BYTES)
    vectors.create(path, pin.dim, token)
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    first = Head(
        pin.fingerprint, pin.distance, pin.dim, token, secrets.token_bytes(32), 1, 0, 0, 0, 0
    )
    places = ", ".join("?" * (len(first) + 1))
    connection.execute(f"INSERT INTO gallery VALUES ({places})", (1, *first))  # noqa: S608 - bound
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")


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
