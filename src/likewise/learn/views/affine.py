"""The image turned, scaled, sheared and shifted a little, in many ways."""

from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.ops.affine_grids import affine_grids, check_affine
from likewise.learn.views.base import View
from likewise.shapes import Float
from likewise.types import Form, InputShape

_SEED = 0


@final
class AffineViews(View):
    """An image turned, scaled, sheared and shifted in so many fixed ways, which chance once chose.

    The ways come in pairs of opposites, so that their mean is the image in its place. An item
    takes `copies` + 1 times as long to embed.

    Args:
        copies: How many views, an even number.
        degrees: Each is turned by at most this, either way.
        scale: Height and width each change by at most this fraction.
        shear: Each axis is sheared by at most this (the tangent of the angle).
        translate: Each is shifted by at most this fraction of its height and width.

    Raises:
        BadArgument: If an argument is out of its range.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(
        self,
        copies: int = 16,
        degrees: float = 10.0,
        scale: float = 0.1,
        shear: float = 0.1,
        translate: float = 0.1,
        *,
        shape: InputShape,
    ) -> None:
        super().__init__()
        if not 2 <= copies <= 256 or copies % 2:
            raise BadArgument(
                f"affine: copies is {copies}, and an even number from 2 to 256 is expected."
            )
        check_affine("affine", degrees, scale=scale, shear=shear, translate=translate)
        self.copies = copies
        random = torch.Generator().manual_seed(_SEED)
        half = torch.rand(7, copies // 2, generator=random) * 2 - 1
        grids = affine_grids(
            torch.cat([half, -half], dim=1),
            (shape.height or 1, shape.width or 1),
            degrees=degrees,
            scale=scale,
            shear=shear,
            translate=translate,
        )
        # Made from the arguments again, so no part of the weights.
        self.register_buffer("grids", grids, persistent=False)

    def forward(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "m c h w"]:
        """The image changed in each way."""
        grids = self.get_buffer("grids")
        return torch.cat(
            [
                functional.grid_sample(
                    inputs,
                    grid.expand(inputs.shape[0], -1, -1, -1),
                    mode="bilinear",
                    padding_mode="border",
                    align_corners=False,
                )
                for grid in grids.unsqueeze(1)
            ]
        )
