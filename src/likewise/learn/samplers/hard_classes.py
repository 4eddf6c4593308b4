"""Batches of classes that are hard to tell apart now."""

from collections.abc import Iterator, Mapping
from typing import final

import numpy as np

from likewise.errors import BadArgument, TrainingError
from likewise.learn.samplers.base import Sampler
from likewise.learn.samplers.pool import Pool, classes_and_items
from likewise.shapes import Array, Float, Int, Shaped
from likewise.types import Batch, Labels, Pairs


@final
class HardClasses(Sampler):
    """Batches of classes that the model confuses now, so that negatives are hard ones.

    Before each epoch, from the second on, some items of every class are embedded, and their mean is
    where the class is. Some classes of a batch are then drawn in turn, each once before any comes
    again, and each brings the classes nearest to it (by the length of the difference) that are not
    in the batch yet. In the first epoch all are drawn in turn. A class with a single item is never
    drawn.

    Args:
        classes: P, the classes of a batch, at least 2.
        items: K, the items of each, at least 2; a class with fewer repeats them.
        seeds: How many classes of a batch are drawn in turn, 1 to `classes`: as many make all
            drawn, and fewer make harder batches.
        looks: How many items of each class are embedded before each epoch.

    Raises:
        BadArgument: If an argument is out of its range.

    References:
        Suh, Han, Kim, Lee, "Stochastic Class-based Hard Example Mining for Deep Metric Learning",
        2019, section 3.2: nearest classes by class representatives. Departures: these are means of
        embeddings, computed anew, where theirs are learned; hard items within them are left to a
        miner.
    """

    def __init__(self, classes: int = 16, items: int = 4, seeds: int = 4, looks: int = 4) -> None:
        for name, value, least in (
            ("classes", classes, 2),
            ("items", items, 2),
            ("looks", looks, 1),
        ):
            if value < least:
                raise BadArgument(
                    f"hard_classes: {name} is {value}, and at least {least} is expected."
                )
        if not 1 <= seeds <= classes:
            raise BadArgument(
                f"hard_classes: seeds is {seeds}, and 1 to the {classes} classes is expected."
            )
        self.classes = classes
        self.items = items
        self.seeds = seeds
        self.looks = looks

    def most(self, labels: Int[Array, "n"], pairs: Pairs | None) -> Mapping[str, tuple[int, str]]:
        """How many items the largest class has; too few classes are refused in any case."""
        return {} if pairs is not None else {"items": classes_and_items(labels)["items"]}

    def batches(
        self,
        labels: Int[Array, "n"],
        groups: Shaped[Array, "n"],  # noqa: ARG002 - what is confused is found, not told
        random: np.random.Generator,
        pairs: Pairs | None = None,
        imitates: Int[Array, "n"] | None = None,  # noqa: ARG002 - forgeries are a class
    ) -> Iterator[Batch]:
        """One epoch of batches, each the rows of its items and their classes; about n in all."""
        if pairs is not None:
            raise TrainingError(
                "hard_classes needs the class of every item, and the source gives pairs. Set "
                "sampler=source_pairs."
            )
        pool = Pool(np.arange(len(labels)), labels, random)
        if len(pool.names) < self.classes:
            raise TrainingError(
                f"hard_classes: {len(pool.names)} training classes have two items or more, and a "
                f"batch is of {self.classes}. Set sampler.classes={max(2, len(pool.names) // 2)}, "
                "or sampler=classes_by_items, which takes any number."
            )
        return self._epoch(pool, labels, random)

    def _epoch(
        self, pool: Pool, labels: Int[Array, "n"], random: np.random.Generator
    ) -> Iterator[Batch]:
        centres = None if self.centres is None else self.centres[pool.names]
        for _ in range(-(-pool.size // (self.classes * self.items))):
            if centres is None:
                chosen = pool.next_classes(self.classes, random)
            else:
                chosen = self._with_nearest(pool.next_classes(self.seeds, random), centres)
            rows = pool.items_of(chosen, self.items)
            yield Batch(rows, Labels(labels[rows]))

    def _with_nearest(
        self, seeds: Int[Array, "s"], centres: Float[Array, "classes dim"]
    ) -> Int[Array, "p"]:
        """The seeds, and in turns the class nearest to each that is not there yet."""
        apart = centres[seeds, None] - centres[None]
        nearest = np.square(apart).sum(2).argsort(1, kind="stable")
        chosen, present = seeds.tolist(), np.zeros(len(centres), dtype=bool)
        present[seeds] = True
        taken = np.zeros(len(seeds), dtype=np.int64)
        while len(chosen) < self.classes:
            turn = len(chosen) % len(seeds)
            while present[nearest[turn, taken[turn]]]:
                taken[turn] += 1
            chosen.append(int(nearest[turn, taken[turn]]))
            present[chosen[-1]] = True
        return np.array(chosen)
