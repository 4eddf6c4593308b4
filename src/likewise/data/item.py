"""One item that somebody named: the path of a file, the bytes of one, or an array."""

from pathlib import Path

from likewise.errors import SourceNotFound, UnreadableItem
from likewise.io.bounded import LARGEST_ITEM_BYTES, read_named
from likewise.io.display import printable, shortened
from likewise.types import Raw


def raw_of(item: str | Path | Raw) -> Raw:
    """The raw item behind what somebody gave: a path is read.

    Raises:
        SourceNotFound: If there is no such file.
        UnreadableItem: If it cannot be read.
    """
    if not isinstance(item, str | Path):
        return item
    try:
        return read_named(Path(item), LARGEST_ITEM_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceNotFound(f"There is no file {str(item)!r}. Check its path.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or error
        raise UnreadableItem(
            f"{shortened(item, 300)} cannot be read: {why}. Give a file that can."
        ) from error


def place_of(item: str | Path | Raw, name: str) -> str:
    """What an error calls the item: its path, or a name for what has none."""
    return printable(str(item)) if isinstance(item, str | Path) else name
