"""From the states of many steps, or places of an image, to one vector."""

from typing import Literal

from torch import Tensor, nn

from likewise.errors import BadArgument
from likewise.learn.encoders.masking import masked_mean
from likewise.shapes import Bool, Float


class Pooling(nn.Module):
    """The mean of the real states, the last of them, or a mean whose weights are learned.

    Args:
        how: `mean`; `last`, the state at the end of each true length; or `attention`.
        width: Length of a state.

    Raises:
        BadArgument: If `how` is none of these.

    References:
        Yang et al., "Hierarchical Attention Networks for Document Classification", 2016, eq. 5 to
        7, for `attention`.
    """

    def __init__(self, how: Literal["mean", "last", "attention"], width: int) -> None:
        super().__init__()
        if how not in ("mean", "last", "attention"):
            raise BadArgument(f"pooling is {how!r}; give 'mean', 'last' or 'attention'.")
        self.how = how
        if how == "attention":
            self.weigh = nn.Sequential(
                nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False)
            )

    def forward(
        self, states: Float[Tensor, "n t d"], mask: Bool[Tensor, "n t"]
    ) -> Float[Tensor, "n d"]:
        """One vector a row; `mask` is true where a state is real."""
        if self.how == "mean":
            return masked_mean(states, mask)
        if self.how == "last":
            last = (mask.sum(1) - 1)[:, None, None].expand(-1, 1, states.shape[2])
            return states.gather(1, last).squeeze(1)
        weights = self.weigh(states).masked_fill(~mask[:, :, None], -float("inf")).softmax(1)
        pooled: Tensor = (weights * states).sum(1)
        return pooled


def map_tokens(maps: Float[Tensor, "n d h w"]) -> Float[Tensor, "n t d"]:
    """The places of a feature map, row after row, as steps."""
    return maps.flatten(2).transpose(1, 2)
