"""Rotated and mirrored copies of a class as classes of their own."""

from typing import ClassVar, final

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.augmentations.base import Augmentation
from likewise.shapes import Float, Int
from likewise.types import Form


@final
class RotatedClasses(Augmentation):
    """Makes each class up to eight: its images turned, or mirrored, are those of another class.

    Every class in a batch draws one k for all of its images, so two images of a class stay of one
    class; class c becomes c times all copies, + k. For data in which a turned item is another item,
    as in writing; not for data in which it is still the same.

    Args:
        copies: How many classes one becomes by turning: 1, 2 (as it is, and a quarter turn) or 4.
        mirrored: Whether its mirror image (left to right, then turned) is another class too, which
            makes twice as many.
        together: Whether all classes of a batch are turned alike, so that those that were brought
            together because they are hard to tell apart stay so.

    Raises:
        BadArgument: If `copies` is none of these, or images to be turned are not square.

    References:
        Santoro et al., "Meta-Learning with Memory-Augmented Neural Networks", 2016, section 4.1:
        new classes of Omniglot by turns of 90, 180 and 270 degrees.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(self, copies: int = 4, mirrored: bool = False, together: bool = False) -> None:
        if copies not in (1, 2, 4):
            raise BadArgument(f"rotated_classes: copies is {copies}, and 1, 2 or 4 is expected.")
        self.turns = copies
        self.copies = 2 * copies if mirrored else copies
        self.together = together

    def apply(
        self,
        items: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Turned and mirrored images, and the classes that they are now of."""
        height, width = items.shape[2:]
        if height != width and self.turns > 1:
            raise BadArgument(
                f"rotated_classes: images are {height} x {width} pixels, and only square ones can "
                "be turned. Resize them to a square, or leave rotated_classes out."
            )
        present, which = torch.unique(classes, return_inverse=True)
        drawn = torch.randint(
            self.copies,
            (1 if self.together else len(present),),
            generator=random,
            device=items.device,
        )
        copy = drawn.expand(len(present))[which]
        changed = items.clone()
        for other in range(1, self.copies):
            rows = copy == other
            mirror, quarter = divmod(other, self.turns)
            taken = items[rows].flip(3) if mirror else items[rows]
            changed[rows] = torch.rot90(taken, quarter, (2, 3))
        return changed, lengths, classes * self.copies + copy.to(classes.dtype)
