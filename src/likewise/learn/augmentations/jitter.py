"""Noise and gain for series."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_positive
from likewise.learn.augmentations.timeline import (
    own_deviation,
    own_mean,
    own_steps,
    true_lengths,
)
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class Jitter(Augmentation):
    """Adds noise to every step of a series, and stretches every channel about its mean.

    Both are relative to what the series itself does over its true length, so neither depends on
    the unit or the offset of a channel: noise is a fraction of the channel's own standard
    deviation, and the gain, one for each item and channel, acts on the deviations from the
    channel's own mean. Padding stays zero.

    Args:
        noise: Standard deviation of the noise, as a fraction of the channel's own.
        scale: Standard deviation of the gain, which has mean 1.

    Raises:
        BadArgument: If an argument is negative or not finite.

    References:
        Um et al., "Data Augmentation of Wearable Sensor Data for Parkinson's Disease Monitoring
        using Convolutional Neural Networks", 2017: jittering and scaling. Departures: noise is
        relative to each series, and the gain acts about the mean, not about zero.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.FRAMES,)

    def __init__(self, noise: float = 0.03, scale: float = 0.1) -> None:
        require_positive("jitter", noise=noise, scale=scale)
        self.noise = noise
        self.scale = scale

    def apply(
        self,
        items: Float[Tensor, "n t d"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n t d"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Augmented series; lengths and classes stay."""
        count, steps, channels = items.shape
        own = true_lengths(items, lengths)
        mask = own_steps(items, own)
        mean = own_mean(items, mask, own)
        deviation = torch.where(mask, items - mean, 0)
        std = own_deviation(items, mask, own)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=random, device=items.device, dtype=items.dtype)

        gain = 1 + self.scale * normal(count, 1, channels)
        noise = self.noise * std * normal(count, steps, channels)
        return torch.where(mask, mean + gain * deviation + noise, 0), lengths, classes
