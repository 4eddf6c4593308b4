"""Model folders with bits turned, files cut off, missing or exchanged."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from likewise.model.manifest import ROLES, FileEntry
from tests.hostile.folders import (
    ANY,
    EQUAL,
    MANIFEST,
    REFUSED,
    REFUSED_OR_EQUAL,
    Case,
    Make,
    edited,
    read_manifest,
    write_manifest,
)


def _files_of(folder: Path) -> list[str]:
    return [entry.path for entry in read_manifest(folder).files.values()]


def _flip(seed: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        random = np.random.default_rng(seed)
        altered = bytearray(data)
        for _ in range(int(random.integers(1, 4))):
            altered[int(random.integers(len(altered)))] ^= 1 << int(random.integers(8))
        return bytes(altered)

    return change


def flipped(intact: dict[str, Path]) -> Iterator[Case]:
    often = {
        "encoders/main.onnx": 12,
        "matcher.onnx": 8,
        "calibration.json": 8,
        "transform.toml": 6,
    }
    for base, folder in intact.items():
        paths = _files_of(folder) if base != "matched" else ["matcher.onnx"]
        for path in paths:
            for seed in range(2):
                yield Case(
                    "bit flips", f"{path} {seed}", edited(path, _flip(seed)), False, REFUSED, base
                )
            for seed in range(10, 10 + often.get(path, 3)):
                # Another weight is another model; one in a text may be no text, or the same.
                yield Case(
                    "bit flips", f"{path} {seed}", edited(path, _flip(seed)), True, ANY, base
                )
    for seed in range(6):
        change = edited(MANIFEST, _flip(seed))
        yield Case("bit flips", f"{MANIFEST} {seed}", change, False, REFUSED_OR_EQUAL)


def cut() -> Iterator[Case]:
    ends = {"to nothing": 0.0, "in half": 0.5, "by a byte": -1.0}
    for path in (MANIFEST, *(path for role, path in ROLES.items() if role != "matcher")):
        for words, share in ends.items():

            def change(data: bytes, share: float = share) -> bytes:
                return data[:-1] if share < 0 else data[: int(len(data) * share)]

            if path == MANIFEST:
                # Without its last line end it says the same.
                allowed = EQUAL if share < 0 else REFUSED
                yield Case("truncation", f"{path} {words}", edited(path, change), False, allowed)
                continue
            yield Case("truncation", f"{path} {words}", edited(path, change), False, REFUSED)
            # Nothing parses weights, a cut line end changes nothing, and a recipe is only shown.
            free = path.endswith((".safetensors", "recipe.toml"))
            allowed = ANY if free or share < 0 else REFUSED
            yield Case("truncation", f"{path} {words}", edited(path, change), True, allowed)


def missing() -> Iterator[Case]:
    def other(role: str) -> Make:
        def make(folder: Path) -> None:
            manifest = read_manifest(folder)
            files = {**manifest.files, role: FileEntry(manifest.files[role].path, "0" * 64)}
            write_manifest(folder, replace(manifest, files=files))

        return make

    for role, path in ROLES.items():
        if role != "matcher":
            yield Case(
                "missing file", path, lambda folder, p=path: (folder / p).unlink(), False, REFUSED
            )
            yield Case("wrong hash", path, other(role), False, REFUSED)
    yield Case(
        "missing file", MANIFEST, lambda folder: (folder / MANIFEST).unlink(), False, REFUSED
    )
    for key in ("fingerprint", "checksum"):

        def change(data: bytes, key: str = key) -> bytes:
            return re.sub(rf'(?m)^{key} = "..'.encode(), f'{key} = "zz'.encode(), data)

        yield Case("wrong hash", key, edited(MANIFEST, change), False, REFUSED)

        def zeros(data: bytes, key: str = key) -> bytes:
            return re.sub(rf'(?m)^{key} = "\w+"'.encode(), f'{key} = "{"0" * 64}"'.encode(), data)

        yield Case("wrong hash", f"{key} of zeros", edited(MANIFEST, zeros), False, REFUSED)

    def swapped(folder: Path) -> None:
        manifest = read_manifest(folder)
        files = dict(manifest.files)
        files["transform"], files["recipe"] = files["recipe"], files["transform"]
        write_manifest(folder, replace(manifest, files=files))

    yield Case("wrong file", "recipe and transform exchanged", swapped, True, REFUSED)

    def same(folder: Path) -> None:
        manifest = read_manifest(folder)
        files = dict.fromkeys(manifest.files, manifest.files["recipe"])
        write_manifest(folder, replace(manifest, files=files))

    yield Case("wrong file", "one for all roles", same, True, REFUSED)
