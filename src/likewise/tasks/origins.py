"""Where the item of a row came from, as enrolling notes it in the metadata of the row."""

import hashlib
from pathlib import Path

from likewise.errors import UnreadableItem
from likewise.gallery import DIGEST, PATH
from likewise.io.bounded import LARGEST_ITEM_BYTES, read_plain
from likewise.io.display import printable, shortened
from likewise.sources.base import Source
from likewise.stores.rows import Metadata, Value
from likewise.types import Raw


def origin_of(place: str) -> dict[str, Value]:
    """What to note of an item whose place is the path of a file; nothing of others."""
    path = Path(place)
    try:
        data = read_plain(path, LARGEST_ITEM_BYTES)
        return {PATH: str(path.absolute()), DIGEST: content_digest(data)}
    except (OSError, ValueError):
        return {}


def content_digest(data: bytes) -> str:
    """What tells one content of a file from another."""
    return hashlib.sha256(data).hexdigest()


class Origins:
    """Gives the items of rows again: those that were kept, else what a source or a path leads to.

    Args:
        source: Where items of the same places are, before their recorded paths; None for these
            alone.
    """

    def __init__(self, source: Source | None = None) -> None:
        self._items = None if source is None else source.items()
        places = [] if self._items is None else self._items.places.tolist()
        self._at = {printable(place): at for at, place in enumerate(places)}

    def read(self, name: str, metadata: Metadata, kept: bytes | None) -> Raw:
        """The item of a row.

        Args:
            name: The id of the row.
            metadata: Of the row.
            kept: The bytes that were kept of it.

        Raises:
            UnreadableItem: If there is none, or it is not what was enrolled.
        """
        if kept is not None:
            return kept
        if name in self._at:
            assert self._items is not None  # noqa: S101 - it has places
            return self._items.read(self._at[name])
        path = metadata.get(PATH)
        if not isinstance(path, str):
            raise UnreadableItem("it was not kept, and no path of it was noted")
        try:
            data = read_plain(Path(path), LARGEST_ITEM_BYTES)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise UnreadableItem(f"{shortened(path, 300)}: {why}") from error
        if content_digest(data) != metadata.get(DIGEST):
            raise UnreadableItem(f"{shortened(path, 300)} has changed since it was enrolled")
        return data
