"""The arrays in an .npz file, which is a .zip of .npy files; nothing in it is unpickled."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from likewise.errors import DamagedSource
from likewise.io.bounded import memory_bytes
from likewise.io.display import printable, shortened
from likewise.io.npy import MAGIC, from_npy
from likewise.shapes import Array

MEMORY_SHARE = 0.5
"""All arrays of a file may take this share of the memory: a few bytes can unpack to any number."""
CHUNK_BYTES = 2**20
AGAIN = "Write it with numpy.savez"


def read_npz(
    file: Path,
    path: str,
    needed: Sequence[str],
    known: Sequence[str],
    *,
    others: bool = False,
) -> dict[str, Array]:
    """Read every array of a file.

    Args:
        file: Where it is.
        path: What errors call it.
        needed: The keys that it must have.
        known: The keys that it may have.
        others: Whether it may have others too, which are passed over.

    Raises:
        DamagedSource: If it is none, has other keys, or an array of it cannot be read.
    """
    with _opened(file, path, needed) as archive:
        members = archive.infolist()
        names = [member.filename.removesuffix(".npy") for member in members]
        missing = [key for key in needed if key not in names]
        more = [] if others else [name for name in names if name not in known]
        if missing or more or len(set(names)) < len(names):
            shown = printable(", ".join(names[:20])) or "none"
            beside = [key for key in known if key not in needed]
            made = {"vectors", "fingerprint"} <= set(names)
            hint = " It holds embeddings: give the items they were made of." if made else ""
            raise DamagedSource(
                f"{path} has the keys {shown}. Expected are {_listed(needed)}, and if wanted "
                f"{_listed(beside)}, and no others.{hint}"
            )
        wanted = {name: at for name, at in zip(names, members, strict=True) if name in known}
        limit = int(memory_bytes() * MEMORY_SHARE)
        total = sum(member.file_size for member in wanted.values())
        if total > limit:
            raise DamagedSource(
                f"{path} says that it unpacks to {total} bytes, and at most {limit}, half of the "
                "memory, are read. Part it into smaller files."
            )
        return {
            name: _array(archive, member, f"{path}: {name!r}") for name, member in wanted.items()
        }


def keys_of(file: Path, path: str, needed: Sequence[str]) -> list[str]:
    """The keys of a file, of which no array is read.

    Args:
        file: Where it is.
        path: What errors call it.
        needed: The keys that errors say are expected.

    Raises:
        DamagedSource: If it is no .npz.
    """
    with _opened(file, path, needed) as archive:
        return [member.filename.removesuffix(".npy") for member in archive.infolist()]


def _opened(file: Path, path: str, needed: Sequence[str]) -> zipfile.ZipFile:
    try:
        with file.open("rb") as stream:
            single = stream.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise DamagedSource(
            f"{path} cannot be read: {error.strerror}. Check its rights."
        ) from error
    if single:
        raise DamagedSource(
            f"{path} is a single array, and an .npz with the keys {_listed(needed)} is expected. "
            f"{AGAIN}."
        )
    try:
        return zipfile.ZipFile(file)
    except Exception as error:
        raise DamagedSource(
            f"{path} is no .npz file that can be read ({shortened(error, 200)}). {AGAIN}."
        ) from error


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, what: str) -> Array:
    try:
        content = np.empty(member.file_size, dtype=np.uint8)
        held = 0
        with archive.open(member) as stream:
            while part := stream.read(CHUNK_BYTES):
                content[held : held + len(part)] = np.frombuffer(part, dtype=np.uint8)
                held += len(part)
        return from_npy(content[:held], member.file_size)
    except Exception as error:
        raise DamagedSource(
            f"{what} cannot be read ({shortened(error, 200)}). {AGAIN} as a plain array; lists of "
            "unequal arrays are padded and given with 'lengths'."
        ) from error


def _listed(keys: Sequence[str]) -> str:
    *others, last = (repr(key) for key in keys)
    return f"{', '.join(others)} and {last}" if others else last
