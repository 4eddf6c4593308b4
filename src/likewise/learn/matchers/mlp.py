"""A small network that compares two embeddings."""

from typing import final

import torch
from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.learn.matchers.base import Matcher
from likewise.shapes import Float


@final
class MlpMatcher(Matcher):
    """Linear layers with ReLU over both embeddings, their difference and their product.

    What goes in is [u, v, |u - v|, u * v]; what comes out is one logit.

    Args:
        hidden: Numbers in each hidden layer.
        depth: How many hidden layers.
        dropout: Share of the hidden numbers left out in training.
        dim: Length of the embeddings; filled in by the house.

    Raises:
        BadArgument: If a size is not positive, or the share is not from 0 to below 1.

    References:
        Conneau, Kiela, Schwenk, Barrault, Bordes, "Supervised Learning of Universal Sentence
        Representations from Natural Language Inference Data", 2017, figure 1, for what goes in.
        Departures: one logit instead of three classes, ReLU, and no dropout unless asked for.
    """

    def __init__(self, hidden: int = 64, depth: int = 2, dropout: float = 0.0, *, dim: int) -> None:
        super().__init__()
        if min(hidden, depth, dim) < 1:
            raise BadArgument(
                f"mlp: hidden {hidden}, depth {depth} and dim {dim} must be positive."
            )
        if not 0 <= dropout < 1:
            raise BadArgument(f"mlp: dropout is {dropout}. Give a share from 0 to below 1.")
        layers: list[nn.Module] = []
        for index in range(depth):
            layers += [nn.Linear(hidden if index else 4 * dim, hidden), nn.ReLU()]
            layers += [nn.Dropout(dropout)] if dropout else []
        self.layers = nn.Sequential(*layers, nn.Linear(hidden, 1))

    def forward(
        self, first: Float[Tensor, "n dim"], second: Float[Tensor, "n dim"]
    ) -> Float[Tensor, "n"]:
        """The logit that each row of `first` and the same row of `second` are the same."""
        seen = torch.cat([first, second, (first - second).abs(), first * second], dim=1)
        logit: Tensor = self.layers(seen)
        return logit[:, 0]
