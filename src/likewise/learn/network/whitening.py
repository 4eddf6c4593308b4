"""Embeddings in whose space the items of a class are spread alike in every direction."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.errors import TrainingError
from likewise.shapes import Float
from likewise.types import Labels, Pairs

DEGREES = 48
"""For each number of an embedding, from how many degrees of freedom its spread is told."""


class Whitening(nn.Module):
    """A linear map after an encoder, fitted when training is over; until then it changes nothing.

    Args:
        dim: Length of an embedding.
        parts: Of so many equal parts it is, which are mapped each by itself: how the members of an
            ensemble go together on the items that they learned from is no measure for others.

    References:
        Hatch, Kajarekar, Stolcke, "Within-Class Covariance Normalization for SVM-based Speaker
        Recognition", 2006: the inverse of the covariance within classes as the kernel. Departures:
        it is shrunk towards its mean variance; its root is the symmetric one, which turns nothing,
        scaled so that a spread that is alike in every direction already is left as it was.
    """

    def __init__(self, dim: int, parts: int = 1) -> None:
        super().__init__()
        self.parts = parts
        self.matrix: Tensor
        self.register_buffer("matrix", torch.eye(dim))

    def forward(self, embeddings: Float[Tensor, "n dim"]) -> Float[Tensor, "n dim"]:
        """The embeddings in the other space."""
        return functional.linear(embeddings.float(), self.matrix)

    def reset(self) -> None:
        """Change nothing again."""
        with torch.no_grad():
            self.matrix.copy_(torch.eye(len(self.matrix)))

    def fit(
        self,
        batches: Iterable[tuple[Float[Tensor, "n dim"], Labels | Pairs]],
        shrinkage: float,
    ) -> None:
        """Take the spread within classes from embeddings before the map.

        Args:
            batches: Embeddings with what they are; read until there are enough.
            shrinkage: How much of the mean variance is added to that of every direction.

        Raises:
            TrainingError: If no batch has two items of a class.
        """
        dim = len(self.matrix)
        scatter = torch.zeros(dim, dim, dtype=torch.float64, device=self.matrix.device)
        degrees = 0
        for embeddings, target in batches:
            apart, free = _within(embeddings.double(), target)
            scatter += apart.T @ apart
            degrees += free
            if degrees >= DEGREES * dim:
                break
        if not degrees:
            raise TrainingError(
                f"whiten is {shrinkage}, and no batch has two items of a class, so that nothing "
                "tells how the items of a class are spread. Set whiten=0, or a sampler of more "
                "items a class."
            )
        mean = float(scatter.trace()) / dim
        if not 0 < mean < math.inf:
            return  # embeddings have collapsed or are no numbers, which is said elsewhere
        part = torch.arange(dim, device=scatter.device) * self.parts // dim
        alone = scatter * (part[:, None] == part[None, :])
        with torch.no_grad():
            self.matrix.copy_(_inverse_root(alone / mean, shrinkage))


def _within(
    embeddings: Float[Tensor, "n dim"], target: Labels | Pairs
) -> tuple[Float[Tensor, "m dim"], int]:
    """Deviations whose products add up to the scatter within classes, and its degrees of freedom.

    Of labelled items they are those from the mean of their class; of pairs that are the same, half
    the difference of the two, twice.
    """
    if isinstance(target, Pairs):
        same = target.same == 1
        halves = (embeddings[target.first[same]] - embeddings[target.second[same]]) / 2
        return halves.repeat(2, 1), len(halves)
    present, which, counts = torch.unique(target.labels, return_inverse=True, return_counts=True)
    sums = torch.zeros(
        len(present), embeddings.shape[1], dtype=embeddings.dtype, device=embeddings.device
    )
    means = sums.index_add_(0, which, embeddings) / counts[:, None]
    return embeddings - means[which], len(embeddings) - len(present)


def _inverse_root(scatter: Float[Tensor, "dim dim"], shrinkage: float) -> Float[Tensor, "dim dim"]:
    """The symmetric inverse root of a scatter whose mean variance is one, once that was shrunk."""
    values, vectors = torch.linalg.eigh(scatter)
    gains = ((1 + shrinkage) / (values.clamp(min=0) + shrinkage)).sqrt()
    root: Tensor = (vectors * gains) @ vectors.T
    return root
