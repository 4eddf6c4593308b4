"""The abstract class of the views."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from likewise.shapes import Float
from likewise.types import Form


class View(nn.Module, ABC):
    """Other views of every item of a batch, always the same ones, which are exported too.

    In use a model embeds an item and its views, and takes the mean. The shape of the input comes
    from the house as `shape`.

    Attributes:
        forms: What it can look at.
        copies: How many views it gives of an item.

    Example:
        >>> import torch
        >>> from likewise.learn.views import FAMILY
        >>> from likewise.types import Form, InputShape
        >>> view = FAMILY.build("mirrored", shape=InputShape(Form.IMAGES, 1, 8, 8))
        >>> tuple(view(torch.zeros(2, 1, 8, 8)).shape)
        (2, 1, 8, 8)
    """

    forms: ClassVar[tuple[Form, ...]]
    copies: int

    @abstractmethod
    def forward(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "m c h w"]:
        """The first view of every item, then the second of every item, and so on."""
