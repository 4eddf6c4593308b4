"""Arrays that people hold numbers in, as the floats that a source hands over."""

from collections.abc import Sequence

import numpy as np

from likewise.errors import BadArgument
from likewise.kinds.base import Kind
from likewise.shapes import Array


def as_floats(
    items: Sequence[Array], kind: Kind, axes: tuple[int, ...]
) -> tuple[Sequence[Array], str]:
    """Turn whole numbers and truth values into float32; floats stay as they are.

    Args:
        items: Of one collection.
        kind: What they are, for the error.
        axes: How many axes one may have.

    Raises:
        BadArgument: If an item holds no real numbers, or has other axes.
    """
    for item in items:
        if item.ndim not in axes or item.dtype.kind not in "buif":
            raise BadArgument(
                f"{kind.one.capitalize()} is {item.dtype} {list(item.shape)}, and {kind.expected} "
                "is expected."
            )
    if all(item.dtype.kind == "f" for item in items):
        return items, ""
    return [item.astype(np.float32) for item in items], "whole numbers become floats"
