"""Files that are written whole or not at all.

A file is written beside its place under a temporary name, flushed to the disk and only then given
its name; its folder is flushed last. Whoever is killed in between leaves at most a file whose name
matches `PART`, which nobody reads.

What is made here shows people, so that it is its owner's alone (0600, folders 0700), unless
`LIKEWISE_MODE` says otherwise; a file that is replaced keeps its mode.
"""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from likewise.errors import BadArgument, LikewiseError, SaveFailed

PART = re.compile(r"\.likewise-[0-9a-f]{16}\.part")
"""What temporary files are called."""

MODE = "LIKEWISE_MODE"
"""The environment variable that says which mode new files get, in octal: 0660."""

_CAUSES = {
    errno.ENOSPC: "the disk is full. Free some space or choose another place",
    errno.EDQUOT: "your quota is used up. Free some space or choose another place",
    errno.EROFS: "the file system is read-only. Choose another place",
    errno.EACCES: "you may not write there. Change the rights or choose another place",
    errno.EPERM: "you may not write there. Change the rights or choose another place",
}


def file_mode() -> int:
    """The mode of new files.

    Raises:
        BadArgument: If `LIKEWISE_MODE` is no mode that lets the owner read and write.
    """
    given = os.environ.get(MODE, "0600")
    if not re.fullmatch(r"0?o?6[046][046]", given):
        raise BadArgument(
            f"The mode of new files is {given!r} (--mode, or {MODE}), and three digits of which "
            "the owner's is 6 are expected: 600, 640 or 660."
        )
    return int(given[-3:], 8)


def open_private(path: Path, flags: int, mode: int | None = None) -> int:
    """Make a file that is not there yet, with the mode of new files, and open it.

    Args:
        path: Of the file.
        flags: Of `os.open`.
        mode: Another mode, of which the umask is taken away.

    Raises:
        FileExistsError: If there is one.
        OSError: If it cannot be made.
    """
    flags |= os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    if mode is not None:
        return os.open(path, flags, mode)
    mode = file_mode()
    file = os.open(path, flags, mode & 0o600)
    if mode != 0o600 and hasattr(os, "fchmod"):  # what the umask would take away was asked for
        os.fchmod(file, mode)
    return file


def _write(file: int, data: memoryview) -> None:
    # One system call takes at most 2 GiB.
    while data:
        data = data[os.write(file, data) :]


def _sync(file: int) -> None:
    os.fsync(file)


def _sync_data(file: int) -> None:
    # The times of a file, which nobody reads here, would have to go through the file system's log.
    getattr(os, "fdatasync", os.fsync)(file)


def _rename(source: Path, target: Path) -> None:
    source.replace(target)


def write_at(file: int, data: bytes, place: int, *, flush: bool = True) -> None:
    """Write bytes at a place of an open file and flush what was written to the disk.

    Args:
        file: Its descriptor.
        data: May be empty, to flush alone.
        place: Of the first byte.
        flush: Whether to flush.

    Raises:
        OSError: If that cannot be done.
    """
    os.lseek(file, place, os.SEEK_SET)
    _write(file, memoryview(data))
    if flush:
        _sync_data(file)


