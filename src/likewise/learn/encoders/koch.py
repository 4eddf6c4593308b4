"""The convolution network of Koch's one-shot verification."""

from typing import ClassVar, final

from torch import Tensor, nn

from likewise.learn.encoders.base import Encoder
from likewise.learn.encoders.sizes import check_sizes, image_sides
from likewise.shapes import Float, Int
from likewise.types import Form, InputShape

# Channels and side of each convolution's kernel; a pooling follows all but the last.
_CONVOLUTIONS = ((64, 10), (128, 7), (128, 4), (256, 4))
_SMALLEST = 65


@final
class Koch(Encoder):
    """Koch's convolution network: four convolutions, then 4,096 sigmoid units.

    For its images of 105x105 pixels and one channel it has 38,947,648 parameters; the published
    comparison of two embeddings, a weighted L1 distance, is the matcher `weighted_l1`.

    Args:
        dim: Length of the embedding; 4096 as published.

    Raises:
        BadArgument: If `dim` is not positive, or the image is smaller than 65 pixels.

    References:
        Koch, Zemel, Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition",
        2015, figure 4 and section 3.1; section 3.2 for the initial weights. Departures: other
        sizes of image and numbers of channels are taken too.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(self, dim: int = 4096, *, shape: InputShape) -> None:
        super().__init__()
        check_sizes("koch", dim=dim)
        advice = "Set transform.size to 105, as published, or choose convnet4."
        high, wide = image_sides("koch", shape, _SMALLEST, advice)
        self.dim = dim
        given = shape.channels
        layers: list[nn.Module] = []
        for index, (taken, side) in enumerate(_CONVOLUTIONS):
            layers += [nn.Conv2d(given, taken, side), nn.ReLU(inplace=True)]
            high, wide, given = high - side + 1, wide - side + 1, taken
            if index < len(_CONVOLUTIONS) - 1:
                layers.append(nn.MaxPool2d(2))
                high, wide = high // 2, wide // 2
        self.layers = nn.Sequential(*layers)
        self.maps = (given, high, wide)
        self.head = nn.Linear(given * high * wide, dim)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.normal_(parameter, 0.5, 0.01)
            else:
                nn.init.normal_(parameter, 0.0, 0.2 if name == "head.weight" else 0.01)

    def forward(
        self,
        inputs: Float[Tensor, "n c h w"],
        lengths: Int[Tensor, "n"] | None = None,  # noqa: ARG002 - images have no lengths
    ) -> Float[Tensor, "n dim"]:
        """Embed images."""
        return self.pooled(self.mapped(inputs))

    def mapped(self, inputs: Float[Tensor, "n c h w"]) -> Float[Tensor, "n channels high wide"]:
        """The feature maps of images."""
        maps: Tensor = self.layers(inputs)
        return maps

    def pooled(self, maps: Float[Tensor, "n channels high wide"]) -> Float[Tensor, "n dim"]:
        """The embeddings that follow from feature maps."""
        embedding: Tensor = self.head(maps.flatten(1)).sigmoid()
        return embedding
