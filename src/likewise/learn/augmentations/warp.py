"""Series that run faster here and slower there."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_positive
from likewise.learn.augmentations.timeline import interpolate, own_steps, true_lengths
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class Warp(Augmentation):
    """Lets time run faster in some parts of a series and slower in others; its ends stay.

    Speeds stand at knots, evenly over the true length, and are linear between them; all channels of
    a series share one time. Values are interpolated linearly; lengths stay, and padding zero.

    Args:
        strength: Standard deviation of the natural logarithm of the speed at a knot.
        knots: How many there are, at least 2.

    Raises:
        BadArgument: If the strength is negative or not finite, or there are fewer than 2 knots.

    References:
        Um et al., "Data Augmentation of Wearable Sensor Data for Parkinson's Disease Monitoring
        using Convolutional Neural Networks", 2017: time warping. Departures: speeds are log-normal,
        so that time never runs backwards, and linear between knots, where theirs are cubic.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.FRAMES,)

    def __init__(self, strength: float = 0.2, knots: int = 5) -> None:
        require_positive("warp", strength=strength)
        if knots < 2:
            raise BadArgument(f"warp: knots is {knots}, and at least 2 is expected.")
        self.strength = strength
        self.knots = knots

    def apply(
        self,
        items: Float[Tensor, "n t d"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n t d"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Series in another time; lengths and classes stay."""
        own = true_lengths(items, lengths)
        mask = own_steps(items, own)
        if self.strength == 0:
            return torch.where(mask, items, 0), lengths, classes
        places = self.places(items, own, random)
        return torch.where(mask, interpolate(items, places), 0), lengths, classes

    def places(
        self, items: Float[Tensor, "n t d"], lengths: Int[Tensor, "n"], random: torch.Generator
    ) -> Float[Tensor, "n t"]:
        """Where in the series each step is taken from: from 0 to its last step, rising."""
        count, steps = items.shape[:2]
        drawn = torch.randn(
            (count, self.knots, 1), generator=random, device=items.device, dtype=items.dtype
        )
        last = (lengths - 1).clamp(min=1)[:, None].to(items.dtype)
        ramp = torch.arange(steps - 1, device=items.device, dtype=items.dtype)
        # The speed from one step to the next is that of the middle between them.
        middles = ((ramp + 0.5) / last).clamp(max=1) * (self.knots - 1)
        speeds = interpolate((self.strength * drawn).exp(), middles)[:, :, 0]
        passed = torch.where(ramp < lengths[:, None] - 1, speeds, 0).cumsum(1)
        passed = torch.nn.functional.pad(passed, (1, 0))
        whole = passed[:, -1:].clamp(min=1e-9)
        # At the end the division may be off by a rounding, and nothing comes after the last step.
        return torch.minimum(passed / whole * last, (lengths - 1)[:, None].to(items.dtype))
