"""Batches of the pairs that the source gave."""

from collections.abc import Iterator, Mapping
from typing import final

import numpy as np

from likewise.errors import BadArgument, TrainingError
from likewise.learn.samplers.base import Sampler
from likewise.shapes import Array, Int, Shaped
from likewise.types import Batch, Pairs


@final
class SourcePairs(Sampler):
    """Every pair that the source gave once an epoch, in a random order, as many as it gave.

    The shares of same and of different pairs are those of the source; `balanced_pairs` evens them
    out. An item goes through the encoder once, whatever the number of its pairs in the batch.

    Args:
        pairs: In each batch; the last batch of an epoch holds the rest.
        grades: Whether a pair brings its grade, for a loss of grades, and not yes or no; those
            between come, too. The lowest grade of the training pairs becomes 0, the highest 1.

    Raises:
        BadArgument: If `pairs` is not positive.
    """

    def __init__(self, pairs: int = 64, *, grades: bool = False) -> None:
        if pairs < 1:
            raise BadArgument(f"source_pairs: pairs is {pairs}, and at least 1 is expected.")
        self.pairs = pairs
        self.grades = grades

    def most(
        self,
        labels: Int[Array, "n"],  # noqa: ARG002 - the pairs are given
        pairs: Pairs | None,
    ) -> Mapping[str, tuple[int, str]]:
        """How many pairs the source gave."""
        return {} if pairs is None else {"pairs": (len(self._listed(pairs).first), "pairs")}

    def batches(
        self,
        labels: Int[Array, "n"],  # noqa: ARG002 - the pairs say what is the same
        groups: Shaped[Array, "n"],  # noqa: ARG002 - and are compared as they were given
        random: np.random.Generator,
        pairs: Pairs | None = None,
        imitates: Int[Array, "n"] | None = None,  # noqa: ARG002 - forgeries are a class
    ) -> Iterator[Batch]:
        """One epoch of batches, each the rows of its items and their pairs."""
        if pairs is None or not len(pairs.first):
            raise TrainingError(
                "source_pairs needs a source that gives pairs, and this one gives "
                f"{'classes' if pairs is None else 'none to train on'}. "
                "Set sampler=balanced_pairs, which makes pairs of classes too."
            )
        return self._epoch(self._listed(pairs), random)

    def _listed(self, pairs: Pairs) -> Pairs:
        """The pairs that are drawn, with yes or no, or with grades from 0 to 1."""
        if not self.grades:
            return pairs
        every = pairs.every
        if every.grades is None:
            raise TrainingError(
                "source_pairs: grades were asked for, and nobody graded the pairs of this source. "
                "Leave grades out, or read them: table('pairs.csv', same_from=4)."
            )
        grades = np.asarray(every.grades, dtype=np.float64)
        low, high = float(grades.min()), float(grades.max())
        if low == high:
            raise TrainingError(
                f"source_pairs: every training pair is graded {low:g}, so that nothing is more "
                "alike than another. Grade pairs that differ, or leave grades out."
            )
        return Pairs(every.first, every.second, (grades - low) / (high - low))

    def _epoch(self, pairs: Pairs, random: np.random.Generator) -> Iterator[Batch]:
        listed = np.stack([pairs.first, pairs.second], axis=1)
        order = random.permutation(len(listed))
        for start in range(0, len(order), self.pairs):
            chosen = order[start : start + self.pairs]
            rows, places = np.unique(listed[chosen], return_inverse=True)
            first, second = places.reshape(-1, 2).T
            yield Batch(rows, Pairs(first, second, np.asarray(pairs.same)[chosen]))
