"""Arrays that people hold images in, as the pixels that a source hands over."""

from collections.abc import Sequence

import numpy as np

from likewise.errors import BadArgument
from likewise.shapes import Array

CHANNELS = (1, 3, 4)
_LEAST_SIDE = 8
_LEAST_WIDTH = 12
_TOPS = (255.0, 65535.0)


def resembles_image(item: Array) -> bool:
    """Say whether an array of one item looks like pixels, of whatever type.

    An array of two axes may be a series of many channels too: it is taken for an image when its
    sides are at least 8 and 12 and its values are those of pixels, in 0 to 1 or whole in 0 to 255.
    """
    if item.size == 0 or item.dtype.kind not in "buif":
        return False
    if item.ndim == 3:
        return item.shape[2] in CHANNELS or item.shape[0] in CHANNELS
    if item.ndim != 2 or min(item.shape) < _LEAST_SIDE or item.shape[1] < _LEAST_WIDTH:
        return False
    low, high = float(item.min()), float(item.max())
    whole = item.dtype.kind in "bui" or bool((item == np.rint(item)).all())
    return low >= 0 and (high <= 1 or (whole and high <= _TOPS[0]))


def pixels(items: Sequence[Array]) -> tuple[list[Array], str]:
    """Turn images of any numbers into uint8 [h w] or [h w c].

    Args:
        items: Of one collection, which share the range of their values: 0 to 1, 0 to 255, or 0 to
            65,535 of whole numbers.

    Returns:
        The images, and in words what was done to them; empty where nothing was.

    Raises:
        BadArgument: If the values are in no such range, or an item has no such axes.
    """
    if any(item.size == 0 for item in items):
        raise BadArgument("One of these images has no pixels. Leave it out.")
    low = min(float(item.min()) for item in items)
    high = max(float(item.max()) for item in items)
    kinds = {item.dtype.kind for item in items}
    whole = kinds <= set("bui")
    if not (np.isfinite([low, high]).all() and low >= 0 and high <= _TOPS[whole]):
        raise BadArgument(
            f"The values of these images run from {low:g} to {high:g}, and 0 to 1, 0 to 255, or 0 "
            "to 65535 of whole numbers are expected. Scale them to 0 to 1 first."
        )
    plain = all(item.dtype == np.uint8 for item in items)
    if kinds == {"b"} or (not whole and high <= 1):
        factor, told = 255.0, "values 0 to 1 become pixels 0 to 255"
    elif high > _TOPS[0]:
        factor, told = 1 / 257, "values 0 to 65535 become pixels 0 to 255"
    else:
        factor, told = 1.0, "" if whole else "values are rounded to pixels 0 to 255"
    notes = [told] if told else []
    if any(_channels_first(item) for item in items):
        notes.append("channels were first and are last now")
    made = [_laid_out(item) for item in items]
    if plain:
        return made, "; ".join(notes)
    return [np.rint(item * factor).astype(np.uint8) for item in made], "; ".join(notes)


def _channels_first(item: Array) -> bool:
    return item.ndim == 3 and item.shape[2] not in CHANNELS and item.shape[0] in CHANNELS


def _laid_out(item: Array) -> Array:
    if item.ndim not in {2, 3} or (
        item.ndim == 3 and item.shape[2] not in CHANNELS and not _channels_first(item)
    ):
        raise BadArgument(
            f"An image is {item.dtype} {list(item.shape)}, and [h w], [h w c] or [c h w] with 1, 3 "
            "or 4 channels is expected."
        )
    laid: Array = np.moveaxis(item, 0, -1) if _channels_first(item) else item
    return laid
