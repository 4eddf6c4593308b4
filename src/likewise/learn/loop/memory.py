"""The embeddings of the last batches, to compare a batch with."""

import torch
from torch import Tensor, nn

from likewise.shapes import Float, Int
from likewise.types import Labels


class Memory(nn.Module):
    """The embeddings and classes of the items that were learned from last, without a gradient.

    It is a module without parameters, so that what it holds is kept with the rest of a run.

    Args:
        size: How many it holds; beyond them the oldest are forgotten.
        dim: The length of an embedding.

    References:
        Wang, Zhang, Huang, Scott, "Cross-Batch Memory for Embedding Learning", 2020, algorithm 1.
        Departure: a batch is remembered after its step, not before, so that no item is compared
        with itself; its own pairs have a gradient on both sides in the loss of the batch.
    """

    embeddings: Tensor
    classes: Tensor
    written: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("embeddings", torch.zeros(size, dim))
        self.register_buffer("classes", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("written", torch.zeros((), dtype=torch.int64))

    def put(self, embeddings: Float[Tensor, "n dim"], classes: Int[Tensor, "n"]) -> None:
        """Remember these in the place of the oldest."""
        kept = slice(max(0, len(embeddings) - self.size), None)
        start = int(self.written) + kept.start
        places = torch.arange(start, int(self.written) + len(embeddings)) % self.size
        places = places.to(self.classes.device)
        self.embeddings[places] = embeddings[kept].detach().float()
        self.classes[places] = classes[kept]
        self.written.add_(len(embeddings))

    def held(self) -> tuple[Float[Tensor, "m dim"], Labels]:
        """What it holds, as what a loss compares with."""
        count = min(int(self.written), self.size)
        # Copies: what is remembered after a step must not change what its gradient was taken at.
        embeddings = self.embeddings[:count].clone()
        return embeddings, Labels(self.classes[:count].clone())
