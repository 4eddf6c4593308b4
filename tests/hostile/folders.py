"""Model folders that are broken or mean harm, each made from a copy of an intact one."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from likewise.model.manifest import FileEntry, Manifest, dump_manifest, fingerprint, parse_manifest

REFUSED, EQUAL, REFUSED_OR_EQUAL, ANY = {"refused"}, {"equal"}, {"refused", "equal"}, None
MANIFEST = "model.toml"
ENCODER = "encoders/main.onnx"
Make = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One hostile folder.

    Attributes:
        sort: What is done to it.
        name: To what, or how.
        make: Does it to a folder that holds a copy of an intact model.
        rehashed: Whether the manifest's hashes are then made to agree, so that no hash tells.
        expected: What may come of it; None where another model may, that is as good as any.
        base: Which intact model it is a copy of.
    """

    sort: str
    name: str
    make: Make
    rehashed: bool
    expected: set[str] | None
    base: str = "images"


def rehash(folder: Path, **changes: object) -> None:
    """Make the manifest agree with its files, as whoever means harm would."""
    manifest = parse_manifest((folder / MANIFEST).read_bytes(), folder / MANIFEST)
    manifest = replace(manifest, **changes)
    entries = {}
    for role, entry in manifest.files.items():
        data = (folder / entry.path).read_bytes()
        entries[role] = FileEntry(entry.path, hashlib.sha256(data).hexdigest())
    write_manifest(folder, replace(manifest, files=entries))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    sealed = replace(manifest, fingerprint=fingerprint(manifest.distance, manifest.files))
    (folder / MANIFEST).write_bytes(dump_manifest(sealed))


def read_manifest(folder: Path) -> Manifest:
    return parse_manifest((folder / MANIFEST).read_bytes(), folder / MANIFEST)


def edited(path: str, change: Callable[[bytes], bytes]) -> Make:
    """Changes the bytes of a file."""

    def make(folder: Path) -> None:
        target = folder / path
        target.write_bytes(change(target.read_bytes()))

    return make


def written(path: str, data: bytes) -> Make:
    """Writes another file in its place."""
    return edited(path, lambda _: data)
