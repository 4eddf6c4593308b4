"""The abstract class of the miners."""

from abc import ABC, abstractmethod

from torch import Tensor

from likewise.shapes import Bool, Float
from likewise.types import Pairs, Triplets


class Miner(ABC):
    """Which pairs and triplets of a batch are worth learning from.

    Both methods are given the distance matrix that the loss has computed, from n rows to m
    columns, and masks of the same and of the different pairs in it (an item and itself is
    neither). Indices of `first` and `anchor` are rows, those of `second`, `positive` and
    `negative` are columns. The house fills in what a constructor declares of `distance` (that of
    the matrix) and `dim` (the length of an embedding).

    Example:
        >>> import torch
        >>> from likewise.learn.miners import FAMILY
        >>> same = torch.tensor([[True, False]])
        >>> found = FAMILY.build("all").pairs(torch.tensor([[0.1, 0.2]]), same, ~same)
        >>> found.same.tolist()
        [True, False]
    """

    @abstractmethod
    def pairs(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
    ) -> Pairs:
        """The pairs to learn from."""

    @abstractmethod
    def triplets(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
        margin: float,
    ) -> Triplets:
        """The triplets to learn from."""
