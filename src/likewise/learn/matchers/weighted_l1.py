"""The weighted city-block comparison of Koch."""

from typing import final

import torch
from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.learn.matchers.base import Matcher
from likewise.shapes import Float


@final
class WeightedL1(Matcher):
    """A weighted sum of how far apart two embeddings are in each of their numbers.

    The logit is sum over j of alpha_j * |u_j - v_j|, plus a bias. Every alpha is learned, and
    starts between -1 / sqrt(dim) and 0, so that what is nearer is likelier the same from the start.

    Args:
        dim: Length of the embeddings; filled in by the house.

    Raises:
        BadArgument: If the length is not positive.

    References:
        Koch, Zemel, Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition", 2015,
        section 3.1. Departures: a bias, which their formula lacks, since distances alone do not say
        where the even odds lie; and alphas that start below zero, where theirs start as a linear
        layer's.
    """

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        if dim < 1:
            raise BadArgument(f"weighted_l1: dim is {dim}. Give the length of the embeddings.")
        self.alpha = nn.Parameter(-torch.rand(dim) / dim**0.5)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(
        self, first: Float[Tensor, "n dim"], second: Float[Tensor, "n dim"]
    ) -> Float[Tensor, "n"]:
        """The logit that each row of `first` and the same row of `second` are the same."""
        logit: Tensor = (first - second).abs() @ self.alpha + self.bias
        return logit
