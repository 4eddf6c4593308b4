"""The sizes that an encoder is made with, and of the images that it is fed."""

from likewise.errors import BadArgument
from likewise.types import InputShape


def check_sizes(encoder: str, **sizes: int) -> None:
    """Refuse an argument that is not positive.

    Raises:
        BadArgument: With all of them.
    """
    if min(sizes.values()) < 1:
        listed = ", ".join(f"{name} {value}" for name, value in sizes.items())
        raise BadArgument(f"{encoder}: {listed} must be positive.")


def image_sides(
    encoder: str,
    shape: InputShape,
    least: int = 8,
    advice: str = "Set transform.size to 8 or more, or choose an encoder for series.",
) -> tuple[int, int]:
    """Return the height and the width of the images that an encoder is fed.

    Raises:
        BadArgument: If they are no images, or smaller than the least.
    """
    if shape.height is None or shape.width is None or min(shape.height, shape.width) < least:
        raise BadArgument(
            f"{encoder} takes images of at least {least}x{least} pixels, and this is {shape}. "
            f"{advice}"
        )
    return shape.height, shape.width
