"""What people give estimators as X and y, and what of it is items, pairs and classes."""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import column_or_1d

from likewise.errors import BadArgument
from likewise.recipe import seconds_of
from likewise.shapes import Array
from likewise.sources.base import Source
from likewise.types import Items

LEAST_PAIR_AXES = 3


def classes_of(y: Any) -> Array:
    """What was given as classes, as an array of one axis."""
    if y is None:
        # The words that scikit-learn expects.
        raise BadArgument("fit requires y to be passed, but the target y is None.")
    found: Array = column_or_1d(y, warn=True)
    return found


def length_of(budget: str | float | None, steps: int) -> dict[str, Any]:
    """Return the field of a recipe that says how long to train."""
    if budget is None:
        return {"steps": steps}
    return {"budget_seconds": seconds_of(budget) if isinstance(budget, str) else float(budget)}


def is_other(X: Any) -> bool:  # noqa: N803 - scikit-learn's name
    """Whether it is no table of numbers, but items as Likewise takes them."""
    if isinstance(X, Source | Items | str | Path):
        return True
    if hasattr(X, "ndim") and not hasattr(X, "columns"):
        return int(X.ndim) > 2
    first = X[0] if isinstance(X, list | tuple) and len(X) else None
    return isinstance(first, str | Path) or getattr(first, "ndim", 1) > 1 or _is_picture(first)


def _is_picture(one: Any) -> bool:
    return type(one).__module__.startswith("PIL.")


def are_pairs(X: Any) -> bool:  # noqa: N803 - scikit-learn's name
    """Return whether it is pairs: an array [n 2 ...], or a list of (first, second)."""
    if hasattr(X, "ndim"):
        return int(X.ndim) >= LEAST_PAIR_AXES and int(X.shape[1]) == 2
    return isinstance(X, list | tuple) and len(X) > 0 and isinstance(X[0], tuple) and len(X[0]) == 2


def sides_of(X: Any) -> tuple[Any, Any]:  # noqa: N803 - scikit-learn's name
    """Return the first items of pairs, and the second ones."""
    if hasattr(X, "ndim"):
        if np.issubdtype(X.dtype, np.floating) and not np.isfinite(X).all():
            raise BadArgument("X contains NaN or infinity, and finite numbers are expected.")
        return X[:, 0], X[:, 1]
    return [one for one, _ in X], [other for _, other in X]


def identities_of(labels: Array | None) -> list[str] | None:
    """The identities of the rows: classes by their number, since names may be of any type."""
    if labels is None:
        return None
    return [str(code) for code in np.unique(labels, return_inverse=True)[1]]
