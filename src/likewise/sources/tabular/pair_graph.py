"""The graph of a table of pairs: its edges once each, and what hangs together by them."""

import numpy as np

from likewise.shapes import Array, Int


def edges(
    count: int, first: Int[Array, "m"], second: Int[Array, "m"]
) -> tuple[Int[Array, "k"], Int[Array, "m"]]:
    """The rows that name a pair for the first time, and for each row which of those it repeats.

    Args:
        count: How many items there are.
        first: One item of each pair.
        second: The other; (a, b) and (b, a) are the same pair.
    """
    keys = np.minimum(first, second) * count + np.maximum(first, second)
    _, rows, which = np.unique(keys, return_index=True, return_inverse=True)
    return np.sort(rows), rows[which]


def components(count: int, first: Int[Array, "m"], second: Int[Array, "m"]) -> Int[Array, "count"]:
    """For each item the smallest item that pairs connect it with, directly or through others.

    Args:
        count: How many items there are.
        first: One item of each pair.
        second: The other.

    References:
        Shiloach, Vishkin, "An O(log n) parallel connectivity algorithm", 1982: hooking and
        pointer jumping. Departure: a root is hooked to its smallest neighbour, and trees are made
        flat before every round.
    """
    root = np.arange(count)
    while True:
        one, other = root[first], root[second]
        apart = one != other
        if not apart.any():
            return root
        first, second, one, other = first[apart], second[apart], one[apart], other[apart]
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(further := root[root], root):
            root = further
