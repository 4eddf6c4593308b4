"""What a file says of itself beside its pixels, and whether a transform would notice."""

import io
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import ExifTags, Image

from likewise.errors import LikewiseError
from likewise.io.display import shortened
from likewise.transforms.base import Transform
from likewise.transforms.image import quiet
from likewise.types import Raw

# What belongs to a format, and is no word about how or where the image was made.
_OF_THE_FORMAT = {"transparency", "version", "compression", "background", "icc_profile_name"}
_TOKEN = re.compile(r"[0-9]+|[^\W\d_]+")


@dataclass(frozen=True)
class Header:
    """What an image file says of itself.

    Attributes:
        form: Its format: `PNG`, `JPEG`, ...
        mode: Pillow's name of its pixels: `L`, `RGB`, `P`, ...
        metadata: The names of its EXIF tags and of its other texts; empty where there are none.
        width: In pixels.
        height: In pixels.
    """

    form: str
    mode: str
    metadata: str
    width: int
    height: int


def header_of(raw: bytes) -> Header:
    """The header of an image that can be decoded; parts that cannot be read are left out."""
    with quiet, Image.open(io.BytesIO(raw)) as image:
        named = [
            str(key)
            for key, value in image.info.items()
            if isinstance(value, str | bytes) and str(key) not in _OF_THE_FORMAT
        ]
        try:
            tags = sorted({ExifTags.TAGS.get(tag, str(tag)) for tag in image.getexif()})
        except Exception:  # noqa: BLE001 - damaged EXIF may raise almost anything
            tags = ["damaged"]
        form, mode, width, height = image.format or "", image.mode, image.width, image.height
    words = sorted({*named, *(f"EXIF {tag}" for tag in tags)} - {"exif"})
    return Header(form, mode, shortened(", ".join(words), 300), width, height)


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
