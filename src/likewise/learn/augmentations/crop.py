"""A part of an image, as large as the whole."""

import math
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import uniform
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class Crop(Augmentation):
    """Cuts a rectangle out of each image and enlarges it to the image's size.

    Pixels are interpolated bilinearly. Series have `time_crop`.

    Args:
        area: The smallest share of the image that is kept; the share is uniform from that to 1.
        aspect: How many times as high, against its width, a rectangle may be as the image is, or
            as wide; 1 keeps the image's own proportions.

    Raises:
        BadArgument: If an argument is out of its range.

    References:
        Szegedy et al., "Going Deeper with Convolutions", 2015, section 6. Departures: the smallest
        area is larger than their .08, for a part of a small image is soon another thing; a side
        that would not fit is cut to the image's.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(self, area: float = 0.6, aspect: float = 1.33) -> None:
        if not 0 < area <= 1:
            raise BadArgument(f"crop: area is {area}, and above 0 to 1 is expected.")
        if not 1 <= aspect < math.inf:
            raise BadArgument(f"crop: aspect is {aspect}, and at least 1 is expected.")
        self.area = area
        self.aspect = aspect

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Parts of the images at full size; classes stay."""
        share = uniform(self.area, 1, items, random)
        widest = math.log(self.aspect)
        aspect = uniform(-widest, widest, items, random).exp()
        down, across = (share * aspect).sqrt().clamp(max=1), (share / aspect).sqrt().clamp(max=1)
        # The grid runs from -1 to 1, so a part of the size s has its middle at most 1 - s away.
        shift_x = (1 - across) * uniform(-1, 1, items, random)
        shift_y = (1 - down) * uniform(-1, 1, items, random)
        none = torch.zeros_like(share)
        theta = torch.stack([across, none, shift_x, none, down, shift_y], dim=1)
        grid = functional.affine_grid(theta.view(-1, 2, 3), list(items.shape), align_corners=False)
        cut = functional.grid_sample(
            items, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return cut.clamp(0, 255), lengths, classes
