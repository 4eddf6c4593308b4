"""The append-only file of vectors beside a SQLite store, mapped into memory.

A header of 64 bytes (what the file is, the length of a vector, which gallery it belongs to), then
float32 numbers, one vector after the other. A vector's place is its slot; no slot is written twice,
except with zeros when its row is removed. The file is longer than what is in it, so that a map of
it stays good while it fills.
"""

import mmap
import os
import struct
from pathlib import Path

import numpy as np

from likewise.errors import DamagedGallery, SaveFailed
from likewise.io import atomic
from likewise.shapes import Array, Float

MAGIC = b"LikewiseVectors\x01"
TOKEN_BYTES = 16
_HEADER = struct.Struct("<16sI16s28x")
# The file grows by an eighth, and by at least this much: a new map costs page faults.
_GROWTH = 2**20


class Vectors:
    """One file of vectors.

    Args:
        path: Of the file, which is there.
        dim: Length of a vector.
        token: Of the gallery that it belongs to.

    Raises:
        FileNotFoundError: If there is none.
        DamagedGallery: If it is another file.
    """

    def __init__(self, path: Path, dim: int, token: bytes) -> None:
        self.path = path
        self.dim = dim
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            found = os.read(self._file, _HEADER.size)
            if found != _header(dim, token):
                raise DamagedGallery(  # noqa: TRY301 - the file is closed in one place
                    f"{path} is not the file of vectors of this gallery. Put the one back that "
                    "was beside it."
                )
        except BaseException:
            os.close(self._file)
            raise
        self._mapped = np.zeros((0, dim), dtype=np.float32)

    def close(self) -> None:
        """Give the file back; arrays that were taken from it stay good."""
        self._mapped = np.zeros((0, self.dim), dtype=np.float32)
        os.close(self._file)

    def room(self) -> int:
        """For how many vectors the file is long enough."""
        return max(0, os.fstat(self._file).st_size - _HEADER.size) // (4 * self.dim)

    def view(self, slots: int) -> Float[Array, "slots dim"]:
        """The vectors in the first slots, read only, as they are in the file.

        Raises:
            DamagedGallery: If the file is too short for them.
        """
        size = os.fstat(self._file).st_size
        if size < _HEADER.size + 4 * self.dim * slots:
            raise DamagedGallery(
                f"{self.path} is truncated: it has {size:,} bytes, and {slots:,} vectors of "
                f"{self.dim} numbers need {_HEADER.size + 4 * self.dim * slots:,}. Restore the "
                "gallery from a copy."
            )
        if slots > len(self._mapped):
            there = (size - _HEADER.size) // (4 * self.dim)
            mapped = mmap.mmap(self._file, size, access=mmap.ACCESS_READ)
            flat = np.frombuffer(mapped, np.float32, there * self.dim, _HEADER.size)
            self._mapped = flat.reshape(there, self.dim)
        return self._mapped[:slots]


def create(path: Path, dim: int, token: bytes, *, adopt: bool = False) -> bytes:
    """Make an empty file of vectors, on the disk when this returns; it is the owner's alone.

    Args:
        path: Of the file.
        dim: Length of a vector.
        token: Of the gallery.
        adopt: Whether a file that is there may be taken, if it is one of such vectors and holds
            none: whoever made it was killed before the gallery was there.

    Returns:
        The token in the file: the one given, or that of the file that was taken.

    Raises:
        SaveFailed: If something is there, which is left as it is.
        OSError: If it cannot be made.
    """
    try:
        file = atomic.open_private(path, os.O_RDWR)
    except FileExistsError:
        if adopt:
            check_room(path, dim)
            return token_of(path, dim, empty=True) or token
        raise _in_the_way(path) from None
    try:
        atomic.write_at(file, _header(dim, token), 0)
    finally:
        os.close(file)
    atomic.sync_folder(path.parent)
    return token


