"""An image, turned a little."""

import math
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.views.base import View
from likewise.shapes import Float
from likewise.types import Form, InputShape


@final
class Turned(View):
    """An image turned to the left and to the right about its middle: two views.

    Pixels are interpolated bilinearly, and what comes in from outside continues the border.

    Args:
        degrees: How far.

    Raises:
        BadArgument: If `degrees` is not above 0 and at most 180.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)
    copies: int = 2

    def __init__(self, degrees: float = 8.0, *, shape: InputShape) -> None:
        super().__init__()
        if not 0 < degrees <= 180:
            raise BadArgument(f"turned: degrees is {degrees}, and above 0 to 180 is expected.")
        height, width = shape.height or 0, shape.width or 0
        # The grid runs from -1 to 1 along both sides, so pixels are not square in it.
        ratio = height / width
        for name, sign in (("left", 1), ("right", -1)):
            sine, cosine = math.sin(math.radians(degrees)) * sign, math.cos(math.radians(degrees))
            theta = torch.tensor([[[cosine, -sine * ratio, 0.0], [sine / ratio, cosine, 0.0]]])
            grid = functional.affine_grid(theta, [1, 1, height, width], align_corners=False)
            # Made from the arguments again, so no part of the weights.
            self.register_buffer(name, grid, persistent=False)

    def forward(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "m c h w"]:
        """The image turned either way."""
        views = []
        for name in ("left", "right"):
            grid = self.get_buffer(name).expand(inputs.shape[0], -1, -1, -1)
            views.append(
                functional.grid_sample(
                    inputs, grid, mode="bilinear", padding_mode="border", align_corners=False
                )
            )
        return torch.cat(views)
