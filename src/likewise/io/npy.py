"""The array in the bytes of an .npy file: nothing is unpickled, and its header is not believed."""

import io
import re
from math import prod

import numpy as np

from likewise.io.display import shortened
from likewise.shapes import Array, Shaped

MAGIC = b"\x93NUMPY"
_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # which differs in letters outside of ASCII only
}
_LONGEST_HEADER = 10_000
_MOST_AXES = 32
_LAST_LETTER = 0x10FFFF


def from_npy(data: bytes | bytearray | Shaped[Array, "n"], most: int) -> Shaped[Array, "..."]:
    """The array in the bytes of an .npy file, which stands where they stand.

    Args:
        data: The bytes; of `numpy.uint8` if an array.
        most: How many values it may hold.

    Raises:
        ValueError: Saying what is wrong with it, in words that follow its name.
    """
    file = io.BytesIO(bytes(data[: _LONGEST_HEADER + 100]))
    try:
        version = np.lib.format.read_magic(file)
        if version not in _READERS:
            raise ValueError(f"version {version[0]}.{version[1]}")  # noqa: TRY301 - one refusal
        shape, fortran, dtype = _READERS[version](file, max_header_size=_LONGEST_HEADER)
    except Exception as error:  # a damaged header fails in many ways
        words = re.sub("<[^>]*>", "...", shortened(error, 200))
        raise ValueError(f"its .npy header is damaged ({words})") from error
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are never unpickled")
    if (
        dtype.itemsize == 0
        or len(shape) > _MOST_AXES
        or any(type(size) is not int or size < 0 for size in shape)
    ):
        raise ValueError(f"its .npy header says {dtype} {list(shape)[:40]}, which is no array")
    count = prod(shape)
    if count > most:
        words = str(count) if count < 10**18 else "10^18 or more"
        raise ValueError(f"it declares {words} values, and {most} are the most")
    held = len(data) - file.tell()
    if held != count * dtype.itemsize:
        raise ValueError(
            f"it has {held} bytes of data, and its header says {count * dtype.itemsize}"
        )
    flat = np.frombuffer(data, dtype=dtype, count=count, offset=file.tell())
    if np.issubdtype(dtype, np.str_) and count:
        letters = flat.view(np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if int(letters.max()) > _LAST_LETTER:
            raise ValueError("it holds texts whose letters are none")
    return flat.reshape(shape, order="F" if fortran else "C")
