"""The handwritten characters that ship with the package."""

import json
import zlib
from functools import cache
from importlib.resources import files
from typing import Any, final

import numpy as np

from likewise.errors import DamagedSource, SourceNotFound
from likewise.shapes import Array, UInt8
from likewise.sources.base import Source
from likewise.types import Items


@final
class Characters(Source):
    """The 136 characters of 5 alphabets, each drawn by 20 people, that ship with the package.

    They are the first minimal background set of Omniglot, pixel for pixel: 105x105, white paper
    255, ink 0. They carry Omniglot's namespace, so that a model trained on them is known to have
    seen these characters when it meets them in `omniglot`.

    Raises:
        DamagedSource: On reading, if the packed file is broken.

    References:
        Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program
        induction", Science 350, 2015. MIT licence, in `data/NOTICE`.
    """

    def items(self) -> Items:
        """The table of all 2,720 drawings; the identities are like `Balinese/character01`."""
        header, _ = _parts()
        drawers = range(1, int(header["drawers"]) + 1)
        rows = [(name, number, drawer) for name, number in header["names"] for drawer in drawers]
        return Items.build(
            "omniglot",
            [name for name, _, _ in rows],
            "image",
            [f"characters/{name}/{number}_{drawer:02}.png" for name, number, drawer in rows],
            _read,
            groups=[name.partition("/")[0] for name, _, _ in rows],
        )


@cache
def _parts() -> tuple[dict[str, Any], bytes]:
    """The header, which is one line of JSON, and the packed bits."""
    try:
        data = (files("likewise.sources") / "data" / "characters.bin").read_bytes()
    except OSError as error:
        raise SourceNotFound(
            f"the characters of the package are not there ({error}). Install likewise again."
        ) from error
    line, _, packed = data.partition(b"\n")
    try:
        header = json.loads(line)
    except ValueError as error:
        raise _damaged(error) from error
    if not isinstance(header, dict) or not {"names", "drawers", "size"} <= set(header):
        raise _damaged(ValueError("the header is not complete"))
    return header, packed


@cache
def _bits() -> UInt8[Array, "n h bytes"]:
    """One bit a pixel, 1 for ink; each row of pixels filled up to whole bytes."""
    header, packed = _parts()
    count, size = len(header["names"]) * int(header["drawers"]), int(header["size"])
    try:
        return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(count, size, -1)
    except (zlib.error, ValueError) as error:
        raise _damaged(error) from error


def _read(row: int) -> UInt8[Array, "h w"]:
    size = int(_parts()[0]["size"])
    ink = np.unpackbits(_bits()[row], axis=1, count=size)
    image: Array = (1 - ink) * np.uint8(255)
    return image


def _damaged(error: Exception) -> DamagedSource:
    return DamagedSource(
        f"the characters of the package are broken ({error}). Install likewise again."
    )
