"""A bidirectional LSTM for series."""

from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.learn.encoders.base import Encoder
from likewise.learn.encoders.masking import mask_of
from likewise.learn.encoders.pooling import Pooling
from likewise.learn.encoders.sizes import check_sizes
from likewise.shapes import Float, Int
from likewise.types import Form, InputShape


@final
class LSTM(Encoder):
    """A bidirectional LSTM, pooled over the true length of each series.

    The backward direction is a second LSTM over each series reversed within its own length:
    padding is never read before the series, and it exports with a free time axis, which a packed
    sequence does not.

    Args:
        dim: Length of the embedding.
        hidden: Units of each direction.
        layers: How many bidirectional layers.
        pooling: `mean` of all states; `last`, the last state of each direction; or `attention`.

    Raises:
        BadArgument: If an argument is not positive or not one of these, or the items are no series.

    References:
        Hochreiter, Schmidhuber, "Long Short-Term Memory", 1997; Mueller, Thyagarajan, "Siamese
        Recurrent Architectures for Learning Sentence Similarity", 2016. Departures: both
        directions, and by default the mean of all states instead of the last.
    """

    forms: ClassVar[tuple[Form, ...]] = (Form.FRAMES,)

    def __init__(
        self,
        dim: int = 64,
        hidden: int = 64,
        layers: int = 1,
        pooling: Literal["mean", "last", "attention"] = "mean",
        *,
        shape: InputShape,
    ) -> None:
        super().__init__()
        check_sizes("lstm", dim=dim, hidden=hidden, layers=layers)
        if shape.form not in self.forms:
            raise BadArgument(
                f"lstm takes series, and these are {shape.form}. Try convnet4 or mlp."
            )
        self.dim = dim
        sizes = [shape.channels] + [2 * hidden] * (layers - 1)
        self.forwards = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes)
        self.pool = Pooling(pooling, 2 * hidden)
        self.head = nn.Sequential(nn.LayerNorm(2 * hidden), nn.Linear(2 * hidden, dim))

    def forward(
        self, inputs: Float[Tensor, "n t d"], lengths: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n dim"]:
        """Embed series."""
        mask = mask_of(inputs, lengths)
        length = mask.sum(1, keepdim=True)
        steps = torch.arange(inputs.shape[1], device=inputs.device)[None, :]
        order = torch.where(mask, length - 1 - steps, steps)
        states = inputs
        for forwards, backwards in zip(self.forwards, self.backwards, strict=True):
            ahead, reversed_behind = forwards(states)[0], backwards(_reorder(states, order))[0]
            states = torch.cat([ahead, _reorder(reversed_behind, order)], dim=2)
        if self.pool.how == "last":
            # The backward direction ends at the first step, which is the last of its own order.
            states = torch.cat([ahead, reversed_behind], dim=2)
        embedding: Tensor = self.head(self.pool(states, mask))
        return embedding


def _reorder(states: Tensor, order: Tensor) -> Tensor:
    return torch.gather(states, 1, order[:, :, None].expand(-1, -1, states.shape[2]))
