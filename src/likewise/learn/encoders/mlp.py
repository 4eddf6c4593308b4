"""A multi-layer perceptron of vectors."""

from itertools import pairwise
from typing import ClassVar, final

from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.learn.encoders.base import Encoder
from likewise.shapes import Float, Int
from likewise.types import Form, InputShape


@final
class MLP(Encoder):
    """A multi-layer perceptron of vectors, with layer normalisation.

    Args:
        dim: Length of the embedding.
        hidden: Units of each hidden layer.
        layers: How many hidden layers.
        dropout: Share of the hidden units that are left out, in training.

    Raises:
        BadArgument: If an argument is out of its range, or the items are no vectors.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.VECTORS,)

    def __init__(
        self,
        dim: int = 64,
        hidden: int = 128,
        layers: int = 1,
        dropout: float = 0.0,
        *,
        shape: InputShape,
    ) -> None:
        super().__init__()
        if min(dim, hidden, layers) < 1:
            raise BadArgument(
                f"mlp: dim {dim}, hidden {hidden} and layers {layers} must be positive."
            )
        if not 0 <= dropout < 1:
            raise BadArgument(f"mlp: dropout is {dropout}, and [0, 1) is expected.")
        if shape.form not in self.forms:
            raise BadArgument(f"mlp takes vectors, and these are {shape.form}.")
        self.dim = dim
        sizes = [shape.channels] + [hidden] * layers
        parts: list[nn.Module] = []
        for taken, made in pairwise(sizes):
            parts += [nn.Linear(taken, made), nn.LayerNorm(made), nn.GELU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*parts, nn.Linear(hidden, dim))

    def forward(
        self,
        inputs: Float[Tensor, "n d"],
        lengths: Int[Tensor, "n"] | None = None,  # noqa: ARG002 - vectors have none
    ) -> Float[Tensor, "n dim"]:
        """Embed vectors."""
        embedding: Tensor = self.layers(inputs)
        return embedding
