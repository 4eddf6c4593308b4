"""A small convolution network that looks at two feature maps at once."""

from typing import final

from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.learn.matchers.base import Matcher
from likewise.shapes import Float


@final
class Relation(Matcher):
    """Two blocks of 3x3 convolution over both feature maps at once, then two linear layers.

    The maps lie on each other, channel after channel. A block is a convolution, a normalisation,
    ReLU, and the largest of every 2x2 places where four or more a side are left. The first
    convolution is a sum of what it makes of either map, which is computed once for an item.

    Args:
        width: Channels of both blocks; 64 as published.
        hidden: Numbers between the two linear layers; 8 as published.
        maps: Channels, height and width of a feature map; filled in by the house.

    Raises:
        BadArgument: If a size is not positive.

    References:
        Sung, Yang, Zhang, Xiang, Torr, Hospedales, "Learning to Compare: Relation Network for
        Few-Shot Learning", 2018, eq. 1 and figure 2, with concatenation as its operator.
        Departures: the cross-entropy of a logit in place of the squared error of a sigmoid (eq. 2),
        as for all matchers of the house; the other side is one item, not the sum over a class; the
        mean of both orders is taken; group normalisation with one group in place of batch
        normalisation, so that no pair changes the answer for another; maps of less than four places
        a side are not pooled; and the hidden numbers leak below zero, since all eight died at a
        learning rate of .003.
    """

    def __init__(self, width: int = 64, hidden: int = 8, *, maps: tuple[int, int, int]) -> None:
        super().__init__()
        if min(width, hidden, *maps) < 1:
            raise BadArgument(
                f"relation: width {width}, hidden {hidden} and feature maps of {list(maps)} must "
                "be positive."
            )
        channels, high, wide = maps
        self.sizes = (2 * width, high, wide)
        self.each = nn.Conv2d(channels, 2 * width, 3, padding=1, bias=False)
        layers: list[nn.Module] = []
        for block in range(2):
            if block:
                layers.append(nn.Conv2d(width, width, 3, padding=1, bias=False))
            layers += [nn.GroupNorm(1, width), nn.ReLU()]
            if min(high, wide) >= 4:
                layers.append(nn.MaxPool2d(2))
                high, wide = high // 2, wide // 2
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(width * high * wide, hidden), nn.LeakyReLU(0.1), nn.Linear(hidden, 1)
        )

    def prepared(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """What the first convolution makes of a map as the first of two, and as the second."""
        both: Tensor = self.each(maps)
        return both

    def forward(
        self, first: Float[Tensor, "n d h w"], second: Float[Tensor, "n d h w"]
    ) -> Float[Tensor, "n"]:
        """The logit that each row of `first` and the same row of `second` are the same."""
        both = first.chunk(2, dim=1)[0] + second.chunk(2, dim=1)[1]
        logit: Tensor = self.head(self.layers(both).flatten(1))
        return logit[:, 0]
