"""From any picture that Pillow opened to upright, opaque pixels of eight bits."""

from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image

from likewise.errors import UnreadableItem
from likewise.kinds.deep_pixels import highest, is_deep
from likewise.shapes import Array, Int

STRIP_PIXELS = 2**20
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def unreadable_image(place: str, reason: str) -> UnreadableItem:
    """The error for an item that is no image that can be read, and why."""
    return UnreadableItem(
        f"{place} cannot be read as an image: {reason}. Replace or remove it, or save it as PNG."
    )


def orientation(image: Image.Image) -> int:
    """The EXIF orientation; a damaged EXIF block does not make the pixels unreadable."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - it may raise almost anything
        return 1


def upright(image: Image.Image, turned: int) -> Image.Image:
    """The image turned as an EXIF orientation says."""
    return image.transpose(UPRIGHT[turned]) if turned in UPRIGHT else image


def eight_bits(image: Image.Image, place: str, *, stretch: bool = False) -> Image.Image:
    """A deep image (16 or 32 bits of grey) as 8 bits; any other as it is.

    Args:
        image: Decoded.
        place: For errors.
        stretch: Whether it is scaled from its own minimum and maximum whatever its form.

    Raises:
        UnreadableItem: If a pixel is no finite number.
    """
    if not is_deep(image):
        return image
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise unreadable_image(place, "it holds pixels that are NaN or infinite")
    top = None if stretch else highest(image, low, high)
    pixels = np.empty(values.shape, dtype=np.uint8)
    for rows in _strips(*values.shape):
        part = values[rows].astype(np.float64)
        scaled = part / top if top else (part - low) / max(high - low, 1e-300)
        pixels[rows] = np.rint(255 * scaled)
    key = image.info.get("transparency")
    if isinstance(key, int):
        pixels[values == key] = 255
    return Image.fromarray(pixels)


def over_white(image: Image.Image) -> Image.Image:
    """The image without transparency, in one of the modes 1, L and RGB."""
    if not image.has_transparency_data:
        return image if image.mode in ("1", "L", "RGB") else image.convert("RGB")
    # Pillow takes the premultiplied modes to RGBA only by way of their plain forms.
    plain = image.convert("LA") if image.mode == "La" else image
    plain = plain if plain.mode == "RGBA" else plain.convert("RGBA")
    opaque = Image.new("RGB", plain.size)
    for rows in _strips(plain.height, plain.width):
        strip = plain.crop((0, rows.start, plain.width, rows.stop))
        white = Image.new("RGBA", strip.size, "white")
        opaque.paste(Image.alpha_composite(white, strip).convert("RGB"), (0, rows.start))
    return opaque


def _strips(height: int, width: int) -> Iterator[slice]:
    """Rows of an image some at a time, so that a large one is not in memory several times."""
    step = max(1, STRIP_PIXELS // width)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def ink(image: Image.Image, *, crop: bool) -> Image.Image:
    """A grey image as black on white, and if asked cut to the box of what is black.

    Args:
        image: Of mode L.
        crop: Whether to cut; where nothing is black, nothing is cut.
    """
    threshold = otsu_threshold(np.array(image.histogram()))
    black = image.point([0 if grey <= threshold else 255 for grey in range(256)])
    if crop and (box := black.point([255, *[0] * 255]).getbbox()):
        return black.crop(box)
    return black


def otsu_threshold(counts: Int[Array, "256"]) -> int:
    """The grey up to which pixels are dark; -1 where all pixels are of one grey.

    Args:
        counts: How many pixels there are of each grey.

    References:
        Otsu, "A Threshold Selection Method from Gray-Level Histograms", 1979, eq. 18: the variance
        between the two classes is greatest. Departure: of the thresholds between two greys with
        none between them, which part the pixels alike, the middle one is taken.
    """
    below = np.cumsum(counts)
    total, used = int(below[-1]), np.flatnonzero(counts)
    if len(used) < 2:
        return -1
    levels = np.cumsum(counts * np.arange(256))
    # The last grey leaves nothing above it.
    low, sums = below[used[:-1]].astype(float), levels[used[:-1]].astype(float)
    between = (levels[-1] * low / total - sums) ** 2 / (low * (total - low))
    best = int(np.argmax(between))
    return int(used[best] + used[best + 1] - 1) // 2