def check_room(path: Path, dim: int) -> None:
    """Refuse a file that stands where the vectors of a new gallery would be written.

    Raises:
        SaveFailed: If there is one, and it is no empty file of such vectors.
    """
    if os.path.lexists(path) and token_of(path, dim, empty=True) is None:
        raise _in_the_way(path)


def _in_the_way(path: Path) -> SaveFailed:
    return SaveFailed(
        f"{path} is there already, and the vectors of a new gallery would be written there. It is "
        "left as it is: it may be another gallery's. Move it away, or name the new gallery "
        "otherwise."
    )


def token_of(path: Path, dim: int | None = None, *, empty: bool = False) -> bytes | None:
    """The token in a file of vectors; None if it is no plain file of them.

    Args:
        path: Of the file; what a link leads to is not looked at.
        dim: The length that its vectors must have; any if None.
        empty: Whether it must hold no vector.
    """
    try:
        file = os.open(
            path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        )
    except OSError:
        return None
    try:
        front = os.read(file, _HEADER.size + 1)
    except OSError:  # a folder
        return None
    finally:
        os.close(file)
    if len(front) < _HEADER.size or (empty and len(front) > _HEADER.size):
        return None
    magic, found, token = _HEADER.unpack(front[: _HEADER.size])
    named: bytes = token
    return named if magic == MAGIC and dim in (None, found) else None


def append(path: Path, slot: int, vectors: Float[Array, "n dim"], *, flush: bool = True) -> None:
    """Write vectors from a slot on, on the disk (with all that was written before) if `flush`.

    Raises:
        OSError: If they cannot be written; the slots before are as they were.
    """
    dim = vectors.shape[1]
    start = _HEADER.size + 4 * dim * slot
    data = np.ascontiguousarray(vectors, dtype="<f4")
    file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(file).st_size
        if start + data.nbytes > size:
            os.truncate(file, start + data.nbytes + max(_GROWTH, size // 8))
        atomic.write_at(file, data.tobytes(), start, flush=flush)
    finally:
        os.close(file)


def wipe(path: Path, dim: int, slots: list[int]) -> None:
    """Overwrite slots with zeros, on the disk when this returns.

    Raises:
        OSError: If that cannot be done.
    """
    file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        for first, count in _runs(slots):
            for start in range(first, first + count, 4096):
                some = min(4096, first + count - start)
                zeros = bytes(4 * dim * some)
                atomic.write_at(file, zeros, _HEADER.size + 4 * dim * start, flush=False)
        atomic.write_at(file, b"", 0)
    finally:
        os.close(file)


def wipe_tail(path: Path, dim: int, slots: int) -> bool:
    """Overwrite with zeros what stands behind the slots that were given; say if anything did.

    A writer that was killed between its vectors and their rows left them there.

    Raises:
        OSError: If that cannot be done.
    """
    file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    found = False
    try:
        place = os.lseek(file, _HEADER.size + 4 * dim * slots, os.SEEK_SET)
        while part := os.read(file, _GROWTH):
            if part.strip(b"\0"):
                atomic.write_at(file, bytes(len(part)), place, flush=False)
                found = True
            place += len(part)
        if found:
            atomic.write_at(file, b"", 0)
    finally:
        os.close(file)
    return found


def has_tail(path: Path, dim: int, slots: int) -> bool:
    """Whether anything stands behind the slots that were given."""
    with path.open("rb") as file:
        file.seek(_HEADER.size + 4 * dim * slots)
        return any(part.strip(b"\0") for part in iter(lambda: file.read(_GROWTH), b""))


def _runs(slots: list[int]) -> list[tuple[int, int]]:
    """Slots as first ones and lengths of runs."""
    ordered = np.unique(np.asarray(slots, dtype=np.int64))
    starts = np.flatnonzero(np.diff(ordered, prepend=-2) != 1)
    lengths = np.diff(np.append(starts, len(ordered)))
    return list(zip(ordered[starts].tolist(), lengths.tolist(), strict=True))


def _header(dim: int, token: bytes) -> bytes:
    return _HEADER.pack(MAGIC, dim, token)
