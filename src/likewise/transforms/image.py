"""Images: from any file that Pillow opens, or an array, to a small square of bytes."""

import io
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from likewise.errors import BadArgument, EmptySource, UnreadableItem, WrongKind
from likewise.shapes import Array, Float, Int, Shaped, UInt8, namespace_of
from likewise.transforms.base import Transform
from likewise.types import InputShape, Kind, Raw

MAX_PIXELS = 64_000_000
STD_FLOOR = 1e-3
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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
        state: What `fit` learned: `mean` and `std` of each channel, in 0 to 1.

    Raises:
        BadArgument: If the size is not positive, or the state is not this transform's.
    """

    kind: ClassVar[Kind] = Kind.IMAGE

    def __init__(
        self,
        size: int = 28,
        color: bool = False,
        invert: bool = False,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        if size < 1:
            raise BadArgument(f"image: size is {size}, and at least 1 pixel is expected.")
        self.size = size
        self.color = color
        self.invert = invert
        self.state = None if state is None else _checked(state, self.shape.channels)

    @property
    def shape(self) -> InputShape:
        """What the encoder will be fed."""
        return InputShape(Kind.IMAGE, 3 if self.color else 1, self.size, self.size)

    def decode(self, raw: Raw, place: str) -> UInt8[Array, "c h w"]:
        """Decode one image to uint8 [c h w]; see the class."""
        if isinstance(raw, str):
            raise WrongKind(f"{place} is a text, and an image is expected. Give images.")
        image = _from_bytes(raw, place) if isinstance(raw, bytes) else _from_array(raw, place)
        image = image.convert("RGB" if self.color else "L")
        image = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        pixels = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)
        return np.ascontiguousarray(255 - pixels if self.invert else pixels)

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


def _checked(state: Mapping[str, Any], channels: int) -> Mapping[str, list[float]]:
    """The mean and deviation in a state, held against the number of channels."""
    try:
        mean, std = ([float(value) for value in state[name]] for name in ("mean", "std"))
    except (KeyError, TypeError, ValueError):
        mean, std = [], []
    if not len(mean) == len(std) == channels or not np.isfinite(mean + std).all():
        raise BadArgument(
            f"image: state is {dict(state)!r}, and {channels} finite numbers each for 'mean' and "
            "'std' are expected. Take what fit returned for the same arguments."
        )
    return {"mean": mean, "std": [max(value, STD_FLOOR) for value in std]}


def _from_array(raw: Array, place: str) -> Image.Image:
    if raw.dtype not in (np.uint8, np.bool_) or raw.ndim not in (2, 3):
        raise WrongKind(
            f"{place} is an array of {raw.dtype} {list(raw.shape)}, and an image of uint8 or bool "
            "[h w] or [h w c] is expected. Scale pixels to 0 to 255 and convert them to uint8."
        )
    if raw.size == 0 or raw.shape[2:] not in ((), (1,), (3,), (4,)):
        raise _unreadable(
            place, f"its shape is {list(raw.shape)}, and [h w], [h w 1], [h w 3] or [h w 4] is read"
        )
    pixels = raw.astype(np.uint8) * np.uint8(255) if raw.dtype == np.bool_ else raw
    if pixels.shape[2:] == (1,):
        pixels = pixels[:, :, 0]
    return _over_white(Image.fromarray(np.ascontiguousarray(pixels)))


def _from_bytes(raw: bytes, place: str) -> Image.Image:
    """The first frame, upright and opaque, in one of the modes 1, L and RGB."""
    if not raw:
        raise _unreadable(place, "it is empty (0 bytes)")
    try:
        with _quiet, Image.open(io.BytesIO(raw)) as image:
            _check_header(image, place)
            image.load()
            return _upright(_over_white(_eight_bits(image, place)), _orientation(image))
    except UnreadableItem:
        raise
    except UnidentifiedImageError:
        raise _unreadable(place, "it is in no image format that Pillow knows") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _unreadable(place, f"decompression bomb ({error})") from error
    except Exception as error:  # a damaged file makes Pillow's decoders raise almost anything
        reason = f"it is truncated or damaged ({str(error) or type(error).__name__})"
        raise _unreadable(place, reason) from error


def _unreadable(place: str, reason: str) -> UnreadableItem:
    return UnreadableItem(
        f"{place} cannot be read as an image: {reason}. Replace or remove it, or save it as PNG."
    )


def _check_header(image: Image.Image, place: str) -> None:
    """Refuse by its header what must not be decoded at all."""
    if image.width * image.height > MAX_PIXELS:
        reason = f"{image.width} x {image.height} pixels, and {MAX_PIXELS} are the most"
        raise _unreadable(place, f"decompression bomb: it declares {reason}")
    if image.format == "EPS":
        raise _unreadable(place, "EPS is a program, which Pillow would run with Ghostscript")


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; a damaged EXIF block does not make the pixels unreadable."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 (as above: it may raise almost anything)
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def _eight_bits(image: Image.Image, place: str) -> Image.Image:
    """A deep image (16 or 32 bits of grey) as 8 bits; any other as it is."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;"):
        return image
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise _unreadable(place, "it holds pixels that are NaN or infinite")
    low, high = values.min(), values.max()
    tops = (1.0, 255.0) if image.mode == "F" else (65535.0,)
    top = next((top for top in tops if low >= 0 and high <= top), None)
    scaled = values / top if top else (values - low) / max(high - low, 1e-300)
    pixels = np.rint(255 * scaled).astype(np.uint8)
    key = image.info.get("transparency")
    if isinstance(key, int):
        pixels[values == key] = 255
    return Image.fromarray(pixels)


def _over_white(image: Image.Image) -> Image.Image:
    """The image without transparency, in one of the modes 1, L and RGB."""
    if not image.has_transparency_data:
        return image if image.mode in ("1", "L", "RGB") else image.convert("RGB")
    # Pillow takes the premultiplied modes to RGBA only by way of their plain forms.
    plain = image.convert("LA") if image.mode == "La" else image
    plain = plain.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", plain.size, "white"), plain).convert("RGB")


class _Quiet:
    """Keeps Pillow's warnings in while any thread decodes, and makes those of bombs errors.

    `warnings.catch_warnings` changes the whole process, so threads that overlap would restore one
    another's filters: the first to come sets them and the last to go takes them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
                warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
            self._users += 1

    def __exit__(self, *failure: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._caught.__exit__(None, None, None)


_quiet = _Quiet()
