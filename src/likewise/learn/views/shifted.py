"""An image, moved a little."""

from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.views.base import View
from likewise.shapes import Float
from likewise.types import Form, InputShape


@final
class Shifted(View):
    """An image moved left, right, up and down by whole pixels: four views.

    What comes in from outside continues the border.

    Args:
        share: How far, as a fraction of the image's height and width, rounded to whole pixels.

    Raises:
        BadArgument: If that is less than half a pixel, or not below 1.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)
    copies: int = 4

    def __init__(self, share: float = 0.04, *, shape: InputShape) -> None:
        super().__init__()
        if not 0 < share < 1:
            raise BadArgument(f"shifted: share is {share}, and above 0 to below 1 is expected.")
        height, width = shape.height or 0, shape.width or 0
        self.down, self.across = round(share * height), round(share * width)
        if not self.down or not self.across:
            raise BadArgument(
                f"shifted: {share} of {height}x{width} pixels is no whole pixel. Give a larger "
                "share."
            )

    def forward(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "m c h w"]:
        """The image moved each way."""
        height, width = inputs.shape[2:]
        x, y = self.across, self.down
        wide = functional.pad(inputs, (x, x, y, y), mode="replicate")
        starts = ((y, 0), (y, 2 * x), (0, x), (2 * y, x))
        return torch.cat(
            [wide[:, :, top : top + height, left : left + width] for top, left in starts]
        )
