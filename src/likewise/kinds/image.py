"""Images: files that Pillow opens, and arrays of pixels."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, final

import numpy as np
from PIL import ExifTags
from PIL import Image as Pillow

from likewise.io.display import shortened
from likewise.io.quiet import quiet
from likewise.kinds import image_statistics
from likewise.kinds.base import Kind
from likewise.kinds.deep_pixels import uses_little
from likewise.kinds.image_alterations import altered_image
from likewise.kinds.look import Header, Look, Number
from likewise.kinds.pixels_of_arrays import pixels, resembles_image
from likewise.shapes import Array, UInt8
from likewise.types import Raw

_MAGIC = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0{4}|II\*\0|MM\0\*|RIFF.{4}WEBP|.{4}ftyp|P[1-6]\s+[#\d]",
    re.DOTALL,
)
# What belongs to a format, and is no word about how or where the image was made.
_OF_THE_FORMAT = {"transparency", "version", "compression", "background", "icc_profile_name"}
_SMALL_PIXELS = 40


@final
class Image(Kind):
    """An image: any file that Pillow opens, or pixels uint8 [h w] or [h w c]."""

    name = "image"
    one = "an image"
    many = "images"
    expected = "uint8 [h w] or [h w c] with 1, 3 or 4 channels last, for each item"
    pictorial = True
    transform = "image"
    plain = "image"
    encoder = "convnet4"
    augmentations = ("affine",)
    searched = (
        ("affine(degrees=5.0, scale=0.05, shear=0.05, translate=0.05)",),
        ("affine(degrees=15.0, scale=0.2, shear=0.2, translate=0.15)",),
        ("affine", "erase"),
    )
    sorts = ("drawings", "photographs")
    numbers: ClassVar[Mapping[str, Number]] = {
        "bytes": Number("file size", "file", logarithmic=True),
        "packed": Number("size when packed afresh", "file", logarithmic=True),
        "width": Number("width", "frame", logarithmic=True),
        "height": Number("height", "frame", logarithmic=True),
        "aspect": Number("aspect ratio", "frame", logarithmic=True),
        "median": Number("median grey", advice="paper"),
        "mean": Number("mean grey", advice="light"),
        "spread": Number("spread of greys", advice="light"),
        "background": Number("background", advice="paper"),
        "paper": Number("grey of the paper (Otsu)", advice="paper"),
        "ink_grey": Number("grey of the ink (Otsu)", advice="ink"),
        "ink_spread": Number("spread of the ink's greys (Otsu)", advice="ink"),
        "ink_share": Number("share of ink (Otsu)", "form", advice="form"),
        "edges": Number("strength of edges", "form", advice="form"),
        "levels": Number("number of grey levels", logarithmic=True, advice="ink"),
        "entropy": Number("entropy of greys", "form", advice="form"),
        "colour": Number("strength of colour", advice="light"),
    }
    glance = "a 16x16 thumbnail"

    def recognises(self, raw: Raw) -> bool:
        """Say whether bytes begin as a format that is known, or an array holds pixels."""
        if isinstance(raw, str):
            return False
        if isinstance(raw, bytes):
            return _MAGIC.match(raw) is not None
        flat = raw.ndim == 2
        pixels = flat or (raw.ndim == 3 and raw.shape[2] in {1, 3, 4})
        return bool(raw.size > 0 and raw.dtype == np.uint8 and pixels)

    def resembles(self, item: Array) -> bool:
        """Say whether an array of any numbers looks like pixels."""
        return resembles_image(item)

    def adopt(self, items: Sequence[Array]) -> tuple[Sequence[Array], str]:
        """Turn arrays of any numbers into pixels uint8, with the channels last."""
        return pixels(items)

    def look(self, item: UInt8[Array, "h w ..."]) -> Look:
        """Measure an image."""
        return image_statistics.of_image(image_statistics.bounded(item))

    def picture(self, item: UInt8[Array, "h w ..."], longest: int = 0) -> UInt8[Array, "c g v"]:
        """Draw an image, no larger than it is."""
        if longest:
            small = Pillow.fromarray(item)
            small.thumbnail((longest, longest))
            item = np.asarray(small)
        return item[None] if item.ndim == 2 else np.moveaxis(item, -1, 0)

    def transform_settings(self, raws: Iterable[Raw]) -> tuple[Mapping[str, object], str]:
        """Scale files of 16 bits from their own range where some use little of it."""
        seen = [raw for raw in raws if isinstance(raw, bytes)]
        few = sum(map(uses_little, seen))
        if not few:
            return {}, ""
        why = (
            f"{few} of {len(seen)} files looked at use less than an eighth of their 16 bits, so "
            "that each is scaled from its own darkest to its brightest pixel: image(stretch=True)"
        )
        return {"stretch": True}, why

    def shown(self, decoded: UInt8[Array, "c h w"]) -> UInt8[Array, "h w ..."]:
        """Return a decoded image with its channels last, or without an axis for one."""
        if len(decoded) == 1:
            first: Array = decoded[0]
            return first
        return np.ascontiguousarray(np.moveaxis(decoded, 0, -1))

    def file_look(
        self, raw: bytes, item: UInt8[Array, "h w ..."]
    ) -> tuple[Mapping[str, float], Header | None]:
        """Measure how large the file is and would be when packed afresh, and read its header."""
        header = header_of(raw)
        small = image_statistics.bounded(item)
        page = Pillow.fromarray(small)
        if small is item and header.mode == "1" and item.ndim == 2:
            # Black and white pack eight pixels a byte, and are packed afresh as such.
            page = page.convert("1", dither=Pillow.Dither.NONE)
        packed = image_statistics.packed_bytes(page, header.form) * (item.size / small.size)
        return {"bytes": float(len(raw)), "packed": packed}, header

    def frame(self, item: UInt8[Array, "h w ..."]) -> Mapping[str, float]:
        """Measure the sides of an image."""
        height, width = item.shape[:2]
        return {"width": float(width), "height": float(height), "aspect": width / height}

    def binarised(self, item: UInt8[Array, "h w ..."]) -> UInt8[Array, "h w"]:
        """Return an image in black and white, by Otsu's threshold."""
        small = image_statistics.bounded(item)
        return image_statistics.binarised(image_statistics.grey_of(small))

    def sort(self, items: Iterable[UInt8[Array, "h w ..."]]) -> tuple[str, str]:
        """Say whether most images are drawings or photographs, and how many were looked at.

        Drawings are grey and small (40 pixels at most), or grey and of two tones, as ink on paper.
        """
        seen = [_drawn(item) for item in items]
        drawn = sum(seen)
        looked_at = f"{len(seen)} images looked at are"
        if 2 * drawn > len(seen):
            return "drawings", f"{drawn} of {looked_at} drawn, or small and grey"
        return "photographs", f"{len(seen) - drawn} of {looked_at} photographs"

    def copy_settings(self, size: int) -> tuple[str, ...]:
        """Return the encoder, the size and the augmentations that learn copies best."""
        altered = (
            "crop(area=0.75)",
            "colour(brightness=0.4, contrast=0.4, saturation=0.6)",
            "affine(degrees=3.0, scale=0.08, shear=0.03, translate=0.04)",
        )
        return (
            "encoder=resnet",
            f"transform=image(size={size}, color=True)",
            # Beside the copies, which are few: every batch sees other tones and other cuts.
            f"augmentations={altered!r}",
            "learning_rate=0.003",
        )

    def altered(
        self, item: UInt8[Array, "h w ..."], random: np.random.Generator
    ) -> UInt8[Array, "g v c"]:
        """Make a copy of an image with two alterations."""
        return altered_image(Pillow.fromarray(item), random)


