"""Numbers brought to mean 0 and deviation 1, by what a transform learned of the training set."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from likewise.errors import BadArgument
from likewise.io.display import shortened
from likewise.shapes import Array, Float, Shaped, namespace_of

# A deviation this small a part of the largest value is no more than the rounding to float32, whose
# neighbouring numbers are at most 1.2e-7 of themselves apart.
CONSTANT = 1e-7
LARGEST, SMALLEST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)


def moments(
    mean: Float[Array, "d"], std: Float[Array, "d"], largest: Float[Array, "d"]
) -> dict[str, Any]:
    """Return the part of a state that standardises; what never varies keeps its values.

    Args:
        mean: Of each number over the training set.
        std: The deviation of each.
        largest: The largest size of each.
    """
    scale = np.where(std > CONSTANT * largest, std, 1.0)
    return {"mean": mean.tolist(), "std": scale.tolist()}


def checked_state(
    transform: str, state: Mapping[str, Any], size: str, most: int, *, learned: bool
) -> Mapping[str, Any]:
    """Return a state from a file, held against what it must hold.

    Args:
        transform: Whose it is, by its name.
        state: What was given.
        size: The key of how many numbers there are.
        most: How many there may be.
        learned: Whether `mean` and `std` belong to it.

    Raises:
        BadArgument: If it holds anything else.
    """
    given: Any = state  # a file may hold anything
    count = given.get(size) if isinstance(given, Mapping) else None
    checked: dict[str, Any] = {size: count}
    good = type(count) is int and 1 <= count <= most
    for name in ("mean", "std") if learned and good else ():
        try:
            values = [float(value) for value in state[name]]
        except (KeyError, TypeError, ValueError, OverflowError):
            values = []
        within = all(abs(value) <= LARGEST for value in values)
        positive = name == "mean" or min(values, default=0) >= SMALLEST
        good = good and len(values) == count and bool(within and positive)
        checked[name] = values
    if not good:
        also = ", with as many float32 numbers for 'mean' and (positive) 'std'," if learned else ""
        raise BadArgument(
            f"{transform}: state is {shortened(state, 300)}, and a number of {size!r} up to "
            f"{most}{also} is expected. Take what fit returned for the same arguments."
        )
    return checked


def standardised(
    batch: Shaped[Any, "n ... d"], state: Mapping[str, Any], *, learned: bool
) -> Float[Any, "n ... d"]:
    """Return a batch of numpy or torch as float32; if learned, to mean 0 and deviation 1."""
    xp = namespace_of(batch)
    values = xp.astype(batch, xp.float32, copy=False)
    if not learned:
        return values
    device = batch.device
    mean = xp.asarray(state["mean"], dtype=xp.float32, device=device)
    return (values - mean) / xp.asarray(state["std"], dtype=xp.float32, device=device)
