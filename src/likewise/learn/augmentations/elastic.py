"""Images drawn on rubber."""

import math
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_share
from likewise.shapes import Float, Int
from likewise.types import Form

_LATTICE = 0.5
_REACH = 3.0


@final
class Elastic(Augmentation):
    """Moves every pixel of an image by a smooth random field, as if it were drawn on rubber.

    The field is white noise smoothed by a Gaussian, another one for every image and axis. Pixels
    are interpolated bilinearly once, and what comes in from outside continues the border.

    Args:
        shift: How far pixels move along each axis (root of the mean square), as a fraction of the
            image's height and width.
        smooth: Standard deviation of the Gaussian, as a fraction of the image's height and width:
            pixels nearer to each other than this move together.

    Raises:
        BadArgument: If an argument is out of its range.

    References:
        Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks Applied to
        Visual Document Analysis", 2003, section 2. Their sigma of 4 and alpha of 34 at 29 pixels
        are a `smooth` of .14 and a `shift` of .05. Departures: the noise is Gaussian and stands on
        a lattice of half a sigma, which after smoothing is the same field; it goes on beyond the
        border, so that pixels there move as far as others.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(self, shift: float = 0.03, smooth: float = 0.14) -> None:
        require_share("elastic", shift=shift)
        if not 0 < smooth <= 1:
            raise BadArgument(f"elastic: smooth is {smooth}, and above 0 to 1 is expected.")
        self.shift = shift
        self.smooth = smooth

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Images whose pixels moved; classes stay."""
        height, width = items.shape[2:]
        rows, columns = _ramp(height, items), _ramp(width, items)
        straight = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
        # The grid runs from -1 to 1, so a fraction of a side counts twice.
        grid = straight + 2 * self.shift * self.field(items, random)
        moved = functional.grid_sample(
            items, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return moved.clamp(0, 255), lengths, classes

    def field(
        self, items: Float[Tensor, "n c h w"], random: torch.Generator
    ) -> Float[Tensor, "n h w 2"]:
        """How far each pixel moves, along x and along y, with a mean square of one."""
        count, _, height, width = items.shape
        down, across = self._smoothing(height, items), self._smoothing(width, items)
        rough = torch.randn(
            (count, 2, down.shape[1], across.shape[1]),
            generator=random,
            device=items.device,
            dtype=items.dtype,
        )
        return (down @ rough @ across.T).permute(0, 2, 3, 1)

    def _smoothing(self, side: int, like: Tensor) -> Float[Tensor, "side m"]:
        """The weights of the noise's places for each pixel; their squares add up to one."""
        sigma = self.smooth * side
        # No finer than the pixels: there would be nothing to see of it.
        space = max(_LATTICE * sigma, min(1.0, sigma))
        beyond = math.ceil(_REACH * sigma / space)
        places = torch.arange(
            -beyond, math.ceil((side - 1) / space) + beyond + 1, device=like.device
        )
        pixels = torch.arange(side, device=like.device, dtype=like.dtype)
        away = pixels[:, None] - space * places[None, :].to(like.dtype)
        weights = torch.exp(-away.square() / (2 * sigma**2))
        return weights / weights.square().sum(1, keepdim=True).sqrt()


def _ramp(side: int, like: Tensor) -> Float[Tensor, "side"]:
    """The middles of the pixels of a side, which goes from -1 to 1."""
    places = torch.arange(side, device=like.device, dtype=like.dtype)
    return (2 * places + 1) / side - 1
