"""Much data put end to end: in memory where it is small, else in a temporary file that is mapped.

On the disk it is written before it is mapped, because a full disk fails a write with an error and a
write to mapped memory by a signal. The file has no name, or loses it when its last handle goes, so
that not even a kill leaves it behind.
"""

import io
import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, final

import numpy as np

from likewise.errors import SaveFailed
from likewise.shapes import Array


@final
class SpillBuffer:
    """Where arrays of one type are put one after the other.

    Args:
        size: How many bytes there will be.
        large_bytes: More than this many go to a temporary file.
        what: What they are, for errors: `decoded images`.

    Raises:
        SaveFailed: If the temporary file cannot be made.
    """

    def __init__(self, size: int, large_bytes: int, what: str) -> None:
        self._size = size
        self._what = what
        self._file: IO[bytes] = io.BytesIO()
        if size > large_bytes:
            with self._saving():
                self._file = tempfile.TemporaryFile(prefix="likewise-")  # noqa: SIM115

    def add(self, values: Array) -> None:
        """Put an array behind the others.

        Raises:
            SaveFailed: If it cannot be written.
        """
        with self._saving():
            self._file.write(np.ascontiguousarray(values).data)

    def content(self, dtype: type[np.generic], *shape: int) -> Array:
        """All of it, as an array of this type and shape that cannot be written to.

        Raises:
            SaveFailed: If the file cannot be mapped.
        """
        held: bytes | mmap.mmap
        with self._saving():
            if isinstance(self._file, io.BytesIO):
                held = self._file.getvalue()
            else:
                self._file.flush()
                held = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(held, dtype=dtype).reshape(-1, *shape)

    def close(self) -> None:
        """Let go of the file; what was mapped stays."""
        with suppress(OSError):
            self._file.close()

    @contextmanager
    def _saving(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SaveFailed(
                f"the temporary file for {self._what} ({self._size} bytes, in "
                f"{tempfile.tempdir}) could not be written: {error}. Free some space, or let "
                "TMPDIR name a folder that has it."
            ) from error
