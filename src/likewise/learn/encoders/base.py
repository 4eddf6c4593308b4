"""The abstract class of the encoders."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.shapes import Float, Int
from likewise.types import Form


class Encoder(nn.Module, ABC):
    """One network that looks at every item: inputs in, embeddings out.

    Padding never changes an embedding, and in evaluation one row never changes another. The
    shape of the input comes from the house as `shape`.

    One that makes a feature map on its way says its channels, height and width as `maps`, and its
    embedding is `pooled(mapped(inputs))`: so a matcher may compare maps place by place.

    One whose embedding is of several that have nothing to do with each other, side by side and of
    equal length, says as `parts` how many.

    Example:
        >>> import torch
        >>> from likewise.learn.encoders import FAMILY
        >>> from likewise.types import Form, InputShape
        >>> encoder = FAMILY.build("convnet4", shape=InputShape(Form.IMAGES, 1, 28, 28)).eval()
        >>> tuple(encoder(torch.zeros(3, 1, 28, 28)).shape)
        (3, 64)
    """

    forms: ClassVar[tuple[Form, ...]]
    dim: int
    parts: int = 1
    maps: tuple[int, int, int] | None = None

    @abstractmethod
    def forward(
        self, inputs: Float[Tensor, "n ..."], lengths: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n dim"]:
        """Embed images [n c h w], or sequences [n t d] with their true lengths."""

    def mapped(
        self,
        inputs: Float[Tensor, "n ..."],  # noqa: ARG002 - of those that have maps
    ) -> Float[Tensor, "n channels high wide"]:
        """The feature maps of images, before they are pooled or flattened.

        Raises:
            BadArgument: If this encoder has none.
        """
        raise self._mapless()

    def pooled(
        self,
        maps: Float[Tensor, "n channels high wide"],  # noqa: ARG002 - as above
    ) -> Float[Tensor, "n dim"]:
        """The embeddings that follow from feature maps.

        Raises:
            BadArgument: If this encoder has none.
        """
        raise self._mapless()

    def _mapless(self) -> BadArgument:
        return BadArgument(
            f"{type(self).__name__} has no feature maps. Choose an encoder that has, such as "
            "convnet4."
        )
