"""Series of which a sensor fails."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_share
from likewise.learn.augmentations.timeline import own_mean, own_steps, true_lengths
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class ChannelDrop(Augmentation):
    """Silences channels of a series, each with a probability: they stay at their own mean.

    One channel of each series always stays: where all would go, one drawn at random is kept.

    Args:
        probability: That a channel is silenced.

    Raises:
        BadArgument: If the probability is outside 0 to 1, or series have a single channel.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.FRAMES,)

    def __init__(self, probability: float = 0.1) -> None:
        require_share("channel_drop", probability=probability)
        self.probability = probability

    def apply(
        self,
        items: Float[Tensor, "n t d"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n t d"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Series, some channels of which say nothing; lengths and classes stay."""
        count, _, channels = items.shape
        if channels == 1:
            raise BadArgument(
                "channel_drop: the series have a single channel, and without it nothing is left. "
                "Leave channel_drop out."
            )
        own = true_lengths(items, lengths)
        mask = own_steps(items, own)
        drawn = torch.rand(count, channels, generator=random, device=items.device)
        # The channel with the largest number is the last to go, and none is favoured by that.
        stays = drawn == drawn.amax(1, keepdim=True)
        silent = ((drawn < self.probability) & ~stays)[:, None]
        mean = own_mean(items, mask, own)
        return torch.where(mask, torch.where(silent, mean, items), 0), lengths, classes
