"""The files of a directory, or of a .zip read in place: their names, and what reads one."""

import os
import re
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likewise.errors import DamagedSource, SourceNotFound, UnreadableItem

LARGEST_MEMBER_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Files:
    """Files in natural order (item2 before item10), of which none is opened yet.

    Attributes:
        place: The directory or archive, as errors name it.
        namespace: Its name without `.zip`.
        names: Each file's path inside it, posix.
        read: Gives the bytes of the file with one of these names.
    """

    place: str
    namespace: str
    names: tuple[str, ...]
    read: Callable[[str], bytes]

    def place_of(self, name: str) -> str:
        """What an error calls the file."""
        return f"{self.place.rstrip('/')}/{name}"


def parts_of(name: str) -> tuple[str, ...]:
    """The folders and the file of a path; steps to nowhere (`..`, `.`) and the root do not count.

    Nothing is ever extracted, so a member that names a way out of its archive is only a name.
    """
    parts = name.replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in {"", ".", ".."})


def natural(name: str) -> tuple[object, ...]:
    """A sorting key that puts item2 before item10, folder by folder."""
    key: list[object] = []
    for part in parts_of(name):
        pieces: list[Any] = re.split(r"([0-9]+)", part)
        # Digits are compared by length first, since a name may hold more than int() takes.
        digits = [piece.lstrip("0") for piece in pieces[1::2]]
        pieces[1::2] = [(len(number), number) for number in digits]
        key.append(tuple(pieces))
    return (tuple(key), name)


def open_files(path: str) -> Files:
    """List the files of a directory or .zip without those that are hidden.

    Args:
        path: Of the directory or of the archive.

    Raises:
        SourceNotFound: If there is nothing at the path.
        DamagedSource: If it is neither a directory nor a .zip that can be read.
    """
    root = Path(os.path.expanduser(path))  # noqa: PTH111 - a missing home is no error here
    if root.is_dir():
        return _of_directory(root)
    if root.exists():
        return _of_zip(root)
    raise SourceNotFound(
        f"there is nothing at {path!r}. Give the path of a folder, or of a .zip, that exists."
    )


def _visible(name: str) -> bool:
    parts = parts_of(name)
    return bool(parts) and not any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _of_directory(root: Path) -> Files:
    def refuse(error: OSError) -> None:
        raise DamagedSource(
            f"the folder {error.filename} cannot be listed: {error.strerror}. "
            "Make it readable, or move it out."
        ) from error

    names = []
    # Links to folders are not followed: they could lead out of the root, or round in circles.
    for folder, inside, files in os.walk(root, onerror=refuse):
        inside[:] = [name for name in inside if _visible(name)]
        relative = Path(folder).relative_to(root)
        names += [(relative / name).as_posix() for name in files if _visible(name)]

    def read(name: str) -> bytes:
        path = root / name
        try:
            if path.is_symlink():
                real = path.resolve(strict=True)
                if not real.is_relative_to(root.resolve()):
                    raise UnreadableItem(
                        f"{path} is a link to {real}, outside the folder {root}, and is not "
                        "followed. Copy the file into the folder."
                    )
            if not path.is_file():
                # Without this a pipe would be waited for without end.
                path.stat()
                raise UnreadableItem(f"{path} is no ordinary file. Remove it from the folder.")
            return path.read_bytes()
        except OSError as error:
            raise UnreadableItem(
                f"{path} cannot be read: {error.strerror or error}. Restore it or remove it."
            ) from error
        except RuntimeError as error:  # what a circle of links raises before Python 3.13
            raise UnreadableItem(f"{path} cannot be read: {error}. Remove it.") from error

    return Files(str(root), root.resolve().name or "/", tuple(sorted(names, key=natural)), read)


def _of_zip(root: Path) -> Files:
    try:
        archive = zipfile.ZipFile(root)
    except Exception as error:
        raise DamagedSource(
            f"{root} is no folder and cannot be opened as a .zip: {error}. "
            "Give a folder or an intact .zip."
        ) from error
    lock = threading.Lock()
    members = {info.filename: info for info in archive.infolist() if not info.is_dir()}

    def read(name: str) -> bytes:
        info = members[name]
        if info.file_size > LARGEST_MEMBER_BYTES:
            raise UnreadableItem(
                f"{root}/{name} says that it unpacks to {info.file_size} bytes, and at most "
                f"{LARGEST_MEMBER_BYTES} are read from an archive. Unpack it into a folder."
            )
        try:
            with lock:
                return archive.read(info)
        except Exception as error:
            raise UnreadableItem(
                f"{root}/{name} cannot be read from the archive: {error}. Pack it again."
            ) from error

    names = sorted((name for name in members if _visible(name)), key=natural)
    return Files(str(root), root.resolve().stem, tuple(names), read)
