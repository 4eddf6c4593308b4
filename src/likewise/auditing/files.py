"""Whether a transform would notice what a file says beside its contents."""

import io
import re
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from likewise.errors import LikewiseError
from likewise.io.quiet import quiet
from likewise.transforms.base import Transform
from likewise.types import Raw

_TOKEN = re.compile(r"[0-9]+|[^\W\d_]+")


def name_tokens(place: str) -> frozenset[str]:
    """The words and numbers in the name of a file, without its folders and its ending."""
    return frozenset(word.lower() for word in _TOKEN.findall(PurePosixPath(place).stem))


def reads_name(transform: Transform, raw: Raw, place: str) -> bool:
    """Whether an item comes out of the transform differently under another name."""
    return _differs(transform, (raw, place), (raw, "another/name-0"))


def reads_metadata(transform: Transform, raw: Raw, place: str) -> bool:
    """Whether an image comes out of the transform differently without its metadata.

    The same pixels are packed as PNG, which loses nothing, with no EXIF and no text. What PNG
    cannot hold is not compared, and counts as not read.
    """
    if not isinstance(raw, bytes):
        return False
    file = io.BytesIO()
    try:
        with quiet, Image.open(io.BytesIO(raw)) as image:
            image.load()
            bare = image.copy()
            bare.info = {k: v for k, v in image.info.items() if k == "transparency"}
            bare.save(file, "PNG", exif=b"")
    except Exception:  # noqa: BLE001 - a mode that PNG does not have, or a damaged chunk
        return False
    return _differs(transform, (raw, place), (file.getvalue(), place))


def _differs(transform: Transform, one: tuple[Raw, str], other: tuple[Raw, str]) -> bool:
    try:
        first, second = transform.decode(*one), transform.decode(*other)
    except LikewiseError:
        return False
    return first.shape != second.shape or not np.array_equal(first, second)
