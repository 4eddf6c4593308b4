"""The nearest few by a distance, put in order by a matcher that would be slow over all."""

from typing import final

import numpy as np

from likewise.distances.base import Distance
from likewise.distances.comparator import Comparator
from likewise.errors import BadArgument
from likewise.model.feature_maps import FeatureMaps
from likewise.shapes import Array, Float

NEAREST = 50
"""How many are put in order, where nobody says."""


@final
class Reranked:
    """How far apart items are in lists whose nearest few a matcher has put in order.

    Of every list, the few that are nearest by the plain distance get the dissimilarity that the
    matcher finds; all others stand behind them, in the order of the plain distance. Of equal ones
    the first are the nearest. The numbers of others mean nothing but their order.

    Args:
        distance: Compares the embeddings.
        matcher: Compares what it reads of both items.
        nearest: How many of a list the matcher looks at.

    Raises:
        BadArgument: If that is not positive.
    """

    def __init__(self, distance: Distance, matcher: Comparator, nearest: int) -> None:
        check_nearest(nearest)
        self._distance = distance
        self._matcher = matcher
        self._nearest = nearest

    def matrix(self, first: FeatureMaps, second: FeatureMaps) -> Float[Array, "n m"]:
        """For every row of `first`, the list of all rows of `second`."""
        plain = np.asarray(self._distance.matrix(first.vectors, second.vectors))
        columns = np.tile(np.arange(len(second)), (len(first), 1))
        return self._ordered(plain, first, second, columns)

    def lists(self, asked: FeatureMaps, shown: FeatureMaps, count: int) -> Float[Array, "n count"]:
        """For every row of `asked`, the list of its own `count` rows of `shown`, one after another.

        Args:
            asked: One row a list.
            shown: The rows of all lists, end to end.
            count: How many each list has.
        """
        columns = np.arange(len(shown)).reshape(len(asked), count)
        every = np.repeat(asked.vectors, count, axis=0)
        plain = np.asarray(self._distance.rows(every, shown.vectors)).reshape(columns.shape)
        return self._ordered(plain, asked, shown, columns)

    def _ordered(
        self,
        plain: Float[Array, "n m"],
        first: FeatureMaps,
        second: FeatureMaps,
        columns: Array,
    ) -> Float[Array, "n m"]:
        nearest = np.argsort(plain, axis=1, kind="stable")[:, : self._nearest]
        if not nearest.size:
            return np.zeros(plain.shape)
        rows = np.repeat(np.arange(len(first)), nearest.shape[1])
        looked = np.take_along_axis(columns, nearest, axis=1).ravel()
        apart = self._matcher.rows(first[rows], second[looked]).reshape(nearest.shape)
        # In float64 the order of plain distances outlasts the sum, however unlike the last is.
        behind = apart.max(axis=1, keepdims=True).astype(np.float64) + 1 + plain
        np.put_along_axis(behind, nearest, apart.astype(np.float64), axis=1)
        ordered: Array = behind
        return ordered

    def and_itself(self) -> "Reranked":
        """The same for lists that hold, as their nearest, the item that asks, and is no answer."""
        return Reranked(self._distance, self._matcher, self._nearest + 1)


def check_nearest(nearest: int) -> None:
    """Refuse to put fewer than one in order.

    Raises:
        BadArgument: If that was asked for.
    """
    if nearest < 1:
        raise BadArgument(
            f"rerank is {nearest}, and how many of the nearest the matcher puts in order, at least "
            "1, is expected."
        )
