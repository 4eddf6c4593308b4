"""Random numbers of a batch, one for each item, of the items' own type and place."""

import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.shapes import Float


def uniform(
    low: float, high: float, like: Float[Tensor, "n ..."], random: torch.Generator
) -> Float[Tensor, "n"]:
    """A number in this range for each item."""
    drawn = torch.rand(len(like), generator=random, device=like.device, dtype=like.dtype)
    return low + (high - low) * drawn


def require_share(component: str, **values: float) -> None:
    """Refuse what is no fraction from 0 to 1.

    Raises:
        BadArgument: Naming the argument.
    """
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise BadArgument(f"{component}: {name} is {value}, and 0 to 1 is expected.")


def require_positive(component: str, **values: float) -> None:
    """Refuse what is negative or not finite.

    Raises:
        BadArgument: Naming the argument.
    """
    for name, value in values.items():
        if not 0 <= value < float("inf"):
            raise BadArgument(
                f"{component}: {name} is {value}, and a finite number of at least 0 is expected."
            )
