"""Images out of focus."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_share, uniform
from likewise.shapes import Float, Int
from likewise.types import Form

_SHARPEST = 0.05
"""In pixels: at less than this a neighbour's weight is nothing in float64 too."""


@final
class Blur(Augmentation):
    """Blurs each image by a Gaussian of its own width.

    Both passes are products with one matrix an image, so that every image has its own width without
    a loop. Near the border the weights within the image are scaled to add up to one.

    Args:
        width: Standard deviation of the widest Gaussian, as a fraction of the image's height; each
            image's is uniform from 0 to that.

    Raises:
        BadArgument: If the width is outside 0 to 1.

    References:
        Chen, Kornblith, Norouzi, Hinton, "A Simple Framework for Contrastive Learning of Visual
        Representations", 2020, appendix A. Departures: every image is blurred, from not at all on;
        theirs is blurred half of the time, by at least 0.1 pixels.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(self, width: float = 0.03) -> None:
        require_share("blur", width=width)
        self.width = width

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Blurred images; classes stay."""
        height, width = items.shape[2:]
        pixels = uniform(0, self.width * height, items, random).clamp(min=_SHARPEST)
        down, across = _weights(height, pixels), _weights(width, pixels)
        blurred = down[:, None] @ items @ across[:, None].transpose(2, 3)
        return blurred.clamp(0, 255), lengths, classes


def _weights(side: int, pixels: Float[Tensor, "n"]) -> Float[Tensor, "n side side"]:
    """For each image and each pixel of a side, the weights of all pixels of it."""
    ramp = torch.arange(side, device=pixels.device, dtype=pixels.dtype)
    squares = (ramp[:, None] - ramp[None, :]).square()
    return torch.softmax(-squares / (2 * pixels.square()[:, None, None]), dim=2)
