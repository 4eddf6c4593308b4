"""Model folders whose manifest leads elsewhere, or whose files do."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from likewise.model.manifest import FileEntry
from tests.hostile.folders import (
    ENCODER,
    EQUAL,
    MANIFEST,
    REFUSED,
    Case,
    Make,
    read_manifest,
    write_manifest,
)


def paths(world: Path) -> Iterator[Case]:
    secret = world / "secret.bin"
    inside = f"../{secret.name}"
    paths = {
        "absolute": str(secret),
        "above": inside,
        "above through a folder": f"encoders/../../{secret.name}",
        "backslashes": f"..\\{secret.name}",
        "home": "~/.ssh/id_rsa",
        "here": "./recipe.toml",
        "two slashes": "encoders//main.onnx",
        "slash at the end": "recipe.toml/",
        "drive": "C:\\windows\\win.ini",
        "network": "\\\\server\\share\\file",
        "address": "file:///etc/passwd",
        "device": "/dev/zero",
        "NUL": "recipe.toml\0.png",
        "line end": "recipe.toml\n",
        "very long": "a" * 300,
        "deep": "a/" * 120 + "b",
        "hidden": ".git/config",
        "nothing": "",
        "this folder": ".",
        "letters that look alike": "r\u0435cipe.toml",
        "turned letters": "\u202elmot.epicer",
    }
    for name, path in paths.items():

        def make(folder: Path, path: str = path) -> None:
            manifest = read_manifest(folder)
            data = secret.read_bytes()
            entry = FileEntry(path, hashlib.sha256(data).hexdigest())
            write_manifest(folder, replace(manifest, files={**manifest.files, "recipe": entry}))

        yield Case("path", name, make, True, REFUSED)


def links(world: Path) -> Iterator[Case]:
    def link(path: str, target: str) -> Make:
        def make(folder: Path) -> None:
            place = folder / path
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()
            place.symlink_to(target)

        return make

    def moved(path: str, *, outside: bool) -> Make:
        """The file itself is where the link leads, so that its hash is right."""

        def make(folder: Path) -> None:
            place = folder / path
            target = (world / "outside" if outside else folder) / f"{folder.name}-{place.name}"
            target.parent.mkdir(exist_ok=True)
            place.rename(target)
            place.symlink_to(target)

        return make

    for path in (MANIFEST, "transform.toml", ENCODER, "calibration.json", "encoders"):
        yield Case("link out", path, moved(path, outside=True), True, REFUSED)
    for path in ("transform.toml", ENCODER):
        yield Case("link inside", path, moved(path, outside=False), True, EQUAL)
    yield Case("link", "to itself", link("recipe.toml", "recipe.toml"), False, REFUSED)
    yield Case("link", "to a device", link("recipe.toml", "/dev/zero"), False, REFUSED)
    yield Case("link", "to nothing", link("recipe.toml", "nothing"), False, REFUSED)
    yield Case("link", "to the folder", link("recipe.toml", "."), False, REFUSED)
    yield Case("link", "to open files", link("recipe.toml", "/proc/self/fd/0"), False, REFUSED)

    def chain(folder: Path) -> None:
        (folder / "recipe.toml").unlink()
        for step in range(60):
            (folder / f"link{step}").symlink_to(f"link{step + 1}")
        (folder / "link60").symlink_to(world / "secret.bin")
        (folder / "recipe.toml").symlink_to("link0")

    yield Case("link", "of sixty links", chain, False, REFUSED)
    for path in (MANIFEST, "recipe.toml", ENCODER):

        def pipe(folder: Path, path: str = path) -> None:
            (folder / path).unlink()
            os.mkfifo(folder / path)

        yield Case("pipe", path, pipe, False, REFUSED)

        def directory(folder: Path, path: str = path) -> None:
            (folder / path).unlink()
            (folder / path).mkdir()

        yield Case("folder", path, directory, False, REFUSED)
    for path in ("transform.toml", "calibration.json", ENCODER):

        def grown(folder: Path, path: str = path) -> None:
            os.truncate(folder / path, 3 << 30)

        yield Case("three gigabytes of nothing", path, grown, False, REFUSED)
