"""Batches of so many classes with so many items of each."""

from collections.abc import Iterator, Mapping
from typing import final

import numpy as np

from likewise.errors import BadArgument, TrainingError
from likewise.learn.samplers.base import Sampler
from likewise.learn.samplers.pool import Pool, classes_and_items
from likewise.shapes import Array, Float, Int, Shaped
from likewise.types import Batch, Labels, Pairs


@final
class ClassesByItems(Sampler):
    """P classes with K items of each in every batch, so that all hold same and different pairs.

    Classes are drawn without replacement until each was drawn, then anew; the items of a class
    come in an order shuffled for the epoch, so none comes twice before the others came once. A
    class of fewer than K items (but two at least) repeats them, up to as many as the largest class
    has; one with a single item is never drawn. If there are fewer than P classes, all are in every
    batch with P * K // classes items of each, but not more than K or the largest class has. So are
    the defaults fitted to few data; a P or K of a recipe that these cannot fill is refused before
    training, unless `allow_fewer` is set.

    Args:
        classes: P, at least 2.
        items: K, at least 2.
        groups: Of so many groups (alphabets, families, sites) the classes of a batch are, in equal
            parts, so that they are told apart by more than their group; 0 takes classes from
            anywhere. Groups are drawn in proportion to their items, and one with fewer than two
            classes of two items is never drawn.
        allow_fewer: Whether a batch may be of fewer classes and items than a recipe asks for.

    Raises:
        BadArgument: If `classes` or `items` is below 2, or `groups` is none to `classes` / 2.

    References:
        Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017,
        section 2: PK batches.
    """

    def __init__(
        self, classes: int = 16, items: int = 4, groups: int = 0, *, allow_fewer: bool = False
    ) -> None:
        for name, value in (("classes", classes), ("items", items)):
            if value < 2:
                raise BadArgument(
                    f"classes_by_items: {name} is {value}, and at least 2 is expected, for a batch "
                    "without same or without different pairs teaches nothing."
                )
        if not 0 <= groups <= classes // 2:
            raise BadArgument(
                f"classes_by_items: groups is {groups}, and 0 to {classes // 2} is expected, for "
                f"each brings at least two of the {classes} classes."
            )
        self.classes = classes
        self.items = items
        self.groups = groups
        self.allow_fewer = allow_fewer

    def most(self, labels: Int[Array, "n"], pairs: Pairs | None) -> Mapping[str, tuple[int, str]]:
        """How many classes can be drawn, and how many items the largest has."""
        if pairs is not None or self.allow_fewer:
            return {}
        return classes_and_items(labels)

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
        if self.groups:
            if not np.any(groups != ""):
                raise TrainingError(
                    f"classes_by_items: groups is {self.groups}, and the items have no groups. Set "
                    "sampler.groups=0, or give the items groups."
                )
            _, parts = np.unique(groups, return_inverse=True)
            order = np.argsort(parts, kind="stable")
            members = np.split(order, np.cumsum(np.bincount(parts))[:-1])
        else:
            members = [np.arange(len(labels))]
        pools = [Pool(rows, labels[rows], random) for rows in members]
        pools = [pool for pool in pools if len(pool.names) >= 2]
        if not pools:
            within = "in any one group " if self.groups else ""
            raise TrainingError(
                f"classes_by_items: among {len(labels)} training items of "
                f"{len(np.unique(labels))} classes, fewer than two classes {within}have two items "
                "or more, and at least two are needed. Give more items of each class"
                f"{', or set sampler.groups=0' if self.groups else ''}."
            )
        if len(pools) < self.groups:
            raise TrainingError(
                f"classes_by_items: groups is {self.groups}, and {len(pools)} of the groups have "
                f"two classes of two items. Set sampler.groups={len(pools)} or less."
            )
        return self._epoch(pools, labels, random)

    def _epoch(
        self, pools: list[Pool], labels: Int[Array, "n"], random: np.random.Generator
    ) -> Iterator[Batch]:
        sizes = np.array([pool.size for pool in pools], dtype=np.float64)
        visited = 0
        while visited < sizes.sum():
            rows = np.concatenate([*self._drawn(pools, sizes, random)])
            visited += len(rows)
            yield Batch(rows, Labels(labels[rows]))

    def _drawn(
        self, pools: list[Pool], sizes: Float[Array, "groups"], random: np.random.Generator
    ) -> Iterator[Int[Array, "_"]]:
        """The rows of each group of one batch."""
        count = max(1, self.groups)
        left = sizes.copy()
        for number in range(count):
            chosen = random.choice(len(pools), p=left / left.sum())
            left[chosen] = 0
            # What cannot be parted evenly goes to the first.
            share = self.classes // count + (number < self.classes % count)
            yield pools[chosen].draw(share, self.items, random)
