"""Where the pixels of an affinely changed image are taken from."""

import torch
from torch import Tensor
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.shapes import Float


def check_affine(name: str, degrees: float, **shares: float) -> None:
    """Check how far images are changed.

    Args:
        name: Of the component.
        degrees: 0 to 180.
        shares: By name; each 0 to below 1.

    Raises:
        BadArgument: If one is out of its range.
    """
    if not 0 <= degrees <= 180:
        raise BadArgument(f"{name}: degrees is {degrees}, and 0 to 180 is expected.")
    for argument, value in shares.items():
        if not 0 <= value < 1:
            raise BadArgument(
                f"{name}: {argument} is {value}, and a fraction from 0 to below 1 is expected."
            )


def affine_grids(
    drawn: Float[Tensor, "7 m"],
    size: tuple[int, int],
    *,
    degrees: float,
    scale: float,
    shear: float,
    translate: float,
) -> Float[Tensor, "m h w 2"]:
    """Grids for `grid_sample`, one for every column.

    Args:
        drawn: Between -1 and 1, how far each goes of its range: turn, scales of width and height,
            shears along them, shifts along them.
        size: Height and width in pixels.
        degrees: Range of the turn.
        scale: Range of the scales, as a fraction.
        shear: Range of the shears (tangents of angles).
        translate: Range of the shifts, as a fraction of width and height.
    """
    height, width = size
    turn, scale_x, scale_y, shear_x, shear_y, shift_x, shift_y = drawn
    angle = torch.deg2rad(turn * degrees)
    cosine, sine = angle.cos(), angle.sin()
    # From a pixel of the result to where it is taken from: scaled, then sheared, then turned.
    across, down = 1 + scale * scale_x, 1 + scale * scale_y
    lean_x, lean_y = shear * shear_x, shear * shear_y
    xx = (cosine - sine * lean_y) * across
    xy = (cosine * lean_x - sine) * down
    yx = (sine + cosine * lean_y) * across
    yy = (sine * lean_x + cosine) * down
    # The grid runs from -1 to 1 along both sides, so pixels are not square in it.
    ratio = height / width
    shift_x, shift_y = 2 * translate * shift_x, 2 * translate * shift_y
    theta = torch.stack([xx, xy * ratio, shift_x, yx / ratio, yy, shift_y], dim=1)
    shape = [drawn.shape[1], 1, height, width]
    return functional.affine_grid(theta.view(-1, 2, 3), shape, align_corners=False)
