"""What every distance asks of the vectors that it is given."""

from typing import Any

import numpy as np

from likewise.errors import BadArgument
from likewise.shapes import namespace_of


def vectors(name: str, first: Any, second: Any, *, paired: bool) -> tuple[Any, Any, Any]:
    """Check two sets of vectors, and bring them to one type of at least 32 bits.

    Args:
        name: Of the distance, for the error.
        first: [n dim], of numpy or torch.
        second: [m dim], of the same library.
        paired: Whether n and m must be equal.

    Returns:
        The array namespace of both, and the two.

    Raises:
        BadArgument: If they cannot be compared.
    """
    # To check each property by itself takes longer than to compare a few vectors.
    start = 0 if paired else 1
    if _usual(first) and _usual(second) and first.shape[start:] == second.shape[start:]:
        return np, first, second
    try:
        xp = namespace_of(first, second)
    except TypeError:
        raise BadArgument(
            f"{name} compares two arrays of numpy or two tensors of torch, and was given "
            f"{type(first).__name__} and {type(second).__name__}. Convert one to the other."
        ) from None
    for given in (first, second):
        if not xp.isdtype(given.dtype, "real floating"):
            raise BadArgument(
                f"{name} compares vectors of floats, and was given {given.dtype}. "
                "Convert them to float32."
            )
        if given.ndim != 2 or given.shape[1] == 0:
            raise BadArgument(
                f"{name} compares vectors in rows, [n dim] with dim at least 1, and was given the "
                f"shape {list(given.shape)}. Give one vector as [1 dim]."
            )
    if first.shape[1] != second.shape[1]:
        raise BadArgument(
            f"{name} compares vectors of one length, and was given lengths {first.shape[1]} and "
            f"{second.shape[1]}. Take both from the same model."
        )
    if paired and first.shape[0] != second.shape[0]:
        raise BadArgument(
            f"{name} compares row by row, and was given {first.shape[0]} and {second.shape[0]} "
            "rows. Give as many of each, or ask for the matrix."
        )
    common = xp.result_type(first.dtype, second.dtype)
    if xp.finfo(common).bits < 32:
        common = xp.float32
    return xp, xp.astype(first, common, copy=False), xp.astype(second, common, copy=False)


def _usual(given: Any) -> bool:
    """Whether it is what almost all are given: vectors of numpy, in float32."""
    usual: bool = (
        isinstance(given, np.ndarray)
        and given.dtype == np.float32
        and given.ndim == 2
        and given.shape[1] > 0
    )
    return usual
