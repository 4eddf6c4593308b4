"""The files of a model folder: where they lie, what they are called, and how they are read.

Every file but the manifest is written once, under its role's plain name in a fresh folder and
with the beginning of its SHA-256 in the name in any other.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from likewise.errors import DamagedModel, SaveFailed
from likewise.io import atomic
from likewise.model.manifest import AGAIN, ROLES, FileEntry

FILE_BYTES = 4 << 30
PARSED_BYTES = {
    "recipe": 1 << 20,
    "transform": 1 << 20,
    "encoder": (2 << 30) - 1,
    "matcher": (2 << 30) - 1,
    "calibration": 1 << 24,
    "reference": 1 << 28,
    "trained_on": 1 << 28,
    "training": 1 << 26,
}
"""Role, of any input → the most bytes of its file.

What is read into many objects takes many times as much.
"""


def most_bytes(role: str) -> int:
    """How large the file of a role may be."""
    return min(FILE_BYTES, PARSED_BYTES.get(role.partition(".")[0], FILE_BYTES))


def inside(folder: Path, name: str) -> Path:
    """The path of a file, once it is sure that no link leads it out of the folder.

    Raises:
        DamagedModel: If one does.
    """
    path = folder / name
    try:
        found = Path(os.path.realpath(path))
        home = os.path.realpath(folder)
    except (ValueError, OSError) as error:  # a NUL in the name, or too many links
        raise DamagedModel(f"{str(path)!r} cannot be looked up: {error}. {AGAIN}") from error
    if not found.is_relative_to(home):
        raise DamagedModel(
            f"{path} is a link that leads out of the folder, to {found}, and a model's files are "
            f"expected inside. {AGAIN}"
        )
    return path


def unreadable_file(path: Path, error: OSError | MemoryError) -> DamagedModel:
    """The error for a file of a model that is there no longer or cannot be read."""
    if isinstance(error, FileNotFoundError):
        return DamagedModel(f"{path} is missing. {AGAIN}")
    cause = error.strerror if isinstance(error, OSError) else "it does not fit into memory"
    return DamagedModel(f"{path} cannot be read: {cause}. Check its rights. {AGAIN}")


def foreign_file(folder: Path) -> str | None:
    """Something that no save of ours can have left there, if there is anything."""
    with os.scandir(folder) as entries:
        found = {entry.name: entry for entry in entries}
    encoders = found.get("encoders")
    names = {name: entry.is_file(follow_symlinks=False) for name, entry in found.items()}
    if encoders is not None and encoders.is_dir(follow_symlinks=False):
        del names["encoders"]
        with os.scandir(encoders) as entries:
            names |= {f"encoders/{e.name}": e.is_file(follow_symlinks=False) for e in entries}
    return next((name for name in sorted(names) if not (names[name] and ours(name))), None)


def ours(name: str) -> bool:
    """Whether a save writes files under that name, temporary ones included."""
    place, _, last = name.rpartition("/")
    if place in ("", "encoders") and atomic.PART.fullmatch(last):
        return True
    return re.sub(r"-[0-9a-f]{6,64}(?=\.\w+$)", "", name) in ROLES.values()


def write_file(
    folder: Path,
    role: str,
    data: bytes,
    *,
    fresh: bool,
    old: Mapping[str, FileEntry],
    made: list[Path],
) -> FileEntry:
    """Write one file under a name that no other content has or had.

    Args:
        folder: Of the model.
        role: Of the file.
        data: Its bytes.
        fresh: Whether the folder has no manifest, so that the plain name is free to use.
        old: The files of the manifest that stands.
        made: Gets what was not there before, so that it can be removed if the save fails.

    Raises:
        SaveFailed: If it could not be written.
    """
    if len(data) > most_bytes(role):
        raise SaveFailed(
            f"{role} has {len(data)} bytes, and at most {most_bytes(role)} can be saved."
        )
    sha256 = hashlib.sha256(data).hexdigest()
    used = {entry.path: entry.sha256 for entry in old.values()}
    stem, _, suffix = ROLES[role].rpartition(".")
    names = [f"{stem}-{sha256[:digits]}.{suffix}" for digits in (6, 16, 64)]
    for name in [ROLES[role], *names] if fresh else names:
        path = inside(folder, name)
        there = os.path.lexists(path)
        if used.get(name, sha256) == sha256 and (not there or atomic.holds_bytes(path, data)):
            break
    if not path.parent.exists():
        atomic.make_folder(path.parent)
        made.append(path.parent)
    if not there:
        made.append(path)
    atomic.write_new(path, data)
    return FileEntry(name, sha256)
