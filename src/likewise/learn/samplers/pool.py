"""Classes and their items, drawn so that each comes once before any comes again."""

import numpy as np

from likewise.shapes import Array, Int


def classes_and_items(labels: Int[Array, "n"]) -> dict[str, tuple[int, str]]:
    """How many classes can be drawn, and how many items the largest has, each with its words."""
    counts = np.bincount(labels)
    return {
        "classes": (int((counts >= 2).sum()), "classes of two items or more"),
        "items": (int(counts.max()), "items of its largest class"),
    }


class Pool:
    """The classes that can be drawn, and where each stands in its items.

    The items of a class come in a shuffled order, so that none comes twice before the others came
    once; so do the classes. A class with a single item is never drawn.

    Args:
        rows: Which items of the training table these are.
        labels: Their classes.
        random: Shuffles them.

    Attributes:
        names: The classes, in rising order.
        size: How many items the classes have together.
    """

    def __init__(
        self, rows: Int[Array, "n"], labels: Int[Array, "n"], random: np.random.Generator
    ) -> None:
        order = np.lexsort((random.random(len(rows)), labels))
        names, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
        self._order = rows[order]
        usable = counts >= 2
        self.names = names[usable]
        self._starts, self._counts = starts[usable], counts[usable]
        self.size = int(self._counts.sum())
        self._next = np.zeros(len(self.names), dtype=np.int64)
        self._waiting = np.zeros(0, dtype=np.int64)

    def draw(self, classes: int, items: int, random: np.random.Generator) -> Int[Array, "_"]:
        """The rows of so many classes with so many items each.

        Fewer classes than these bring more items each, but none repeats all that it has.
        """
        total, largest = len(self._starts), int(self._counts.max())
        if total < classes:
            items = max(items, min(classes * items // total, largest))
            classes = total
        # A batch larger than the data holds what there is: no class repeats all of its items.
        items = min(items, largest)
        return self.items_of(self.next_classes(classes, random), items)

    def items_of(self, chosen: Int[Array, "p"], items: int) -> Int[Array, "_"]:
        """The next items of these classes, which are counted as in `names`."""
        steps = self._next[chosen, None] + np.arange(items)
        self._next[chosen] += items
        places = self._starts[chosen, None] + steps % self._counts[chosen, None]
        return self._order[places.ravel()]

    def next_classes(self, classes: int, random: np.random.Generator) -> Int[Array, "_"]:
        """The next classes, all different; each comes once before any comes again."""
        chosen, self._waiting = self._waiting[:classes], self._waiting[classes:]
        missing = classes - len(chosen)
        if missing:
            fresh = random.permutation(len(self._starts))
            others = fresh[~np.isin(fresh, chosen)]
            rest = np.setdiff1d(fresh, others[:missing])
            chosen = np.concatenate([chosen, others[:missing]])
            self._waiting = random.permutation(rest)
        return chosen
