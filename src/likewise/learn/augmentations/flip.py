"""Mirror images."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.learn.augmentations.base import Augmentation
from likewise.learn.augmentations.drawing import require_share, uniform
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class Flip(Augmentation):
    """Mirrors each image left to right, or top to bottom, with a probability.

    For things that stay what they are in a mirror; not for writing.

    Args:
        across: Probability that left and right change places.
        down: Probability that top and bottom change places.

    Raises:
        BadArgument: If a probability is outside 0 to 1.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(self, across: float = 0.5, down: float = 0.0) -> None:
        require_share("flip", across=across, down=down)
        self.across = across
        self.down = down

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Images, some of them mirrored; classes stay."""
        for axis, probability in ((3, self.across), (2, self.down)):
            if probability == 0:
                continue
            mirrored = uniform(0, 1, items, random) < probability
            items = torch.where(mirrored[:, None, None, None], items.flip(axis), items)
        return items, lengths, classes
