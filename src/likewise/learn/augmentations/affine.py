"""Small random affine changes of images."""

from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from likewise.learn.augmentations.base import Augmentation
from likewise.learn.ops.affine_grids import affine_grids, check_affine
from likewise.shapes import Float, Int
from likewise.types import Form


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

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(
        self,
        degrees: float = 10.0,
        scale: float = 0.1,
        shear: float = 0.1,
        translate: float = 0.1,
    ) -> None:
        check_affine("affine", degrees, scale=scale, shear=shear, translate=translate)
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
        grid = affine_grids(
            drawn * 2 - 1,
            (height, width),
            degrees=self.degrees,
            scale=self.scale,
            shear=self.shear,
            translate=self.translate,
        )
        moved = functional.grid_sample(
            items, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return moved.clamp(0, 255), lengths, classes
