"""A part of each image that is missing."""

import math
from typing import ClassVar, Literal, final

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_share, uniform
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class Erase(Augmentation):
    """Hides a rectangle of each image, so that no one part of it is relied on.

    Args:
        probability: That an image loses anything.
        area: The largest share of the image that is hidden; the share is uniform from a fiftieth
            of the image, or `area` where that is less, to `area`.
        aspect: How many times as high as wide a rectangle may be, or as wide as high.
        fill: What stands there: `noise`, each pixel uniform between black and white, or `mean`,
            the image's own mean of each channel.

    Raises:
        BadArgument: If an argument is out of its range.

    References:
        Zhong, Zheng, Kang, Li, Yang, "Random Erasing Data Augmentation", 2020, algorithm 1.
        Departures: a side that would not fit is cut to the image's, where the paper draws again;
        aspects are uniform in their logarithm, so that high and wide are as likely; the largest
        area is .2, theirs .4.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(
        self,
        probability: float = 0.5,
        area: float = 0.2,
        aspect: float = 3.3,
        fill: Literal["noise", "mean"] = "noise",
    ) -> None:
        require_share("erase", probability=probability, area=area)
        if not 1 <= aspect < math.inf:
            raise BadArgument(f"erase: aspect is {aspect}, and at least 1 is expected.")
        if fill not in ("noise", "mean"):
            raise BadArgument(f"erase: fill is {fill!r}; give 'noise' or 'mean'.")
        self.probability = probability
        self.area = area
        self.aspect = aspect
        self.fill = fill

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Images with a rectangle hidden; classes stay."""
        height, width = items.shape[2:]
        share = uniform(min(0.02, self.area), self.area, items, random)
        widest = math.log(self.aspect)
        aspect = uniform(-widest, widest, items, random).exp()
        pixels = share * height * width
        rows = (pixels * aspect).sqrt().round().clamp(max=height)
        columns = (pixels / aspect).sqrt().round().clamp(max=width)
        within = (
            _between(height, rows, uniform(0, 1, items, random))[:, :, None]
            & _between(width, columns, uniform(0, 1, items, random))[:, None, :]
        )
        within &= (uniform(0, 1, items, random) < self.probability)[:, None, None]
        if self.fill == "mean":
            filled = items.mean((2, 3), keepdim=True)
            return torch.where(within[:, None], filled, items), lengths, classes
        # Drawn where it is seen alone: for all pixels it took most of the time.
        hidden = within[:, None].expand_as(items)
        noise = torch.rand(
            int(hidden.sum()), generator=random, device=items.device, dtype=items.dtype
        )
        return items.masked_scatter(hidden, 255 * noise), lengths, classes


def _between(side: int, count: Float[Tensor, "n"], place: Float[Tensor, "n"]) -> Tensor:
    """Which pixels of a side are among so many, at a place from 0 (first) to 1 (last)."""
    start = ((side - count + 1) * place).floor()
    ramp = torch.arange(side, device=count.device)
    return (ramp >= start[:, None]) & (ramp < (start + count)[:, None])
