"""Batches of so many classes with so many items of each."""

from collections.abc import Iterator
from typing import final

import numpy as np

from likewise.errors import BadArgument, TrainingError
from likewise.learn.samplers.base import Sampler
from likewise.shapes import Array, Int, Shaped
from likewise.types import Batch, Labels, Pairs


@final
class ClassesByItems(Sampler):
    """P classes with K items of each in every batch, so that all hold same and different pairs.

    Classes are drawn without replacement until each was drawn, then anew; the items of a class
    come in an order shuffled for the epoch, so none comes twice before the others came once. A
    class of fewer than K items (but two at least) repeats them, up to as many as the largest class
    has; one with a single item is never drawn. If there are fewer than P classes, all are in every
    batch with P * K // classes items of each, but not more than K or the largest class has.

    Args:
        classes: P, at least 2.
        items: K, at least 2.
        by_group: Whether all classes of a batch come from one group, so that they are told apart
            by more than their group. Groups are drawn in proportion to their items, and one with
            fewer than two classes of two items is never drawn.

    Raises:
        BadArgument: If `classes` or `items` is below 2.

    References:
        Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017,
        section 2: PK batches.
    """

    def __init__(self, classes: int = 16, items: int = 4, by_group: bool = False) -> None:
        for name, value in (("classes", classes), ("items", items)):
            if value < 2:
                raise BadArgument(
                    f"classes_by_items: {name} is {value}, and at least 2 is expected, for a batch "
                    "without same or without different pairs teaches nothing."
                )
        self.classes = classes
        self.items = items
        self.by_group = by_group

    def batches(
        self,
        labels: Int[Array, "n"],
        groups: Shaped[Array, "n"],
        random: np.random.Generator,
        pairs: Pairs | None = None,
        imitates: Int[Array, "n"] | None = None,  # noqa: ARG002 - forgeries are a class
    ) -> Iterator[Batch]:
        """One epoch of batches, each the rows of its items and their classes; about n in all."""
        if pairs is not None:
            raise TrainingError(
                "classes_by_items needs the class of every item, and the source gives pairs. Set "
                "sampler=source_pairs."
            )
        if self.by_group:
            if not np.any(groups != ""):
                raise TrainingError(
                    "classes_by_items: by_group is set, and the items have no groups. Set "
                    "sampler.by_group=False."
                )
            _, parts = np.unique(groups, return_inverse=True)
            order = np.argsort(parts, kind="stable")
            members = np.split(order, np.cumsum(np.bincount(parts))[:-1])
        else:
            members = [np.arange(len(labels))]
        pools = [_Pool(rows, labels[rows], random) for rows in members]
        pools = [pool for pool in pools if len(pool.starts) >= 2]
        if not pools:
            within = "in any one group " if self.by_group else ""
            raise TrainingError(
                f"classes_by_items: among {len(labels)} training items of "
                f"{len(np.unique(labels))} classes, fewer than two classes {within}have two items "
                "or more, and at least two are needed. Give more items of each class"
                f"{', or set sampler.by_group=False' if self.by_group else ''}."
            )
        return self._epoch(pools, labels, random)

    def _epoch(
        self, pools: list["_Pool"], labels: Int[Array, "n"], random: np.random.Generator
    ) -> Iterator[Batch]:
        sizes = np.array([pool.size for pool in pools])
        visited = 0
        while visited < sizes.sum():
            pool = pools[random.choice(len(pools), p=sizes / sizes.sum())]
            rows = pool.draw(self.classes, self.items, random)
            visited += len(rows)
            yield Batch(rows, Labels(labels[rows]))


class _Pool:
    """The classes of a group that can be drawn, and where each stands in its items.

    Attributes:
        starts: Where each class begins in the order of the items.
        size: How many items the classes have together.
    """

    def __init__(
        self, rows: Int[Array, "n"], labels: Int[Array, "n"], random: np.random.Generator
    ) -> None:
        order = np.lexsort((random.random(len(rows)), labels))
        _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
        self._order = rows[order]
        usable = counts >= 2
        self.starts, self._counts = starts[usable], counts[usable]
        self.size = int(self._counts.sum())
        self._next = np.zeros(len(self.starts), dtype=np.int64)
        self._waiting = np.zeros(0, dtype=np.int64)

    def draw(self, classes: int, items: int, random: np.random.Generator) -> Int[Array, "_"]:
        """The rows of one batch."""
        total, largest = len(self.starts), int(self._counts.max())
        if total < classes:
            items = max(items, min(classes * items // total, largest))
            classes = total
        # A batch larger than the data holds what there is: no class repeats all of its items.
        items = min(items, largest)
        chosen = self._classes(classes, random)
        steps = self._next[chosen, None] + np.arange(items)
        self._next[chosen] += items
        places = self.starts[chosen, None] + steps % self._counts[chosen, None]
        return self._order[places.ravel()]

    def _classes(self, classes: int, random: np.random.Generator) -> Int[Array, "_"]:
        """The next classes, all different; each comes once before any comes again."""
        chosen, self._waiting = self._waiting[:classes], self._waiting[classes:]
        missing = classes - len(chosen)
        if missing:
            fresh = random.permutation(len(self.starts))
            others = fresh[~np.isin(fresh, chosen)]
            rest = np.setdiff1d(fresh, others[:missing])
            chosen = np.concatenate([chosen, others[:missing]])
            self._waiting = random.permutation(rest)
        return chosen
