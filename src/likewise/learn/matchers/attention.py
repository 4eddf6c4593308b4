"""Two feature maps compared place by place, each place with what it finds in the other map."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.matchers.base import Matcher
from likewise.shapes import Float


@final
class Attention(Matcher):
    """Each place of one feature map is compared with what it finds in the other by attention.

    With x_p the standardised channels at place p of the first map and y_m those at place m of the
    second, place p finds f_p = sum over m of a_pm V y_m, where a_p is the softmax over m of
    (K x_p) . (K y_m) / sqrt(width). The logit is steepness * (even - d), d the mean of the squares
    of V x_p - f_p over all places and numbers.

    Args:
        width: Numbers that a place is projected to, for looking and as many for comparing.
        maps: Channels, height and width of a feature map; filled in by the house.

    Raises:
        BadArgument: If a size is not positive.

    References:
        Doersch, Gupta, Zisserman, "CrossTransformers: spatially-aware few-shot transfer", 2020, eq.
        1 to 4, with one projection K for queries and keys, as there. Departures: the other side is
        one item, not all examples of a class; the channels of a place are standardised first; the
        squares are averaged over the numbers of V too; a learned steepness and distance of even
        odds make a logit of it, learned by cross-entropy of pairs; and since one map looks into the
        other, the house takes the mean of both orders.
    """

    def __init__(self, width: int = 32, *, maps: tuple[int, int, int]) -> None:
        super().__init__()
        if min(width, *maps) < 1:
            raise BadArgument(
                f"attention: width {width} and feature maps of {list(maps)} must be positive."
            )
        channels, high, wide = maps
        self.sizes = (2 * width, high, wide)
        self.key = nn.Linear(channels, width, bias=False)
        self.value = nn.Linear(channels, width, bias=False)
        # Fresh values have a variance of a third; one that finds itself is then likelier the same.
        self.log_steepness = nn.Parameter(torch.tensor(10.0).log())
        self.even = nn.Parameter(torch.tensor(1 / 3))

    def prepared(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """The key and the value of every place, one after the other along the channels."""
        places = maps.permute(0, 2, 3, 1)
        standard = functional.layer_norm(places, (maps.shape[1],))
        both = torch.cat([self.key(standard), self.value(standard)], dim=3)
        return both.permute(0, 3, 1, 2)

    def forward(
        self, first: Float[Tensor, "n d h w"], second: Float[Tensor, "n d h w"]
    ) -> Float[Tensor, "n"]:
        """The logit that each row of `first` and the same row of `second` are the same."""
        asking, mine = first.flatten(2).transpose(1, 2).chunk(2, dim=2)
        asked, theirs = second.flatten(2).transpose(1, 2).chunk(2, dim=2)
        likeness = asking @ asked.transpose(1, 2) / asking.shape[2] ** 0.5
        found = likeness.softmax(dim=2) @ theirs
        apart = (mine - found).square().mean(dim=(1, 2))
        logit: Tensor = self.log_steepness.exp() * (self.even - apart)
        return logit
