"""Pairs put into groups: connected components, or groups in which all are alike.

A chain of near pairs (a like b, b like c, c like d) hangs together, though its ends may be quite
unlike. `components` keeps it in one group; `complete` parts it, so that every two items of a group
are within the threshold.
"""

import heapq
import itertools
from typing import Literal, TypeAlias

import numpy as np

from likewise.duplicates.pair_search import NearPairs
from likewise.registry import unknown
from likewise.shapes import Array, Int

Grouping: TypeAlias = Literal["complete", "components"]
GROUPINGS = ("complete", "components")


def grouped(contents: Int[Array, "n"], near: NearPairs, grouping: str) -> Int[Array, "n"]:
    """The group of each item, from 0 on in the order of their first items; -1 for none.

    Args:
        contents: The content of each item, from 0 on; items of the same content are together.
        near: The pairs of contents within the threshold.
        grouping: `complete` or `components`.

    Raises:
        UnknownName: If it is neither.
    """
    if grouping not in GROUPINGS:
        raise unknown("no way to group is named", grouping, GROUPINGS)
    roots = _components(int(contents.max(initial=-1)) + 1, near)
    if grouping == "complete":
        roots = _complete(roots, near)
    of = roots[contents]
    found = np.full(len(of), -1, dtype=np.int64)
    together = np.flatnonzero(np.bincount(of, minlength=len(of))[of] > 1)
    numbers: dict[int, int] = {}
    for item in together.tolist():
        found[item] = numbers.setdefault(int(of[item]), len(numbers))
    return found


def _components(count: int, near: NearPairs) -> Int[Array, "n"]:
    """The smallest item that each hangs together with."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for one, other in zip(near.first.tolist(), near.second.tolist(), strict=True):
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return np.array([root(item) for item in range(count)], dtype=np.int64)


def _complete(roots: Int[Array, "n"], near: NearPairs) -> Int[Array, "n"]:
    """Agglomerative complete linkage, cut at the threshold, in each component by itself.

    The two nearest clusters are joined, the distance of clusters being that of their farthest
    items, as long as all pairs between them are within the threshold; of equal distances, those of
    the first items. Clusters between which a pair is missing are never joined, so that the pairs
    within the threshold are all that is needed.
    """
    found = np.arange(len(roots))
    of = roots[near.first]
    order = np.argsort(of, kind="stable")
    bounds = np.flatnonzero(np.diff(of[order], prepend=-1, append=-1))
    for start, stop in itertools.pairwise(bounds.tolist()):
        part = order[start:stop]
        pairs = zip(
            near.first[part].tolist(),
            near.second[part].tolist(),
            near.distances[part].tolist(),
            strict=True,
        )
        for item, cluster in _joined(list(pairs)).items():
            found[item] = cluster
    return found


def _joined(pairs: list[tuple[int, int, float]]) -> dict[int, int]:
    """The smallest item of the cluster of each item, from the pairs of one component."""
    apart: dict[int, dict[int, float]] = {}
    for one, other, far in pairs:
        apart.setdefault(one, {})[other] = far
        apart.setdefault(other, {})[one] = far
    members = {item: [item] for item in apart}
    waiting = [(far, one, other) for one, other, far in pairs]
    heapq.heapify(waiting)
    while waiting:
        far, one, other = heapq.heappop(waiting)
        # What was put down before one of the two grew is out of date.
        if one not in apart or apart[one].get(other) != far:
            continue
        low, high = min(one, other), max(one, other)
        beside, gone = apart[low], apart.pop(high)
        members[low] += members.pop(high)
        del beside[high]
        for third in [third for third in beside if third not in gone]:
            del beside[third], apart[third][low]
        for third, reach in gone.items():
            if third == low:
                continue
            del apart[third][high]
            if third in beside:
                farthest = max(reach, beside[third])
                if farthest != beside[third]:
                    beside[third] = apart[third][low] = farthest
                    heapq.heappush(waiting, (farthest, min(low, third), max(low, third)))
    return {item: cluster for cluster, items in members.items() for item in items}
