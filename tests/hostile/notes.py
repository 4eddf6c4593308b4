"""Calibrations, memories, training curves, recipes and weights that are something else."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile import onnx_files
from tests.hostile.folders import (
    ANY,
    EQUAL,
    REFUSED,
    Case,
    Make,
    edited,
    written,
)


def json_files() -> Iterator[Case]:
    bombs = {
        "nested": b"[" * 1_000_000,
        "nested tables": b'{"a":' * 200_000,
        "empty lists": b"[" + b"[]," * 500_000 + b"[]]",
        "huge number": b'{"default": ' + b"9" * 5000 + b"}",
        "pickle": b"\x80\x04\x95\x00\x00\x00\x00",
        "text": b"hello",
        "number": b"1e999",
        "null": b"null",
        "no UTF-8": b'{"default": "\xff\xfe"}',
        "half a letter": b'{"default": "\\ud800"}',
    }
    for path in ("calibration.json", "trained_on.json", "training.json"):
        for name, data in bombs.items():
            yield Case("JSON", f"{path}: {name}", written(path, data), True, REFUSED)
    values = [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "9" * 400,
        '"text"',
        "null",
        "[]",
        "{}",
        "true",
    ]
    for number, value in enumerate(values):
        for path, key in {
            "calibration.json": "threshold",
            "training.json": "loss",
        }.items():

            def change(data: bytes, key: str = key, value: str = value) -> bytes:
                return re.sub(rf'"{key}": [-0-9.e]+'.encode(), f'"{key}": {value}'.encode(), data)

            yield Case("JSON", f"{path}: {key} {number}", edited(path, change), True, REFUSED)

    def altered(**changes: object) -> Make:
        def change(data: bytes) -> bytes:
            plain = json.loads(data)
            plain["default"] |= changes
            return json.dumps(plain).encode()

        return edited("calibration.json", change)

    wrong = {
        "no points": altered(points=[]),
        "points as text": altered(points="eer"),
        "claim": altered(claim="everyone"),
        "units beyond": altered(units=10**400),
        "units below": altered(units=-1),
        "parameters as list": altered(parameters=[1, 2]),
        "no parameters": altered(parameters={}),
        "parameters as texts": altered(parameters={"slope": "1", "intercept": "2"}),
        "calibrator unknown": altered(calibrator="oracle"),
        "calibrator as list": altered(calibrator=["logistic"]),
        "calibrator beta without its parameters": altered(
            calibrator="beta", parameters={"slope": 1.0, "intercept": 2.0}
        ),
        "choice as text": altered(choice="beta"),
        "choice of a loss beyond": altered(
            choice={"calibrator": "beta", "losses": {"beta": 10**400}, "folds": 5, "reason": ""}
        ),
        "choice of a million folds beyond": altered(
            choice={"calibrator": "beta", "losses": {}, "folds": 10**40, "reason": ""}
        ),
        "source as list": altered(source=[["faces"]]),
    }
    for name, make in wrong.items():
        yield Case("calibration", name, make, True, REFUSED)

    def many(data: bytes) -> bytes:
        plain = json.loads(data)
        plain["default"]["points"] *= 3000
        return json.dumps(plain).encode()

    yield Case(
        "calibration", "ten thousand points", edited("calibration.json", many), True, REFUSED
    )
    yield from references()
    wild = '\x1b[31m<script>canary</script>\n\u202e"><img src=x onerror=canary>'

    def worded(data: bytes) -> bytes:
        plain = json.loads(data)
        told = {"calibrator": wild, "losses": {wild: 1.0}, "folds": 5, "reason": wild}
        plain["default"] |= {"choice": told, "source": wild}
        for point in plain["default"]["points"]:
            point["reason"] = wild
            point["name"] += wild if point["name"] != "eer" else ""
        return json.dumps(plain).encode()

    yield Case("calibration", "markup in its words", edited("calibration.json", worded), True, ANY)


def references() -> Iterator[Case]:
    """What was kept of the items calibrated on, as something else."""

    def headed(**changes: object) -> Make:
        def change(data: bytes) -> bytes:
            line, _, rest = data.partition(b"\n")
            plain = json.loads(line)
            plain["default"] |= changes
            return json.dumps(plain).encode() + b"\n" + rest

        return edited("reference.bin", change)

    def numbers(word: bytes) -> Make:
        return edited("reference.bin", lambda data: data[:-4] + word)

    wrong = {
        "nested": written("reference.bin", b"[" * 1_000_000 + b"\n"),
        "nested tables": written("reference.bin", b'{"a":' * 200_000 + b"\n"),
        "no line": written("reference.bin", b"x" * 1_000_000),
        "pickle": written("reference.bin", b"\x80\x04\x95\x00\n"),
        "a billion units": headed(sizes=[1] * 100_000),
        "a billion vectors": headed(sizes=[10**9]),
        "vectors beyond": headed(sizes=[10**400]),
        "vectors below": headed(sizes=[-1, 3]),
        "sizes as text": headed(sizes="12"),
        "another length": headed(dim=3),
        "length as list": headed(dim=[64]),
        "no number": numbers(b"\x00\x00\xc0\x7f"),
        "infinite": numbers(b"\x00\x00\x80\x7f"),
        "more than it says": edited("reference.bin", lambda data: data + b"more"),
    }
    for name, make in wrong.items():
        yield Case("reference", name, make, True, REFUSED)


def texts(world: Path) -> Iterator[Case]:
    wild = b'# \x1b[31m<script>canary</script>\n# "><img src=x onerror=canary>\n'
    yield Case("recipe", "markup", edited("recipe.toml", lambda d: wild + d), True, ANY)
    yield Case(
        "recipe", "no UTF-8", edited("recipe.toml", lambda d: b"# \xff\n" + d), True, REFUSED
    )
    yield Case("recipe", "bytes", written("recipe.toml", bytes(range(256))), True, REFUSED)
    yield Case(
        "recipe",
        "pickle",
        written("recipe.toml", onnx_files.pickled(world / "canary")),
        True,
        REFUSED,
    )
    yield Case(
        "recipe", "two megabytes", edited("recipe.toml", lambda d: d + b"#" * 2**21), True, REFUSED
    )

    def epochs(change: Callable[[dict], None]) -> Make:
        def altered(data: bytes) -> bytes:
            plain = json.loads(data)
            for epoch in plain["epochs"]:
                change(epoch)
            return json.dumps(plain).encode()

        return edited("training.json", altered)

    yield Case(
        "training",
        "an epoch with another key",
        epochs(lambda e: e.update(program="rm")),
        True,
        REFUSED,
    )
    yield Case("training", "an epoch without one", epochs(lambda e: e.pop("steps")), True, REFUSED)
    yield Case("training", "steps beyond", epochs(lambda e: e.update(steps=10**400)), True, REFUSED)
    yield Case(
        "training",
        "steps as text",
        epochs(lambda e: e.update(steps="<script>canary")),
        True,
        REFUSED,
    )
    yield Case(
        "training", "seconds as list", epochs(lambda e: e.update(seconds=[[]])), True, REFUSED
    )

    def device(data: bytes) -> bytes:
        plain = json.loads(data) | {"device": "<script>canary</script>\x1b[31m"}
        return json.dumps(plain).encode()

    yield Case("training", "markup", edited("training.json", device), True, ANY)


def weights(world: Path) -> Iterator[Case]:
    """Nothing reads the weights but training, and nothing at all unpickles them."""
    for name, data in {
        "pickle": onnx_files.pickled(world / "canary"),
        "nothing": b"",
        "header of a terabyte": (10**12).to_bytes(8, "little") + b"{}",
    }.items():
        yield Case("weights", name, written("weights.safetensors", data), True, EQUAL)
        yield Case("weights", name, written("weights.safetensors", data), False, REFUSED)
