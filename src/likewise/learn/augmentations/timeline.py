"""Series of unequal lengths in one padded batch: their own steps, and what lies between."""

import torch
from torch import Tensor

from likewise.shapes import Bool, Float, Int


def true_lengths(
    items: Float[Tensor, "n t d"], lengths: Int[Tensor, "n"] | None
) -> Int[Tensor, "n"]:
    """How many steps of each series are its own."""
    if lengths is not None:
        return lengths
    return torch.full((len(items),), items.shape[1], device=items.device)


def own_steps(items: Float[Tensor, "n t d"], lengths: Int[Tensor, "n"]) -> Bool[Tensor, "n t 1"]:
    """Which steps are no padding."""
    ramp = torch.arange(items.shape[1], device=items.device)
    return (ramp < lengths[:, None])[:, :, None]


def own_mean(
    items: Float[Tensor, "n t d"], mask: Bool[Tensor, "n t 1"], lengths: Int[Tensor, "n"]
) -> Float[Tensor, "n 1 d"]:
    """The mean of every channel over the true length."""
    return torch.where(mask, items, 0).sum(1, keepdim=True) / lengths[:, None, None]


def own_deviation(
    items: Float[Tensor, "n t d"], mask: Bool[Tensor, "n t 1"], lengths: Int[Tensor, "n"]
) -> Float[Tensor, "n 1 d"]:
    """The standard deviation of every channel over the true length."""
    apart = torch.where(mask, items - own_mean(items, mask, lengths), 0)
    return (apart.square().sum(1, keepdim=True) / lengths[:, None, None]).sqrt()


def interpolate(
    items: Float[Tensor, "n t d"], places: Float[Tensor, "n m"]
) -> Float[Tensor, "n m d"]:
    """The values at these places in time, linearly between the two steps about each."""
    before = places.floor().clamp(0, items.shape[1] - 1)
    after = (before + 1).clamp(max=items.shape[1] - 1)
    share = (places - before)[:, :, None]

    def at(steps: Float[Tensor, "n m"]) -> Float[Tensor, "n m d"]:
        index = steps.long()[:, :, None].expand(-1, -1, items.shape[2])
        return items.gather(1, index)

    return torch.where(share > 0, torch.lerp(at(before), at(after), share), at(before))