@contextlib.contextmanager
def saving(path: Path) -> Iterator[None]:
    """Say what the system refused as `SaveFailed`; errors of the house pass."""
    try:
        yield
    except LikewiseError:
        raise
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, error.strerror or str(error))
        raise SaveFailed(
            f"{path} could not be written: {cause}. What was there before still stands."
        ) from error


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet; the same bytes may be.

    Raises:
        SaveFailed: If it could not be written, or is there with other bytes.
    """
    with saving(path):
        if not os.path.lexists(path):
            _place(path, data)
        elif holds_bytes(path, data):
            # Whoever wrote it may have been killed before the folder was flushed.
            sync_folder(path.parent)
        else:
            raise SaveFailed(
                f"{path} is there already with other content, and a new file is expected. "
                "Move it away or choose another name."
            )


def replace(path: Path, data: bytes, *, public: bool = False) -> None:
    """Write a file over the one that may be there.

    Args:
        path: Of the file.
        data: All of it.
        public: Whether it shows nobody, and others may read it as the umask says.

    Raises:
        SaveFailed: If it could not be written; the old file then stands, unless only the last
            flush of the folder failed.
    """
    with saving(path):
        _place(path, data, 0o666 if public else None)


@contextlib.contextmanager
def replacing(*paths: Path) -> Iterator[tuple[BinaryIO, ...]]:
    """Files to write over those that may be there, for content too large to hold in memory.

    All are complete on the disk before the first gets its name; they get them in this order.

    Raises:
        SaveFailed: If one could not be written; those not named yet are as they were before.
    """
    parts = [_part(path.parent) for path in paths]
    with saving(paths[0]):
        try:
            with contextlib.ExitStack() as stack:
                files = tuple(
                    stack.enter_context(os.fdopen(_open_new(part, path), "wb"))
                    for part, path in zip(parts, paths, strict=True)
                )
                yield files
                for file in files:
                    file.flush()
                    _sync(file.fileno())
            for part, path in zip(parts, paths, strict=True):
                _rename(part, path)
            for folder in dict.fromkeys(path.parent for path in paths):
                sync_folder(folder)
        except BaseException:
            for part in parts:
                discard_path(part)
            raise


def probe_folder(folder: Path) -> None:
    """Find out whether files can be written there, by writing one and removing it.

    Raises:
        SaveFailed: If not.
    """
    with saving(folder):
        part = _part(folder)
        try:
            _fill(part, bytes(4096))
        finally:
            discard_path(part)


def make_folder(path: Path) -> None:
    """Make a folder in one that is there.

    Raises:
        SaveFailed: If it cannot be made; nothing is left then.
    """
    with saving(path):
        if not path.parent.is_dir():
            raise SaveFailed(
                f"{path} could not be made: there is no folder {path.parent}. Make that first."
            )
        mode = file_mode()
        # Who may read a file must be able to enter its folder.
        path.mkdir(0o700)
        try:
            if mode != 0o600:
                path.chmod(mode | (mode & 0o444) >> 2)
            sync_folder(path.parent)
        except BaseException:
            discard_path(path)
            raise


def discard_path(path: Path) -> None:
    """Remove a file or an empty folder if that is possible, and say nothing if not."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()


def holds_bytes(path: Path, data: bytes) -> bool:
    """Whether a plain file with exactly these bytes is there."""
    status = path.lstat()
    plain = stat.S_ISREG(status.st_mode) and status.st_size == len(data)
    return plain and path.read_bytes() == data


def _place(path: Path, data: bytes, mode: int | None = None) -> None:
    part = _part(path.parent)
    try:
        _fill(part, data, path, mode)
        _rename(part, path)
        sync_folder(path.parent)
    except BaseException:
        discard_path(part)
        raise


def _part(folder: Path) -> Path:
    return folder / f".likewise-{os.urandom(8).hex()}.part"


def _open_new(path: Path, over: Path | None = None, mode: int | None = None) -> int:
    """Make a file; it gets the mode of the one that it is to replace, if that is there."""
    file = open_private(path, os.O_WRONLY, mode)
    if over is not None and hasattr(os, "fchmod"):
        with contextlib.suppress(OSError):
            os.fchmod(file, stat.S_IMODE(over.stat().st_mode))
    return file


def _fill(path: Path, data: bytes, over: Path | None = None, mode: int | None = None) -> None:
    file = _open_new(path, over, mode)
    try:
        _write(file, memoryview(data))
        _sync(file)
    finally:
        os.close(file)


def sync_folder(folder: Path) -> None:
    """Flush the names of a folder's files to the disk.

    Raises:
        OSError: If that cannot be done.
    """
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        _sync(file)
    except OSError as error:
        # Some network file systems have no such call; they keep the order of renames themselves.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(file)


def check_page(page: Path) -> None:
    """Refuse a place where no page could be written, before any work is done.

    Raises:
        BadArgument: If it does not end in .html, is a folder, or its folder is not there or takes
            no file.
    """
    if page.suffix.lower() not in {".html", ".htm"}:
        raise BadArgument(
            f"{page} does not end in .html, and the report is such a page. Name it so."
        )
    if page.is_dir():
        raise BadArgument(f"{page} is a folder, and the report is a file. Name a file in it.")
    if not page.parent.is_dir():
        raise BadArgument(
            f"{page.parent} is no folder, and the report is to go there. Make it first."
        )
    if not os.access(page.parent, os.W_OK):
        raise BadArgument(
            f"{page.parent} takes no file, and the report is to go there. Name another place with "
            "--report."
        )
