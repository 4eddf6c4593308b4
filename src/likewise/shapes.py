"""The names of array shapes.

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

    Array: TypeAlias = NDArray[Any]
else:
    Array = np.ndarray
    if os.environ.get("LIKEWISE_CHECK_SHAPES") == "1":
        from jaxtyping import Bool, Float, Int, Shaped, UInt8
    else:

        class _Inert:
            """Stands where jaxtyping would, and is the bare array type."""

            def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
                return item[0]

        Bool = Float = Int = Shaped = UInt8 = _Inert

__all__ = ["Array", "Bool", "Float", "Int", "Shaped", "UInt8"]
