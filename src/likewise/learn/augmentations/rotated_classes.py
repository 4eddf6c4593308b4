"""Rotated copies of a class as classes of their own."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.shapes import Float, Int
from likewise.types import Kind


@final
class RotatedClasses(Augmentation):
    """Makes each class up to four: its images turned by k quarter turns are another class.

    Every class in a batch draws one k for all of its images, so two images of a class stay of one
    class; class c becomes c * copies + k. For data in which a turned item is another item, as in
    writing; not for data in which it is still the same.

    Args:
        copies: How many classes one becomes: 1, 2 (as it is, and a quarter turn) or 4.

    Raises:
        BadArgument: If `copies` is none of these, or images to be turned are not square.

    References:
        Santoro et al., "Meta-Learning with Memory-Augmented Neural Networks", 2016, section 4.1:
        new classes of Omniglot by turns of 90, 180 and 270 degrees.
    """

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.IMAGE,)

    def __init__(self, copies: int = 4) -> None:
        if copies not in (1, 2, 4):
            raise BadArgument(f"rotated_classes: copies is {copies}, and 1, 2 or 4 is expected.")
        self.copies = copies

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Turned images, and the classes that they are now of."""
        height, width = items.shape[2:]
        if height != width:
            raise BadArgument(
                f"rotated_classes: images are {height} x {width} pixels, and only square ones can "
                "be turned. Resize them to a square, or leave rotated_classes out."
            )
        present, which = torch.unique(classes, return_inverse=True)
        drawn = torch.randint(self.copies, (len(present),), generator=random, device=items.device)
        turns = drawn[which]
        turned = items.clone()
        for quarter in range(1, self.copies):
            rows = turns == quarter
            turned[rows] = torch.rot90(items[rows], quarter, (2, 3))
        return turned, lengths, classes * self.copies + turns.to(classes.dtype)