def header_of(raw: bytes) -> Header:
    """Read the header of an image that can be decoded; parts that are unreadable are left out."""
    with quiet, Pillow.open(io.BytesIO(raw)) as image:
        named = [
            str(key)
            for key, value in image.info.items()
            if isinstance(value, str | bytes) and str(key) not in _OF_THE_FORMAT
        ]
        try:
            tags = sorted({ExifTags.TAGS.get(tag, str(tag)) for tag in image.getexif()})
        except Exception:  # noqa: BLE001 - damaged EXIF may raise almost anything
            tags = ["damaged"]
        form, mode, (width, height) = image.format or "", image.mode, image.size
    words = sorted({*named, *(f"EXIF {tag}" for tag in tags)} - {"exif"})
    return Header(form, mode, shortened(", ".join(words), 300), f"{width}x{height}")


def _drawn(item: UInt8[Array, "h w ..."]) -> bool:
    image = Pillow.fromarray(item).convert("RGB")
    small = max(image.size) <= _SMALL_PIXELS
    image.thumbnail((128, 128))
    pixels = np.asarray(image, dtype=np.int16)
    grey = float((pixels.max(2) - pixels.min(2)).mean()) < 8
    tones = pixels.mean(2)
    low, high = float(tones.min()), float(tones.max())
    # Within a sixth of the darkest or the lightest; what lies between are the edges of strokes.
    ends = np.minimum(tones - low, high - tones) <= (high - low) / 6
    return grey and (small or float(ends.mean()) >= 0.9)
