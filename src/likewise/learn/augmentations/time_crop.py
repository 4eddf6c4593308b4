"""A part of a series."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import uniform
from likewise.learn.augmentations.timeline import true_lengths
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class TimeCrop(Augmentation):
    """Keeps a stretch of each series, which is then shorter; what follows it is padding.

    Images have `crop`.

    Args:
        share: The smallest share of the steps that is kept; the share is uniform from that to 1.
            At least one step is.

    Raises:
        BadArgument: If the share is not above 0 and at most 1.

    References:
        Le Guennec, Malinowski, Tavenard, "Data Augmentation for Time Series Classification using
        Convolutional Neural Networks", 2016: window slicing. Departures: the share is drawn, where
        theirs is .9, and the stretch keeps its speed.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.FRAMES,)

    def __init__(self, share: float = 0.8) -> None:
        if not 0 < share <= 1:
            raise BadArgument(f"time_crop: share is {share}, and above 0 to 1 is expected.")
        self.share = share

    def apply(
        self,
        items: Float[Tensor, "n t d"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n t d"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Stretches of the series and their lengths; classes stay."""
        own = true_lengths(items, lengths)
        kept = (own * uniform(self.share, 1, items, random)).round().to(own.dtype).clamp(min=1)
        free = own - kept
        start = (uniform(0, 1, items, random) * (free + 1)).floor().to(own.dtype)
        # A number just below one may round up to one.
        start = torch.minimum(start, free)
        ramp = torch.arange(items.shape[1], device=items.device)
        within = (ramp < kept[:, None])[:, :, None]
        steps = (ramp + start[:, None]).clamp(max=items.shape[1] - 1)
        moved = items.gather(1, steps[:, :, None].expand(-1, -1, items.shape[2]))
        return torch.where(within, moved, 0), kept, classes
