"""One item that somebody gave: the path of a file, the bytes of one, a PIL image, or an array."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from likewise.errors import BadArgument, LikewiseError, SourceNotFound, UnreadableItem
from likewise.io.bounded import LARGEST_ITEM_BYTES, read_named
from likewise.io.display import printable, shortened
from likewise.kinds import FAMILY as KINDS
from likewise.shapes import Array
from likewise.types import Raw

ONE = "the path of a file, its bytes, a PIL image, or an array"
_DIRECT_MODES = ("L", "RGB", "RGBA")
# The file that holds all of a mode, so that it is read as that file would be.
_FILES = {
    "I": "TIFF",
    "F": "TIFF",
    **dict.fromkeys(("1", "LA", "P", "I;16", *_DIRECT_MODES), "PNG"),
}


def read_item(path: str | Path) -> bytes:
    """The bytes of the file of one item.

    Raises:
        SourceNotFound: If there is no such file.
        UnreadableItem: If it cannot be read.
    """
    try:
        return read_named(Path(path), LARGEST_ITEM_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceNotFound(f"There is no file {str(path)!r}. Check its path.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or error
        raise UnreadableItem(
            f"{shortened(path, 300)} cannot be read: {why}. Give a file that can."
        ) from error


def as_item(given: object, kind: str, name: str) -> tuple[Raw, str]:
    """Return the raw item of what somebody gave as one, and what an error calls it.

    Args:
        given: The path of a file, the bytes of one, a PIL image, an array or a list of numbers.
        kind: What it is.
        name: What an error calls it where it has no path.

    Raises:
        SourceNotFound: If there is no such file.
        UnreadableItem: If it cannot be read.
        BadArgument: If it is no item.

    Example:
        >>> import numpy as np
        >>> as_item(np.zeros((4, 4), np.uint8), "image", "the probe")[1]
        'the probe'
    """
    if isinstance(given, str | Path):
        return read_item(given), printable(str(given))
    if isinstance(given, bytes | bytearray | memoryview):
        return bytes(given), name
    if is_picture(given):
        return picture_of(given), name
    array = numbers_in(given)
    if array is None or array.ndim == 0 or array.size == 0:
        raise BadArgument(
            f"{name.capitalize()} is {words_for(given)}, and one item is expected: {ONE}."
        )
    adopting = KINDS.build(kind)
    if adopting.recognises(array):
        return array, name
    try:
        return adopting.adopt([array])[0][0], name
    except BadArgument as error:
        raise BadArgument(f"{name.capitalize()}: {error}") from error


def is_picture(given: object) -> bool:
    """Whether it is a PIL image; Pillow is not imported to know."""
    return any(base.__module__.startswith("PIL.") for base in type(given).__mro__)


def numbers_in(given: object) -> Array | None:
    """The numbers of an array, a tensor or a list; None of what holds none."""
    if isinstance(given, str | bytes | Mapping) or is_picture(given):
        return None
    if not hasattr(given, "__array__") and not isinstance(given, list | tuple):
        return None
    try:
        array: Array = np.asarray(given)
    except LikewiseError:
        raise
    except Exception as error:
        raise BadArgument(
            f"{words_for(given)} cannot be read as an array ({shortened(str(error), 200)}). Give a "
            "numpy array, as of x.detach().cpu().numpy()."
        ) from error
    return array if array.dtype.kind in "buif" else None


def picture_of(given: Any) -> Raw:
    """A PIL image as it is read from a file: upright, with all that its mode holds."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(given)
    if upright.mode in _DIRECT_MODES and "transparency" not in upright.info:
        return np.asarray(upright)
    form = _FILES.get(upright.mode, "")
    packed = io.BytesIO()
    (upright if form else upright.convert("RGB")).save(packed, form or "PNG")
    return packed.getvalue()


def words_for(given: object) -> str:
    """What somebody gave, in words: `an int`, `a dict`, `an array float32 [3 4]`."""
    if isinstance(given, np.ndarray):
        return f"an array {given.dtype} {list(given.shape)}"
    name = type(given).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
