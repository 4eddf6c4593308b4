"""The network that is trained and exported: an encoder, and what follows and compares it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.learn.encoders.base import Encoder
from likewise.learn.matching import SymmetricMatcher
from likewise.shapes import Float, Int


class Network(nn.Module):
    """An encoder whose embeddings may be scaled to length one.

    Args:
        encoder: Looks at each item.
        unit: Whether embeddings are scaled to length one.
        matcher: Compares two embeddings; None where a distance alone does.
    """

    def __init__(
        self, encoder: Encoder, *, unit: bool, matcher: SymmetricMatcher | None = None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.unit = unit
        self.matcher = matcher

    def forward(
        self, inputs: Float[Tensor, "n ..."], lengths: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n dim"]:
        """The embeddings of a batch."""
        embedding = self.encoder(inputs, lengths)
        if not self.unit:
            return embedding  # type: ignore[no-any-return]
        return functional.normalize(embedding.float(), dim=1)


def without_loss(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a network, without those that the loss had beside it (`loss.`)."""
    return {name: value for name, value in weights.items() if not name.startswith("loss.")}


def set_layout(network: Network, layout: torch.memory_format) -> None:
    """Put the weights of a network into memory in another order."""
    network.to(memory_format=layout)  # type: ignore[call-overload]
