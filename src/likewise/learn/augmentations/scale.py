"""Series in another unit, from another zero."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_positive
from likewise.learn.augmentations.timeline import own_deviation, own_steps, true_lengths
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class Scale(Augmentation):
    """Multiplies each channel of a series, and shifts it, as another sensor would measure it.

    The factor acts about zero (that of `jitter` about the channel's own mean), and halves as likely
    as it doubles. Padding stays zero.

    Args:
        factor: Standard deviation of the natural logarithm of the factor.
        shift: Standard deviation of the shift, as a fraction of the channel's own.

    Raises:
        BadArgument: If an argument is negative or not finite.

    References:
        Um et al., "Data Augmentation of Wearable Sensor Data for Parkinson's Disease Monitoring
        using Convolutional Neural Networks", 2017: scaling. Departures: the factor is log-normal,
        never negative, and there is a shift.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.FRAMES,)

    def __init__(self, factor: float = 0.1, shift: float = 0.1) -> None:
        require_positive("scale", factor=factor, shift=shift)
        self.factor = factor
        self.shift = shift

    def apply(
        self,
        items: Float[Tensor, "n t d"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n t d"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Series in other units; lengths and classes stay."""
        count, _, channels = items.shape
        own = true_lengths(items, lengths)
        mask = own_steps(items, own)
        drawn = torch.randn(
            (2, count, 1, channels), generator=random, device=items.device, dtype=items.dtype
        )
        factor = (self.factor * drawn[0]).exp()
        shift = self.shift * own_deviation(items, mask, own) * drawn[1]
        return torch.where(mask, factor * items + shift, 0), lengths, classes
