"""All pairs and all triplets."""

from typing import final

import torch
from torch import Tensor

from likewise.learn.miners.base import Miner
from likewise.shapes import Bool, Float
from likewise.types import Pairs, Triplets


@final
class All(Miner):
    """Takes all pairs of a batch, and all triplets of an anchor, one of its same, one different.

    A batch compared with itself gives each pair twice, once from either side.
    """

    def pairs(
        self,
        distances: Float[Tensor, "n m"],  # noqa: ARG002 - all are taken, near or far
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
    ) -> Pairs:
        """All same and all different pairs."""
        first, second = (same | different).nonzero(as_tuple=True)
        return Pairs(first, second, same[first, second])

    def triplets(
        self,
        distances: Float[Tensor, "n m"],  # noqa: ARG002 - all are taken, near or far
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
        margin: float,  # noqa: ARG002 - whatever their distances are
    ) -> Triplets:
        """Each same pair with each different one of its anchor."""
        anchor, positive = same.nonzero(as_tuple=True)
        negatives = different.nonzero(as_tuple=True)[1]
        count = different.sum(dim=1)
        start = count.cumsum(dim=0) - count
        # A mask of n * m * m entries would say the same, and fill the memory: each same pair is
        # repeated once for each negative of its anchor, and walks through that anchor's part of
        # `negatives`.
        times = count[anchor]
        walked = torch.arange(int(times.sum()), device=same.device)
        walked -= (times.cumsum(dim=0) - times).repeat_interleave(times)
        anchor, positive = anchor.repeat_interleave(times), positive.repeat_interleave(times)
        return Triplets(anchor, positive, negatives[start[anchor] + walked])
