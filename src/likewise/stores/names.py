"""The ids of a SQLite gallery's slots in memory, for many answers at once."""

import threading

import numpy as np

from likewise.shapes import Array, Int, Shaped
from likewise.stores.database import Database
from likewise.stores.reading import Moment, same_version
from likewise.stores.schema import head_of


class Names:
    """The ids of slots, kept in memory; a slot is never given to another row.

    Args:
        database: Of the gallery.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock = threading.Lock()
        self._ids = np.zeros(0, dtype=object)
        self._version: tuple[int, int, int] | None = None
        self._file = 0
        self._known = 0

    def of(
        self, moment: Moment, slots: Int[Array, "q k"], *, current: bool = False
    ) -> Shaped[Array, "q k"] | None:
        """The ids of slots, empty for -1; None where rows were removed since the moment.

        Args:
            moment: In which they were found.
            slots: Of any of its rows.
            current: Whether to give None after any change since the moment, too.
        """
        with self.database.said():
            same = same_version(self.database, moment)
        if current and not same:
            return None
        known = (moment.head.file, moment.version)
        with self._lock:
            if not (same and (self._file, self._version) == known) and not self._read(moment):
                return None
            ids: Array = self._ids[slots]
        return ids

    def _read(self, moment: Moment) -> bool:
        """Read the ids of new slots; False where rows were removed since the moment."""
        with self.database.reading() as connection:
            head = head_of(connection, self.database.path)
            if (head.file, head.removals) != (moment.head.file, moment.head.removals):
                return False
            if self._file != head.file:
                self._file, self._known = head.file, 0
            if head.slots >= len(self._ids):
                # The last is nobody's, and what -1 leads to.
                grown = np.full(head.slots + head.slots // 8 + 1, "", dtype=object)
                grown[: self._known] = self._ids[: self._known]
                self._ids = grown
            if head.slots > self._known:
                asked = "SELECT slot, id FROM rows WHERE slot >= ?"
                for slot, name in connection.execute(asked, (self._known,)):
                    self._ids[slot] = name
                self._known = head.slots
            self._version = moment.version
        return True
