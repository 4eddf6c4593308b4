"""Images of more than 8 bits of grey, as microscopes, X-ray and depth cameras write them."""

import io

import numpy as np
from PIL import Image

from likewise.io.quiet import quiet

_LOOKED_AT_PIXELS = 2**25


def is_deep(image: Image.Image) -> bool:
    """Whether it has more than 8 bits of grey."""
    return image.mode in ("I", "F") or image.mode.startswith("I;")


def uses_little(raw: bytes) -> bool:
    """Whether a file is an image of more than 8 bits that uses less than an eighth of its range."""
    try:
        with quiet, Image.open(io.BytesIO(raw)) as image:
            if not is_deep(image) or image.width * image.height > _LOOKED_AT_PIXELS:
                return False
            values = np.asarray(image)
            top = highest(image, float(values.min()), float(values.max()))
            return top is not None and float(values.max()) - float(values.min()) < top / 8
    except Exception:  # noqa: BLE001 - decoding it tells what is wrong
        return False


def highest(image: Image.Image, low: float, high: float) -> float | None:
    """The largest value that the form of a deep image has; None where it has none."""
    tops = (1.0, 255.0) if image.mode == "F" else (65535.0,)
    return next((top for top in tops if low >= 0 and high <= top), None)
