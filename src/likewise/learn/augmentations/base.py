"""The abstract class of the augmentations."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from likewise.shapes import Float, Int
from likewise.types import Form


class Augmentation(ABC):
    """Maps (items, classes) to (items, classes), for the whole batch at once, when learning.

    Attributes:
        forms: What it can be applied to.
        copies: How many classes one class becomes; class c becomes c * copies + which.

    Example:
        >>> import torch
        >>> from likewise.learn.augmentations import FAMILY
        >>> images, classes = torch.zeros(2, 1, 8, 8), torch.tensor([0, 1])
        >>> made, _, same = FAMILY.build("noise").apply(images, None, classes, torch.Generator())
        >>> tuple(made.shape), same.tolist()
        ((2, 1, 8, 8), [0, 1])
    """

    forms: ClassVar[tuple[Form, ...]]
    copies: int = 1

    @abstractmethod
    def apply(
        self,
        items: Float[Tensor, "n ..."],
        lengths: Int[Tensor, "n"] | None,
        classes: Int[Tensor, "n"],
        random: torch.Generator,
    ) -> tuple[Float[Tensor, "n ..."], Int[Tensor, "n"] | None, Int[Tensor, "n"]]:
        """Augmented decoded items (images [n c h w] in 0 to 255, sequences [n t d]), classes."""
