"""Four convolution blocks: the small network of the one-shot literature."""

import math
from typing import ClassVar, final

from torch import Tensor, nn

from likewise.learn.encoders.base import Encoder
from likewise.learn.encoders.sizes import check_sizes, image_sides
from likewise.shapes import Float, Int
from likewise.types import Form, InputShape


@final
class ConvNet4(Encoder):
    """Four blocks of 3x3 convolution, batch normalisation and ReLU, then one linear layer.

    Args:
        dim: Length of the embedding.
        width: Channels of every block.

    Raises:
        BadArgument: If an argument is not positive, or the image is smaller than 8 pixels.

    References:
        Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra, "Matching Networks for One Shot
        Learning", 2016, section 4.1. Departures: the fourth block is not pooled, and a linear
        layer follows, so that where a stroke lies still counts and the image may be of any size;
        pooling comes before normalisation, which trains 1.4 times as fast.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(self, dim: int = 64, width: int = 64, *, shape: InputShape) -> None:
        super().__init__()
        check_sizes("convnet4", dim=dim, width=width)
        height, wide = image_sides("convnet4", shape)
        self.dim = dim
        blocks: list[nn.Module] = []
        for index in range(4):
            blocks += [
                nn.Conv2d(shape.channels if index == 0 else width, width, 3, padding=1, bias=False),
                nn.MaxPool2d(2) if index < 3 else nn.Identity(),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
        self.blocks = nn.Sequential(*blocks)
        self.maps = (width, height // 8, wide // 8)
        self.head = nn.Linear(math.prod(self.maps), dim)

    def forward(
        self,
        inputs: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None = None,  # noqa: ARG002 - images have no lengths
    ) -> Float[Tensor, "n dim"]:
        """Embed images."""
        return self.pooled(self.mapped(inputs))

    def mapped(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "n channels high wide"]:
        """The feature maps of images."""
        maps: Tensor = self.blocks(inputs)
        return maps

    def pooled(self, maps: Float[Tensor, "n channels high wide"]) -> Float[Tensor, "n dim"]:
        """The embeddings that follow from feature maps."""
        embedding: Tensor = self.head(maps.flatten(1))
        return embedding
