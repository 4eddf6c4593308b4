"""Small random affine changes of images."""

from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.shapes import Float, Int
from likewise.types import Kind


@final
class Affine(Augmentation):
    """Turns, scales, shears and shifts every image by its own random amounts.

    Pixels are interpolated bilinearly once, and what comes in from outside continues the border.

    Args:
        degrees: Each image is turned by at most this, either way.
        scale: Height and width each change by at most this fraction.
        shear: Each axis is sheared by at most this (the tangent of the angle).
        translate: Each image is shifted by at most this fraction of its height and width.

    Raises:
        BadArgument: If an argument is out of its range.

    References:
        Koch, Zemel, Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition", 2015,
        section 3.3. Departures: all changes are always made, not each with probability 0.5, and
        their ranges are smaller.
    """

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.IMAGE,)

    def __init__(
        self,
        degrees: float = 10.0,
        scale: float = 0.1,
        shear: float = 0.1,
        translate: float = 0.1,
    ) -> None:
        if not 0 <= degrees <= 180:
            raise BadArgument(f"affine: degrees is {degrees}, and 0 to 180 is expected.")
        for name, value in (("scale", scale), ("shear", shear), ("translate", translate)):
            if not 0 <= value < 1:
                raise BadArgument(
                    f"affine: {name} is {value}, and a fraction from 0 to below 1 is expected."
                )
        self.degrees = degrees
        self.scale = scale
        self.shear = shear
        self.translate = translate

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Augmented images; classes stay."""
        count, _, height, width = items.shape
        drawn = torch.rand(7, count, generator=random, device=items.device, dtype=items.dtype)
        turn, scale_x, scale_y, shear_x, shear_y, shift_x, shift_y = drawn * 2 - 1
        angle = torch.deg2rad(turn * self.degrees)
        cosine, sine = angle.cos(), angle.sin()
        # From a pixel of the result to where it is taken from: scaled, then sheared, then turned.
        across, down = 1 + self.scale * scale_x, 1 + self.scale * scale_y
        lean_x, lean_y = self.shear * shear_x, self.shear * shear_y
        xx = (cosine - sine * lean_y) * across
        xy = (cosine * lean_x - sine) * down
        yx = (sine + cosine * lean_y) * across
        yy = (sine * lean_x + cosine) * down
        # The grid runs from -1 to 1 along both sides, so pixels are not square in it.
        ratio = height / width
        shift_x, shift_y = 2 * self.translate * shift_x, 2 * self.translate * shift_y
        theta = torch.stack([xx, xy * ratio, shift_x, yx / ratio, yy, shift_y], dim=1)
        grid = functional.affine_grid(
            theta.view(count, 2, 3), list(items.shape), align_corners=False
        )
        moved = functional.grid_sample(
            items, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return moved.clamp(0, 255), lengths, classes
