"""Encoders and matchers that ask for more than arithmetic."""

from collections.abc import Iterator
from pathlib import Path

from tests.hostile import onnx_files
from tests.hostile.folders import (
    ANY,
    ENCODER,
    EQUAL,
    REFUSED,
    Case,
    written,
)


def encoders(intact: Path, world: Path) -> Iterator[Case]:
    secret = world / "secret.bin"
    files = onnx_files.as_bytes
    for sort, made in {
        "ONNX: giant": onnx_files.giants(),
        "ONNX: graph inside": onnx_files.loops(),
        "ONNX: other domain": onnx_files.domains(),
        "ONNX: data outside": onnx_files.outside(secret),
        "ONNX: wrong size": onnx_files.lying(),
        "ONNX: interface": onnx_files.interfaces(),
        "ONNX: form": onnx_files.forms(),
    }.items():
        free = ("two payloads", "embedding declared: free", "embedding of twice the length")
        for name, data in files(made):
            yield Case(sort, name, written(ENCODER, data), True, ANY if name in free else REFUSED)
    data = (intact / ENCODER).read_bytes()
    for name, raw in onnx_files.raw_forms(data).items():
        allowed = ANY if name == "second graph" else REFUSED
        yield Case("ONNX: bytes", name, written(ENCODER, raw), True, allowed)
    pickled = onnx_files.pickled(world / "canary")
    yield Case("ONNX: bytes", "pickle", written(ENCODER, pickled), True, REFUSED)
    for name, raw in onnx_files.equal_forms(data):
        yield Case("ONNX: other words", name, written(ENCODER, raw), True, EQUAL)


def matchers(intact: Path, world: Path) -> Iterator[Case]:
    def at(name: str, data: bytes, allowed: set[str] | None = REFUSED) -> Case:
        return Case("matcher", name, written("matcher.onnx", data), True, allowed, "matched")

    encoder = (intact / ENCODER).read_bytes()
    yield at("an encoder", encoder)
    yield at("nothing", b"")
    yield at("pickle", onnx_files.pickled(world / "canary"))
    for name, data in onnx_files.as_bytes(onnx_files.matchers(world / "secret.bin")):
        yield at(name, data)
