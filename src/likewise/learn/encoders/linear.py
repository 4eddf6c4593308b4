"""One linear map of vectors."""

from typing import ClassVar, final

from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.learn.encoders.base import Encoder
from likewise.shapes import Float, Int
from likewise.types import Form, InputShape


@final
class Linear(Encoder):
    """One linear map of vectors, which learns a distance between somebody's features.

    Args:
        dim: Length of the embedding.
        bias: Whether a constant is added.

    Raises:
        BadArgument: If `dim` is not positive, or the items are no vectors.

    References:
        Weinberger, Saul, "Distance Metric Learning for Large Margin Nearest Neighbor
        Classification", 2009, for a Mahalanobis distance as a linear map. Departure: the loss is
        the recipe's.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.VECTORS,)

    def __init__(self, dim: int = 64, bias: bool = False, *, shape: InputShape) -> None:
        super().__init__()
        if dim < 1:
            raise BadArgument(f"linear: dim is {dim}, and it must be positive.")
        if shape.form not in self.forms:
            raise BadArgument(f"linear takes vectors, and these are {shape.form}.")
        self.dim = dim
        self.map = nn.Linear(shape.channels, dim, bias=bias)

    def forward(
        self,
        inputs: Float[Tensor, "n d"],
        lengths: Int[Tensor, "n"] | None = None,  # noqa: ARG002 - vectors have none
    ) -> Float[Tensor, "n dim"]:
        """Embed vectors."""
        embedding: Tensor = self.map(inputs)
        return embedding
