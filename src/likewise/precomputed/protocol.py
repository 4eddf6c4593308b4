"""What embeddings and comparisons have in common: parts that can be measured with no model."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from likewise.errors import DamagedSource
from likewise.pairs import PairSet
from likewise.shapes import Array, Int, Shaped

Names: TypeAlias = Sequence[str] | Sequence[int] | Array

LARGEST = float(np.finfo(np.float32).max)
"""Of a number in an embedding, and of a distance."""


@runtime_checkable
class Precomputed(Protocol):
    """What can be measured and calibrated with no model.

    Attributes:
        place: What errors and results call it.
        measure: What its distances are: the spec of a distance, `distance` or `similarity`.
        names: Of the units that folds never tear apart.
        least: The least that a part needs of each row of `weights`.
    """

    @property
    def place(self) -> str:
        """What errors and results call it."""

    @property
    def measure(self) -> str:
        """What its distances are."""

    @property
    def names(self) -> Shaped[Array, "units"]:
        """Of the units that folds never tear apart."""

    @property
    def least(self) -> tuple[int, int]:
        """The least that a part needs of each row of `weights`."""

    def weights(self) -> Int[Array, "2 units"]:
        """What each unit brings to a part, for different and for same pairs."""

    def take(self, units: Int[Array, "m"]) -> "Precomputed":
        """The part of these units."""

    def compared(self) -> PairSet:
        """Its pairs with their distances."""


def pair_labels(place: str, labels: Any, count: int) -> Shaped[Array, "n"]:
    """Labels as texts, one for each row.

    Raises:
        DamagedSource: If they are of another type or number, or one is empty.
    """
    column = np.asarray(labels)
    if np.issubdtype(column.dtype, np.bytes_):
        column = np.char.decode(column, "utf-8", "backslashreplace")
    if column.dtype.kind not in "Uiu" or column.shape != (count,):
        raise DamagedSource(
            f"{place}: the labels are {column.dtype} {list(column.shape)}, and {count} strings or "
            "whole numbers, one for each row, are expected."
        )
    texts = column.astype(np.str_)
    if (rows := np.flatnonzero(texts == "")).size:
        raise DamagedSource(
            f"{place}: the label of row {int(rows[0])} (counted from 0) is empty, and so are "
            f"{len(rows) - 1} others. Say who or what each row shows."
        )
    return texts
