"""Batches of pairs, of which a chosen share is the same."""

from collections.abc import Iterator, Mapping
from typing import final

import numpy as np

from likewise.errors import BadArgument, TrainingError
from likewise.learn.samplers.base import Sampler
from likewise.shapes import Array, Int, Shaped
from likewise.types import Batch, Pairs


@final
class BalancedPairs(Sampler):
    """So many pairs in every batch, a chosen share of them the same.

    Where every item has a class, a same pair is two items of a class of two items or more, and a
    different pair an item each of two classes; every class is as likely as another. Where the
    source gives pairs, they are drawn from those, each sort in an order shuffled for the epoch so
    that none comes twice before the others of its sort came once. An item goes through the
    encoder once, whatever the number of its pairs in the batch.

    Args:
        pairs: In each batch, at least 2. Fewer by default where the source gives fewer; a number
            that a recipe asks for and the data do not have is refused.
        positive: The share of same pairs, above 0 and below 1; at least one of each sort is drawn.

    Raises:
        BadArgument: If an argument is out of range.

    References:
        Koch, Zemel, Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition", 2015,
        section 3.3: as many same as different pairs, drawn at random.
    """

    def __init__(self, pairs: int = 64, positive: float = 0.5) -> None:
        if pairs < 2:
            raise BadArgument(
                f"balanced_pairs: pairs is {pairs}, and at least 2 is expected, one of each sort."
            )
        if not 0 < positive < 1:
            raise BadArgument(
                f"balanced_pairs: positive is {positive}, and a share of same pairs above 0 and "
                "below 1 is expected."
            )
        self.pairs = pairs
        self.positive = positive

    def most(self, labels: Int[Array, "n"], pairs: Pairs | None) -> Mapping[str, tuple[int, str]]:
        """How many pairs the source gave, or its items can make."""
        if pairs is not None:
            return {"pairs": (len(pairs.first), "pairs")}
        return {"pairs": (len(labels) * (len(labels) - 1) // 2, "pairs of two items")}

    def batches(
        self,
        labels: Int[Array, "n"],
        groups: Shaped[Array, "n"],  # noqa: ARG002 - pairs are drawn across groups
        random: np.random.Generator,
        pairs: Pairs | None = None,
        imitates: Int[Array, "n"] | None = None,  # noqa: ARG002 - forgeries are a class
    ) -> Iterator[Batch]:
        """One epoch of batches, each the rows of its items and their pairs; about n items."""
        draw = FromClasses(labels) if pairs is None else _FromPairs(pairs)
        return self._epoch(draw, len(labels), random)

    def _epoch(
        self, draw: "FromClasses | _FromPairs", count: int, random: np.random.Generator
    ) -> Iterator[Batch]:
        total = min(self.pairs, draw.most)
        alike = min(max(1, round(self.positive * total)), total - 1)
        visited = 0
        while visited < count:
            drawn = np.concatenate(
                [draw.same(alike, random), draw.different(total - alike, random)]
            )
            rows, places = np.unique(drawn, return_inverse=True)
            first, second = places.reshape(-1, 2).T
            visited += len(rows)
            yield Batch(rows, Pairs(first, second, np.arange(total) < alike))


class FromClasses:
    """Pairs of items whose classes are known.

    Attributes:
        most: How many pairs a batch may hold.
    """

    most = 2**31

    def __init__(self, labels: Int[Array, "n"]) -> None:
        self._order = np.argsort(labels, kind="stable")
        _, self._starts, self._counts = np.unique(
            labels[self._order], return_index=True, return_counts=True
        )
        self._paired = np.flatnonzero(self._counts >= 2)
        if len(self._counts) < 2 or not len(self._paired):
            raise TrainingError(
                f"balanced_pairs: {len(labels)} training items of {len(self._counts)} classes, "
                f"{len(self._paired)} of them with two items or more: a same and a different pair "
                "need two classes, one with two items. Give more items."
            )

    def same(self, count: int, random: np.random.Generator) -> Int[Array, "count 2"]:
        """Rows of pairs of one class each."""
        classes = random.choice(self._paired, count)
        sizes = self._counts[classes]
        first = random.integers(sizes)
        second = (first + random.integers(1, sizes)) % sizes
        rows: Array = self._order[self._starts[classes, None] + np.stack([first, second], axis=1)]
        return rows

    def different(self, count: int, random: np.random.Generator) -> Int[Array, "count 2"]:
        """Rows of pairs of two classes each."""
        total = len(self._counts)
        first = random.integers(total, size=count)
        second = (first + random.integers(1, total, size=count)) % total
        classes = np.stack([first, second], axis=1)
        rows: Array = self._order[self._starts[classes] + random.integers(self._counts[classes])]
        return rows


class _FromPairs:
    """Pairs that the source gave.

    Attributes:
        most: How many pairs a batch may hold.
    """

    def __init__(self, pairs: Pairs) -> None:
        listed = np.stack([pairs.first, pairs.second], axis=1)
        alike = np.asarray(pairs.same, dtype=bool)
        self._sorts = {True: listed[alike], False: listed[~alike]}
        self._waiting = {sort: np.zeros(0, dtype=np.int64) for sort in self._sorts}
        self.most = len(listed)
        if not all(len(rows) for rows in self._sorts.values()):
            raise TrainingError(
                f"balanced_pairs: the training part has {int(alike.sum())} same and "
                f"{int((~alike).sum())} different pairs, and one of each is needed. Give more "
                "pairs, or set fractions.train higher."
            )

    def same(self, count: int, random: np.random.Generator) -> Int[Array, "count 2"]:
        """Rows of pairs that were said to be the same."""
        return self._draw(count, random, alike=True)

    def different(self, count: int, random: np.random.Generator) -> Int[Array, "count 2"]:
        """Rows of pairs that were said to be different."""
        return self._draw(count, random, alike=False)

    def _draw(
        self, count: int, random: np.random.Generator, *, alike: bool
    ) -> Int[Array, "count 2"]:
        listed, waiting = self._sorts[alike], self._waiting[alike]
        while len(waiting) < count:
            waiting = np.concatenate([waiting, random.permutation(len(listed))])
        self._waiting[alike] = waiting[count:]
        drawn: Array = listed[waiting[:count]]
        return drawn
