"""Residual networks for images, without the classifier."""

import math
from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.encoders.base import Encoder
from likewise.learn.encoders.masking import mask_of
from likewise.learn.encoders.pooling import Pooling, map_tokens
from likewise.learn.encoders.sizes import check_sizes, image_sides
from likewise.shapes import Float, Int
from likewise.types import Form, InputShape

_BLOCKS = {
    8: (1, 1, 1),
    10: (1, 1, 1, 1),
    14: (2, 2, 2),
    20: (3, 3, 3),
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
}
_LARGE = 64
_VECTOR = 16  # float32 numbers in the longest vectors


@final
class ResNet(Encoder):
    """A residual network, pooled over its last feature map, then one linear layer.

    By default it has four stages, a quarter of the published channels and one block a stage, so
    that minutes on two processor cores train it on small images.

    Args:
        dim: Length of the embedding.
        depth: Layers with weights: 18, 34 and 50 as published (50 has bottlenecks), 10 with one
            block a stage; 8, 14 and 20 have three stages, as those published for small images.
        width: Channels of the first stage, doubled at each later one; 64 as published.
        stem: `large`, 7x7 at every second pixel and a 3x3 pooling, as published; `small`, 3x3 at
            every pixel; `pooled`, the same and then the largest of every 2x2, which makes the
            stages about four times as fast; `strided`, 5x5 at every second pixel, faster still;
            `auto`, large from 64x64 pixels on, else small.
        pooling: Over the places of the last feature map: `mean` as published, `attention`, or
            `flatten`, which keeps every place apart: for images in which it matters where a thing
            is, as in drawings.

    Raises:
        BadArgument: If an argument is not one of these, or the image is smaller than 8 pixels.

    References:
        He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2016, table 1, and
        section 4.2 for three stages; He et al., "Delving Deep into Rectifiers", 2015, eq. 10, for
        the initial weights. Departures: no classifier; every shortcut that changes shape is a
        projection (their option B); a bottleneck steps in its 3x3 convolution; the stem pools
        before it normalises.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.IMAGES,)

    def __init__(
        self,
        dim: int = 64,
        depth: Literal[8, 10, 14, 18, 20, 34, 50] = 10,
        width: int = 16,
        stem: Literal["auto", "small", "pooled", "strided", "large"] = "auto",
        pooling: Literal["mean", "attention", "flatten"] = "mean",
        *,
        shape: InputShape,
    ) -> None:
        super().__init__()
        check_sizes("resnet", dim=dim, width=width)
        if depth not in _BLOCKS:
            raise BadArgument(
                f"resnet: depth is {depth}; give one of {', '.join(map(str, sorted(_BLOCKS)))}."
            )
        if stem not in ("auto", "small", "pooled", "strided", "large"):
            raise BadArgument(
                f"resnet: stem is {stem!r}; give 'auto', 'small', 'pooled', 'strided' or 'large'."
            )
        if pooling not in ("mean", "attention", "flatten"):
            raise BadArgument(
                f"resnet: pooling is {pooling!r}; give 'mean', 'attention' or 'flatten'."
            )
        sides = image_sides("resnet", shape)
        self.dim = dim
        large = stem == "large" or (stem == "auto" and min(sides) >= _LARGE)
        layers: list[nn.Module] = []
        if large:
            layers += [
                nn.Conv2d(shape.channels, width, 7, stride=2, padding=3, bias=False),
                nn.MaxPool2d(3, stride=2, padding=1),
            ]
        elif stem == "strided":
            layers += [nn.Conv2d(shape.channels, width, 5, stride=2, padding=2, bias=False)]
        else:
            layers += [nn.Conv2d(shape.channels, width, 3, padding=1, bias=False)]
            layers += [nn.MaxPool2d(2)] if stem == "pooled" else []
        layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        deep = depth == 50
        given = width
        for stage, count in enumerate(_BLOCKS[depth]):
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(_Block(given, width * 2**stage, stride, deep=deep))
                given = width * 2**stage * (4 if deep else 1)
        self.layers = nn.Sequential(*layers)
        self.maps = _maps(self.layers, shape)
        self.pool = None if pooling == "flatten" else Pooling(pooling, given)
        self.head = nn.Linear(math.prod(self.maps) if self.pool is None else given, dim)
        # Blocks that start as their shortcut (Goyal et al. 2017) learned slower on Omniglot: after
        # 200 steps one-shot accuracy was .46, and .80 without.
        for module in self.layers.modules():
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
            flat: Tensor = self.head(maps.flatten(1))
            return flat
        places = map_tokens(maps)
        embedding: Tensor = self.head(self.pool(places, mask_of(places, None)))
        return embedding


class _Block(nn.Module):
    """Two 3x3 convolutions, or a bottleneck of three, beside a shortcut."""

    def __init__(self, given: int, width: int, stride: int, *, deep: bool) -> None:
        super().__init__()
        taken = 4 * width if deep else width
        if deep:
            steps = [(given, width, 1, 1), (width, width, 3, stride), (width, taken, 1, 1)]
        else:
            steps = [(given, width, 3, stride), (width, taken, 3, 1)]
        layers: list[nn.Module] = []
        for before, after, side, step in steps:
            layers += [_convolution(before, after, side, step), nn.BatchNorm2d(after)]
            layers += [nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers[:-1])
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or given != taken:
            self.shortcut = nn.Sequential(_projection(given, taken, stride), nn.BatchNorm2d(taken))

    def forward(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        return functional.relu(self.layers(maps) + self.shortcut(maps))


class _Every(nn.Conv2d):
    """A 1x1 convolution of every so many pixels, which are taken before it and not by it.

    Of fewer channels than a vector holds, oneDNN's own step writes beyond its memory on the way
    back (issue 6035 of oneDNN: 1x1, channels last): gradients are wrong, or the process dies.
    """

    def __init__(self, given: int, taken: int, step: int) -> None:
        super().__init__(given, taken, 1, bias=False)
        self.step = step

    def forward(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        return super().forward(maps[:, :, :: self.step, :: self.step])


def _projection(given: int, taken: int, stride: int) -> nn.Conv2d:
    if stride > 1 and given < _VECTOR:
        return _Every(given, taken, stride)
    return _convolution(given, taken, 1, stride)


def _maps(layers: nn.Sequential, shape: InputShape) -> tuple[int, int, int]:
    """Channels, height and width of the last feature map of an image of this shape."""
    before = layers.training
    with torch.no_grad():
        maps = layers.eval()(torch.zeros(1, shape.channels, shape.height or 1, shape.width or 1))
    layers.train(before)
    channels, high, wide = maps.shape[1:]
    return channels, high, wide


def _convolution(given: int, taken: int, side: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(given, taken, side, stride=stride, padding=side // 2, bias=False)
