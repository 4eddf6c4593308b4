"""The files of a directory, or of a .zip read in place: their names, and what reads one."""

import os
import re
import threading
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from likewise.errors import DamagedSource, SourceNotFound, UnreadableItem
from likewise.io.bounded import LARGEST_ITEM_BYTES, read_plain
from likewise.io.display import printable, shortened

LARGEST_MEMBER_BYTES = LARGEST_ITEM_BYTES


@dataclass(frozen=True)
class Files:
    """Files in natural order (item2 before item10), of which none is opened yet.

    Attributes:
        place: The directory or archive, as errors name it.
        namespace: Its name without `.zip`, printable.
        names: Each file's path inside it, posix.
        read: Gives the bytes of the file with one of these names; it can be pickled.
    """

    place: str
    namespace: str
    names: tuple[str, ...]
    read: Callable[[str], bytes]

    def place_of(self, name: str) -> str:
        """What an error calls the file."""
        return printable(f"{self.place.rstrip('/')}/{name}")


@dataclass(frozen=True)
class FileOfRow:
    """Reads the file of each row of a table.

    Attributes:
        files: What holds them.
        names: The name of each row's file.
    """

    files: Files
    names: Sequence[str]

    def __call__(self, row: int) -> bytes:
        """Read the file of this row."""
        return self.files.read(self.names[row])


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
    why = "there is nothing"
    try:
        if root.is_dir():
            return _of_directory(root)
        if root.is_file():
            return _of_zip(root)
        if root.exists():
            raise DamagedSource(
                f"{path!r} is neither a folder nor a file. Give a folder or a .zip."
            )
    except OSError as error:
        if isinstance(error, SourceNotFound):
            raise
        why = f"{error.strerror or error}, and nothing can be read"
    raise SourceNotFound(
        f"{why} at {shortened(repr(path), 300)}. Give the path of a folder, or of a .zip, that "
        "exists."
    )


def _visible(name: str) -> bool:
    parts = parts_of(name)
    return bool(parts) and not any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _listed(root: Path) -> list[str]:
    """The files below a folder, whatever its depth, without those that are hidden."""
    names = []
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(str(root / folder)) as entries:
                for entry in entries:
                    if not _visible(entry.name):
                        continue
                    name = f"{folder}/{entry.name}".lstrip("/")
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(name)
                    # Links to folders could lead out of the root, or round in circles.
                    elif not _leads_to_folder(entry):
                        names.append(name)
        except OSError as error:
            raise DamagedSource(
                f"the folder {shortened(root / folder, 300)} cannot be listed: "
                f"{error.strerror or error}. Make it readable, or move it out."
            ) from error
    return names


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circle of links, which is named when it is read
        return False


def _of_directory(root: Path) -> Files:
    names = tuple(sorted(_listed(root), key=natural))
    namespace = printable(root.resolve().name or "/")
    return Files(str(root), namespace, names, _FolderReader(root))


@dataclass(frozen=True)
class _FolderReader:
    """Reads the files below a folder by their names."""

    root: Path

    def __call__(self, name: str) -> bytes:
        path = self.root / name
        place = printable(str(path))
        try:
            if path.is_symlink():
                real = path.resolve(strict=True)
                if not real.is_relative_to(self.root.resolve()):
                    raise UnreadableItem(
                        f"{place} is a link to {printable(str(real))}, outside the folder "
                        f"{printable(str(self.root))}, and is not followed. Copy the file into the "
                        "folder."
                    )
            if not path.is_file():
                path.stat()
                raise UnreadableItem(f"{place} is no ordinary file. Remove it from the folder.")
            return read_plain(path, LARGEST_ITEM_BYTES)
        except OSError as error:
            raise UnreadableItem(
                f"{place} cannot be read: {error.strerror or error}. Restore it or remove it."
            ) from error
        except RuntimeError as error:  # what a circle of links raises before Python 3.13
            raise UnreadableItem(
                f"{place} cannot be read: {shortened(error)}. Remove it."
            ) from error


def _of_zip(root: Path) -> Files:
    read = _ZipReader(root)
    names = sorted((name for name in read.members if _visible(name)), key=natural)
    return Files(str(root), printable(root.resolve().stem), tuple(names), read)


@final
class _ZipReader:
    """Reads the members of an archive by their names; pickled, it is the archive's path."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self._archive = zipfile.ZipFile(root)
        except Exception as error:
            raise DamagedSource(
                f"{root} is no folder and cannot be opened as a .zip: {shortened(error, 200)}. "
                "Give a folder or an intact .zip."
            ) from error
        self._lock = threading.Lock()
        self.members = {one.filename: one for one in self._archive.infolist() if not one.is_dir()}

    def __reduce__(self) -> tuple[type["_ZipReader"], tuple[Path]]:
        return (_ZipReader, (self.root,))

    def __call__(self, name: str) -> bytes:
        info = self.members.get(name)
        place = printable(f"{self.root}/{name}")
        if info is None:
            raise UnreadableItem(
                f"{place} is not in the archive any more. Read the source again: source.items()."
            )
        if info.file_size > LARGEST_MEMBER_BYTES:
            raise UnreadableItem(
                f"{place} says that it unpacks to {info.file_size} bytes, and at most "
                f"{LARGEST_MEMBER_BYTES} are read from an archive. Unpack it into a folder."
            )
        try:
            with self._lock:
                return self._archive.read(info)
        except Exception as error:
            raise UnreadableItem(
                f"{place} cannot be read from the archive: {shortened(error, 200)}. Pack it again."
            ) from error
