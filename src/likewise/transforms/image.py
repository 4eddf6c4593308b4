"""Images: from any file that Pillow opens, or an array, to a small square of bytes."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np
from PIL import Image, UnidentifiedImageError

from likewise.errors import BadArgument, EmptySource, UnreadableItem, WrongKind
from likewise.io.display import shortened
from likewise.io.quiet import quiet
from likewise.shapes import Array, Float, Int, Shaped, UInt8, namespace_of
from likewise.transforms.base import Transform
from likewise.transforms.pixels import (
    eight_bits,
    ink,
    orientation,
    over_white,
    unreadable_image,
    upright,
)
from likewise.types import Form, InputShape, Raw

MAX_SIZE = 4096
MAX_PIXELS = 64_000_000
MAX_SLOW_PIXELS = 4_000_000
STD_FLOOR = 1e-3
LARGEST_STATE = 1e6
# What is alike up to so many levels, or up to this share of the deviation of the training set, is
# all but constant: JPEG alone makes that of a blank page.
ALIKE_LEVELS = 2
NEARLY_CONSTANT = 0.5


@final
class ImageTransform(Transform):
    """An image, resized to a square and standardised by the training set's mean and deviation.

    Decoding takes the bytes of any file that Pillow opens, or an array: uint8 [h w] or [h w c]
    (c 1, 3 or 4), or bool. The first frame is taken, turned upright as its EXIF says and laid over
    white where it is transparent. Sixteen bits become eight; whole numbers beyond 16 bits, and
    floats outside 0 to 1 and 0 to 255, are scaled from their own minimum and maximum. Resizing
    is Pillow's `BILINEAR`, a triangle as wide as the reduction, so that shrinking does not
    alias and nothing overshoots; the aspect ratio is not kept. Finishing is
    (x / 255 - mean) / std for each channel.

    Args:
        size: Height and width of the result, in pixels.
        color: Three channels, red, green and blue, instead of one of grey.
        invert: Whether black becomes white, as for ink that is to be bright.
        binarise: Whether every pixel becomes black or white first, at the image's own best
            threshold, so that the grey of paper and ink tells nothing; resizing then greys edges.
        crop: Whether the image is then cut to the box of what is black.
        stretch: Whether grey of 16 bits is scaled from its own minimum and maximum, as microscopes,
            X-ray and depth cameras need it, which use a small part of the range.
        state: What `fit` learned: `mean` and `std` of each channel, in 0 to 1.

    Raises:
        BadArgument: If the size is not 1 to 4,096, colours are to be binarised, what is not
            binarised is to be cropped, or the state is not this transform's.

    References:
        Otsu, "A Threshold Selection Method from Gray-Level Histograms", 1979, for the threshold.
    """

    kind: ClassVar[str] = "image"
    form: ClassVar[Form] = Form.IMAGES

    def __init__(
        self,
        size: int = 28,
        color: bool = False,
        invert: bool = False,
        binarise: bool = False,
        crop: bool = False,
        stretch: bool = False,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        if not 1 <= size <= MAX_SIZE:
            raise BadArgument(f"image: size is {size}, and 1 to {MAX_SIZE} pixels are expected.")
        if binarise and color:
            raise BadArgument(
                "image: color and binarise are both set, and black and white have no colour. Set "
                "one of the two."
            )
        if crop and not binarise:
            raise BadArgument(
                "image: crop is set without binarise, which finds what to cut to. Set both."
            )
        self.size = size
        self.color = color
        self.invert = invert
        self.binarise = binarise
        self.crop = crop
        self.stretch = stretch
        self.state = None if state is None else _checked(state, self.shape.channels)

    @property
    def shape(self) -> InputShape:
        """What the encoder will be fed."""
        return InputShape(Form.IMAGES, 3 if self.color else 1, self.size, self.size)

    def decode(self, raw: Raw, place: str) -> UInt8[Array, "c h w"]:
        """Decode one image to uint8 [c h w]; see the class."""
        image = open_image(raw, place, stretch=self.stretch)
        mode, size = "RGB" if self.color else "L", (self.size, self.size)
        # Each copies the image even where it changes nothing, a seventh of the time of a small one.
        image = image if image.mode == mode else image.convert(mode)
        image = ink(image, crop=self.crop) if self.binarise else image
        image = image if image.size == size else image.resize(size, Image.Resampling.BILINEAR)
        pixels = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)
        return np.ascontiguousarray(255 - pixels if self.invert else pixels)

    def lost(self, decoded: Array) -> str:
        """Say that all pixels are alike, as of a blank page, or nearly so for this transform."""
        spread = int(decoded.max()) - int(decoded.min())
        learned = 0.0 if self.state is None else 255 * max(self.state["std"])
        if spread > max(ALIKE_LEVELS, NEARLY_CONSTANT * learned):
            return ""
        beside = (
            f"; in the training images their standard deviation is {learned:.0f}" if learned else ""
        )
        return f"its pixels differ by {spread} of 255 levels at most{beside}"

    def original(self, raw: Raw, place: str) -> UInt8[Array, "h w ..."]:
        """Open one image as it is: uint8 [h w] or [h w 3], upright and opaque."""
        image = open_image(raw, place, stretch=self.stretch)
        # The mode 1 packs eight pixels a byte.
        return np.asarray(image.convert("L") if image.mode == "1" else image)

    def fit(self, decoded: Iterable[Array]) -> Mapping[str, Any]:
        """Mean and standard deviation of each channel, in 0 to 1, over all pixels.

        Raises:
            EmptySource: If there is no image.
        """
        channels = self.shape.channels
        # Whole-number sums are exact, so the order of the items changes no digit of a model.
        count, total, squares = 0, np.zeros(channels, np.int64), np.zeros(channels, np.int64)
        for image in decoded:
            pixels = image.reshape(channels, -1).astype(np.int64)
            count += pixels.shape[1]
            total += pixels.sum(1)
            squares += (pixels * pixels).sum(1)
        if count == 0:
            raise EmptySource("image: there is nothing to fit. Give at least one training image.")
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0))
        return {
            "mean": (mean / 255).tolist(),
            "std": np.maximum(std / 255, STD_FLOOR).tolist(),
        }

    def collate(
        self, decoded: Sequence[Array]
    ) -> tuple[UInt8[Array, "n c h w"], Int[Array, "n"] | None]:
        """Stack images; they have no lengths."""
        if not decoded:
            raise BadArgument("image: a batch of no images was asked for. Give at least one.")
        return np.stack(decoded), None

    def finish(self, batch: Shaped[Any, "n c h w"]) -> Float[Any, "n c h w"]:
        """The encoder's float32 input from images in 0 to 255, numpy or torch.

        Raises:
            BadArgument: If the transform has no state, or the batch other channels.
        """
        if self.state is None:
            raise BadArgument(
                "image: the transform has no state yet. Build it with state=transform.fit(decoded "
                "training images), or load it from a model."
            )
        if batch.shape[1] != self.shape.channels:
            raise BadArgument(
                f"image: the batch has {batch.shape[1]} channels, and {self.shape.channels} are "
                "expected. Decode it with this transform."
            )
        xp = namespace_of(batch)
        device = batch.device

        def across(values: Sequence[float]) -> Any:
            scaled = [[[255 * value]] for value in values]
            return xp.asarray(scaled, dtype=xp.float32, device=device)

        pixels = xp.astype(batch, xp.float32, copy=False)
        return (pixels - across(self.state["mean"])) / across(self.state["std"])


def open_image(raw: Raw, place: str, *, stretch: bool = False) -> Image.Image:
    """The first frame of a file or an array: upright and opaque, in one of the modes 1, L and RGB.

    Args:
        raw: The bytes of the file, or the array.
        place: For errors.
        stretch: Whether grey of 16 bits is scaled from its own minimum and maximum.

    Raises:
        UnreadableItem: If it is no image that can be read.
        WrongKind: If it is a text, or an array of another type.
    """
    if isinstance(raw, str):
        raise WrongKind(f"{place} is a text, and an image is expected. Give images.")
    if isinstance(raw, bytes):
        return _from_bytes(raw, place, stretch=stretch)
    return _from_array(raw, place)


def open_varied(raw: Raw, place: str) -> Image.Image:
    """Open an image that is not all but of one colour, as a blank page is; see `open_image`.

    Raises:
        UnreadableItem: If it is, or no image that can be read.
    """
    image = open_image(raw, place)
    extrema = image.getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    if all(high - low <= ALIKE_LEVELS for low, high in bands):
        raise UnreadableItem(f"{place} holds nothing to compare: its pixels are all but alike")
    return image


def _checked(state: Mapping[str, Any], channels: int) -> Mapping[str, list[float]]:
    """The mean and deviation in a state, held against the number of channels."""
    try:
        mean, std = ([float(value) for value in state[name]] for name in ("mean", "std"))
    except (KeyError, TypeError, ValueError, OverflowError):
        mean, std = [], []
    # In units of the whole range of a pixel; what is far outside cannot be learned from images.
    within = all(abs(value) <= LARGEST_STATE for value in mean + std)
    if not len(mean) == len(std) == channels or not within:
        raise BadArgument(
            f"image: state is {shortened(state, 300)}, and {channels} numbers of at most "
            f"{LARGEST_STATE:g} each for 'mean' and 'std' are expected. Take what fit returned for "
            "the same arguments."
        )
    return {"mean": mean, "std": [max(value, STD_FLOOR) for value in std]}


def _from_array(raw: Array, place: str) -> Image.Image:
    if raw.dtype not in (np.uint8, np.bool_) or raw.ndim not in (2, 3):
        raise WrongKind(
            f"{place} is an array of {raw.dtype} {list(raw.shape)}, and an image of uint8 or bool "
            "[h w] or [h w c] is expected. Scale pixels to 0 to 255 and convert them to uint8."
        )
    if raw.size == 0 or raw.shape[2:] not in ((), (1,), (3,), (4,)):
        raise unreadable_image(
            place, f"its shape is {list(raw.shape)}, and [h w], [h w 1], [h w 3] or [h w 4] is read"
        )
    pixels = raw.astype(np.uint8) * np.uint8(255) if raw.dtype == np.bool_ else raw
    if pixels.shape[2:] == (1,):
        pixels = pixels[:, :, 0]
    return over_white(Image.fromarray(np.ascontiguousarray(pixels)))


def _from_bytes(raw: bytes, place: str, *, stretch: bool) -> Image.Image:
    """The first frame, upright and opaque, in one of the modes 1, L and RGB."""
    if not raw:
        raise unreadable_image(place, "it is empty (0 bytes)")
    try:
        with quiet, Image.open(io.BytesIO(raw)) as image:
            _check_header(image, place)
            image.load()
            return upright(
                over_white(eight_bits(image, place, stretch=stretch)), orientation(image)
            )
    except (UnreadableItem, MemoryError):
        raise
    except UnidentifiedImageError:
        raise unreadable_image(place, "it is in no image format that Pillow knows") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise unreadable_image(place, f"decompression bomb ({shortened(error, 200)})") from error
    except Exception as error:  # a damaged file makes Pillow's decoders raise almost anything
        words = shortened(error, 200) or type(error).__name__
        reason = f"it is truncated or damaged, or a form that Pillow does not decode ({words})"
        raise unreadable_image(place, reason) from error


def _check_header(image: Image.Image, place: str) -> None:
    """Refuse by its header what must not be decoded at all."""
    if image.width * image.height > MAX_PIXELS:
        reason = f"{image.width} x {image.height} pixels, and {MAX_PIXELS} are the most"
        raise unreadable_image(place, f"decompression bomb: it declares {reason}")
    # What Pillow decodes in Python takes a second or more for a million pixels.
    slow = any(tile[0] in Image.DECODERS for tile in getattr(image, "tile", ()))
    if slow and image.width * image.height > MAX_SLOW_PIXELS:
        raise unreadable_image(
            place,
            f"it declares {image.width} x {image.height} pixels, and {MAX_SLOW_PIXELS} are the "
            f"most that is read of this form of {image.format}, which is slow to decode",
        )
    if image.format == "EPS":
        raise unreadable_image(place, "EPS is a program, which Pillow would run with Ghostscript")
