"""The hardest of each row."""

from typing import final

import torch
from torch import Tensor

from likewise.learn.miners.base import Miner
from likewise.shapes import Bool, Float, Int
from likewise.types import Pairs, Triplets


@final
class Hard(Miner):
    """Takes for each row the farthest that is the same and the nearest that is different.

    References:
        Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017,
        equation 5 (batch hard). Departure: a row that lacks a same or a different one gives no
        triplet, and gives the one pair that it has.
    """

    def pairs(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
    ) -> Pairs:
        """For each row the pair with its farthest same, and that with its nearest different."""
        near, far = _hardest(distances, same, different)
        rows = torch.arange(len(same), device=same.device)
        first = torch.cat([rows[near >= 0], rows[far >= 0]])
        second = torch.cat([near[near >= 0], far[far >= 0]])
        return Pairs(first, second, same[first, second])

    def triplets(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
        margin: float,  # noqa: ARG002 - the hardest are taken, however hard
    ) -> Triplets:
        """For each row its farthest same and its nearest different."""
        near, far = _hardest(distances, same, different)
        anchor = ((near >= 0) & (far >= 0)).nonzero(as_tuple=True)[0]
        return Triplets(anchor, near[anchor], far[anchor])


def _hardest(
    distances: Float[Tensor, "n m"], same: Bool[Tensor, "n m"], different: Bool[Tensor, "n m"]
) -> tuple[Int[Tensor, "n"], Int[Tensor, "n"]]:
    """The column of each row's farthest same and of its nearest different; -1 for none."""
    if distances.shape[1] == 0:
        none = torch.full((len(distances),), -1, dtype=torch.int64, device=distances.device)
        return none, none
    positive = distances.masked_fill(~same, -torch.inf).argmax(dim=1)
    negative = distances.masked_fill(~different, torch.inf).argmin(dim=1)
    return (
        positive.masked_fill(~same.any(dim=1), -1),
        negative.masked_fill(~different.any(dim=1), -1),
    )
