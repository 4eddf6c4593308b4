"""Noise on images."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_share, uniform
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class Noise(Augmentation):
    """Adds Gaussian noise to every pixel of an image, each image with a strength of its own.

    Series have `jitter`.

    Args:
        strength: Each image's noise has a standard deviation of at most this fraction of the range
            from black to white; it is uniform from 0 to that.

    Raises:
        BadArgument: If the strength is outside 0 to 1.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(self, strength: float = 0.1) -> None:
        require_share("noise", strength=strength)
        self.strength = strength

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Noisy images within 0 to 255; classes stay."""
        deviation = uniform(0, 255 * self.strength, items, random)[:, None, None, None]
        normal = torch.randn(items.shape, generator=random, device=items.device, dtype=items.dtype)
        return (items + deviation * normal).clamp(0, 255), lengths, classes
