"""What a comparator that looks closer compares: items by their embeddings and feature maps."""

import math
from collections.abc import Iterable
from contextlib import closing
from typing import Any, final

import numpy as np

from likewise.io.spill import SpillBuffer
from likewise.shapes import Array, Float, Int, Shaped

_LARGE_BYTES = 2**28


@final
class FeatureMaps:
    """Items by their embedding and feature map, row for row.

    It is indexed by its rows, as an array of embeddings is; what comes out shares the arrays and
    copies nothing, so that pairs may be named by the million and their maps read some at a time.

    Args:
        vectors: The embeddings of all items.
        maps: Their feature maps.
        rows: Which of them stand here, in this order; all if None.
    """

    def __init__(
        self,
        vectors: Float[Array, "all dim"],
        maps: Float[Array, "all c h w"],
        rows: Int[Array, "n"] | None = None,
    ) -> None:
        self._vectors = vectors
        self._maps = maps
        self.rows: Array = np.arange(len(vectors)) if rows is None else rows
        self.dtype = vectors.dtype

    @classmethod
    def of(
        cls, parts: Iterable[tuple[Array, Array]], count: int, sizes: tuple[int, int, int]
    ) -> "FeatureMaps":
        """Gather embeddings and feature maps that come some at a time.

        Maps of more than 256 MB go to a temporary file.

        Args:
            parts: Both, of some items.
            count: How many items there will be.
            sizes: Channels, height and width of a map.

        Raises:
            SaveFailed: If the temporary file cannot be written.
        """
        vectors: list[Array] = []
        size = 4 * count * math.prod(sizes)
        with closing(SpillBuffer(size, _LARGE_BYTES, "feature maps")) as spilled:
            for part, maps in parts:
                vectors.append(part)
                spilled.add(maps.astype(np.float32, copy=False))
            return cls(np.concatenate(vectors), spilled.content(np.float32, *sizes))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice | Shaped[Array, "..."]) -> "FeatureMaps":
        return FeatureMaps(self._vectors, self._maps, self.rows[index])

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows, and the length of an embedding."""
        return len(self.rows), self._vectors.shape[1]

    @property
    def ndim(self) -> int:
        """Two, as of an array of embeddings."""
        return 2

    @property
    def vectors(self) -> Float[Array, "n dim"]:
        """The embeddings."""
        return self._vectors[self.rows]

    @property
    def maps(self) -> Float[Array, "n c h w"]:
        """The feature maps, copied: ask for some rows at a time."""
        return self._maps[self.rows]

    @property
    def whole(self) -> "FeatureMaps":
        """All items, which `rows` counts."""
        return FeatureMaps(self._vectors, self._maps)


def vectors_of(seen: Any) -> Float[Array, "n dim"]:
    """The embeddings, whether feature maps come with them or not."""
    return seen.vectors if isinstance(seen, FeatureMaps) else seen
