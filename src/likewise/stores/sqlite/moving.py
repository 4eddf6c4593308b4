"""How a SQLite gallery goes over to another model: all vectors at once, in one transaction.

The new vectors are written to a file of their own and flushed; the transaction that names it is the
moment of the change. A kill before it leaves the old gallery, and after it the new one.
"""

import glob
from pathlib import Path

import numpy as np

from likewise.stores.rows import Moved, Written
from likewise.stores.sqlite import vectors
from likewise.stores.sqlite.changing import Slots, log_change, tidy
from likewise.stores.sqlite.database import Database, chunks
from likewise.stores.sqlite.schema import check_pin, head_of

_AT_ONCE = 4096


def staging_path(path: Path) -> Path:
    """Where the vectors of another model stand until the gallery at a path goes over to it."""
    return path.with_name(f"{path.name}-migration")


def discard_staging(path: Path) -> None:
    """Remove those vectors; what was written of them last is removed first."""
    staging = staging_path(path)
    beside = path.parent.glob(f"{glob.escape(staging.name)}-*")
    for one in (staging, *sorted(beside)):
        one.unlink(missing_ok=True)


def move_gallery(database: Database, moved: Moved, slots: Slots) -> Written:
    """Give all rows other vectors; see `Moved`.

    Raises:
        GalleryBusy: If rows were written since the generation that the vectors were made for.
        ForeignEmbedding: If another writer moved it meanwhile.
        SaveFailed: If it cannot be written; the gallery is as it was.
    """
    with database.changing() as connection:
        head = head_of(connection, database.path)
        check_pin(database.path, head.pin, database.pin)
        moved.check(database.path, head.generation)
        log = []
        for (name,) in ((name,) for name in moved.left_out):
            done = connection.execute("DELETE FROM rows WHERE id = ?", (name,))
            log += [("removed", name)] * done.rowcount
        found = connection.execute("SELECT key, id FROM rows ORDER BY key").fetchall()
        target = database.vectors_path(head.file + 1)
        vectors.create(target, moved.pin.dim, head.token)
        start = 0
        for some in chunks(found, _AT_ONCE):
            made = moved.of([name for _, name in some])
            vectors.append(target, start, made, flush=start + len(some) == len(found))
            start += len(some)
        connection.executemany(
            "UPDATE rows SET slot = ? WHERE key = ?",
            ((place, key) for place, (key, _) in enumerate(found)),
        )
        log_change(connection, head, log, [])
        connection.execute("DELETE FROM holes")
        pin = moved.pin
        connection.execute(
            "UPDATE gallery SET fingerprint = ?, distance = ?, dim = ?, slots = ?, entries = ?, "
            "file = file + 1, generation = generation + 1, removals = removals + ?",
            (pin.fingerprint, pin.distance, pin.dim, len(found), len(found), head.entries),
        )
    slots.wiped.clear()
    with database.changing() as connection:
        tidy(database, connection, head_of(connection, database.path))
    none = np.zeros(0, dtype=np.bool_)
    return Written(head.generation + 1, none, none)
