"""Plain deep convolution networks for images, without the classifier."""

from typing import ClassVar, Literal, final

from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.learn.encoders.base import Encoder
from likewise.learn.encoders.masking import mask_of
from likewise.learn.encoders.pooling import Pooling, map_tokens
from likewise.learn.encoders.sizes import check_sizes, image_sides
from likewise.shapes import Float, Int
from likewise.types import Form, InputShape

_LAYERS = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


@final
class VGG(Encoder):
    """Stages of 3x3 convolutions, each pooled while 2x2 pixels are left, then one linear layer.

    By default it has a quarter of the published channels, so that minutes on two processor cores
    train it on small images.

    Args:
        dim: Length of the embedding.
        depth: 11, 13, 16 or 19, which counts the classifier's three layers, left out here.
        width: Channels of the first stage, doubled at each later one up to eightfold; 64 as
            published.
        batch_norm: Whether each convolution is normalised; as published it is not.
        pooling: Over the places of the last feature map: `flatten` keeps them all, as published;
            `mean`; or `attention`.

    Raises:
        BadArgument: If an argument is not one of these, or the image is smaller than 8 pixels.

    References:
        Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
        2015, table 1, columns A, B, D and E; He et al., "Delving Deep into Rectifiers", 2015, eq.
        10, for the initial weights. Departures: no classifier; batch normalisation (Ioffe,
        Szegedy 2015), after the pooling; a stage whose pooling would leave less than 2x2 pixels
        is not pooled.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(
        self,
        dim: int = 64,
        depth: Literal[11, 13, 16, 19] = 11,
        width: int = 16,
        batch_norm: bool = True,
        pooling: Literal["flatten", "mean", "attention"] = "flatten",
        *,
        shape: InputShape,
    ) -> None:
        super().__init__()
        check_sizes("vgg", dim=dim, width=width)
        if depth not in _LAYERS:
            raise BadArgument(f"vgg: depth is {depth}; give 11, 13, 16 or 19.")
        if pooling not in ("flatten", "mean", "attention"):
            raise BadArgument(f"vgg: pooling is {pooling!r}; give 'flatten', 'mean', 'attention'.")
        high, wide = image_sides("vgg", shape)
        self.dim = dim
        given = shape.channels
        layers: list[nn.Module] = []
        for stage, count in enumerate(_LAYERS[depth]):
            taken = width * min(2**stage, 8)
            pooled = min(high, wide) >= 4
            for layer in range(count):
                layers.append(nn.Conv2d(given, taken, 3, padding=1, bias=not batch_norm))
                if pooled and layer == count - 1:
                    # A maximum before normalising and ReLU has a quarter of the values to touch.
                    layers.append(nn.MaxPool2d(2))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(taken))
                layers.append(nn.ReLU(inplace=True))
                given = taken
            if pooled:
                high, wide = high // 2, wide // 2
        self.maps = (given, high, wide)
        self.layers = nn.Sequential(*layers)
        self.pool = None if pooling == "flatten" else Pooling(pooling, given)
        self.head = nn.Linear(given * (high * wide if self.pool is None else 1), dim)
        for module in self.layers:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

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
        if self.pool is None:
            pooled = maps.flatten(1)
        else:
            places = map_tokens(maps)
            pooled = self.pool(places, mask_of(places, None))
        embedding: Tensor = self.head(pooled)
        return embedding
