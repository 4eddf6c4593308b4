"""The names of array shapes, and the functions of the library that an array belongs to.

Shapes stand in annotations, `Float[Array, "n dim"]`. With `LIKEWISE_CHECK_SHAPES=1` (as in the
tests) they are jaxtyping's and checked by beartype at every call; otherwise they are plain hints
that cost nothing.
"""

import os
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing import Annotated as Bool
    from typing import Annotated as Float
    from typing import Annotated as Int
    from typing import Annotated as Shaped
    from typing import Annotated as UInt8
    from typing import Annotated as UInt64

    Array: TypeAlias = NDArray[Any]
else:
    Array = np.ndarray
    if os.environ.get("LIKEWISE_CHECK_SHAPES") == "1":
        from jaxtyping import Bool, Float, Int, Shaped, UInt8, UInt64
    else:

        class _Inert:
            """Stands where jaxtyping would, and is the bare array type."""

            def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
                return item[0]

        Bool = Float = Int = Shaped = UInt8 = UInt64 = _Inert

__all__ = ["Array", "Bool", "Float", "Int", "Shaped", "UInt8", "UInt64", "namespace_of"]


def namespace_of(*arrays: Any) -> Any:
    """The array API of these arrays, of numpy or torch.

    numpy is its own array API since 2.1; array-api-compat, which loads all of numpy, is imported
    for the others only.

    Raises:
        TypeError: If they are no arrays, or of two libraries.
    """
    if all(isinstance(array, np.ndarray) for array in arrays):
        return np
    from array_api_compat import array_namespace

    return array_namespace(*arrays)
