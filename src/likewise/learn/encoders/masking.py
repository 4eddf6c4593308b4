"""Which steps of a padded batch are real, and means over only those."""

import torch
from torch import Tensor

from likewise.shapes import Bool, Float, Int


def mask_of(
    inputs: Float[Tensor, "n t d"], lengths: Int[Tensor, "n"] | None
) -> Bool[Tensor, "n t"]:
    """True where a step belongs to the series; all of them when no lengths are given."""
    if lengths is None:
        return torch.ones(inputs.shape[:2], dtype=torch.bool, device=inputs.device)
    return torch.arange(inputs.shape[1], device=inputs.device)[None, :] < lengths[:, None]


def masked_mean(states: Float[Tensor, "n t d"], mask: Bool[Tensor, "n t"]) -> Float[Tensor, "n d"]:
    """The mean over the real steps of each row."""
    weights = mask.to(states.dtype)[:, :, None]
    return (states * weights).sum(1) / weights.sum(1)
