"""How much may come out of a file: plain files of bounded size, and the memory of this machine."""

import errno
import os
import stat
from functools import cache
from pathlib import Path

LARGEST_ITEM_BYTES = 256 * 2**20
"""The most that is read of one item, however it is packed."""
_GROUPS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def check_plain(path: Path, limit: int) -> None:
    """Refuse what is no plain file (a pipe would be waited for) or has more than `limit` bytes.

    Raises:
        OSError: Saying which; callers say it as an error of the house.
    """
    _check(path.stat(), limit)


def read_plain(path: Path, limit: int) -> bytes:
    """The bytes of a plain file of at most `limit` bytes.

    Raises:
        OSError: If it is none, or cannot be read; callers say it as an error of the house.
    """
    check_plain(path, limit)
    # Opened without blocking and looked at again: it may be another file a moment later.
    with open(path, "rb", opener=_opened) as file:
        status = os.fstat(file.fileno())
        _check(status, limit)
        data = file.read(status.st_size + 1)
    if len(data) > status.st_size:
        raise OSError(errno.EBUSY, "it grows while it is read")
    return data


def read_named(path: Path, limit: int) -> bytes:
    """The bytes of a file that a person named, which may be a pipe, and is waited for then.

    Raises:
        OSError: If it has more than `limit` bytes or cannot be read.
    """
    if stat.S_ISREG(path.stat().st_mode):
        return read_plain(path, limit)
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit} bytes, the most that are read")
    return data


def _check(status: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no plain file")
    if status.st_size > limit:
        raise OSError(errno.EFBIG, f"it has {status.st_size} bytes, at most {limit} are expected")


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@cache
def memory_bytes() -> int:
    """The memory of this machine, or of the container that this process is in."""
    sizes = []
    if hasattr(os, "sysconf"):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _GROUPS:
        try:
            sizes.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such group, or `max`
            continue
    return min(sizes, default=8 * 2**30)
