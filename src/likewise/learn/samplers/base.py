"""The abstract class of the samplers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from likewise.shapes import Array, Float, Int, Shaped
from likewise.types import Batch, Pairs


class Sampler(ABC):
    """Which items come together in a batch.

    Attributes:
        views: How often an item comes in one batch on purpose, each time augmented anew.
        looks: How many items of each class it wants embedded before each epoch, for `see`; 0 is
            none.
        centres: Where the classes were last seen; None where nobody looked yet.

    Example:
        >>> import numpy as np
        >>> from likewise.learn.samplers import FAMILY
        >>> sampler = FAMILY.build("classes_by_items(classes=2, items=2)")
        >>> labels, random = np.repeat([0, 1, 2], 4), np.random.default_rng(0)
        >>> batch = next(sampler.batches(labels, np.full(12, ""), random, None, None))
        >>> len(batch.rows)
        4
    """

    views: ClassVar[int] = 1
    looks: int = 0
    centres: Array | None = None

    def see(self, centres: Float[Array, "classes dim"] | None) -> None:
        """Take note of where the classes are now; None before the first epoch has passed.

        Args:
            centres: The mean embedding of each class, in the order of the numbers in `labels`.
        """
        self.centres = centres

    def most(
        self,
        labels: Int[Array, "n"],  # noqa: ARG002 - any number, unless a sampler says otherwise
        pairs: Pairs | None,  # noqa: ARG002 - likewise
    ) -> Mapping[str, tuple[int, str]]:
        """The largest value of each argument that these items can fill, and of what they have it.

        A default above it is lowered without a word, and what somebody gave is refused.

        Args:
            labels: The class of every training item.
            pairs: What the source said is the same; None where the labels say it.
        """
        return {}

    @abstractmethod
    def batches(
        self,
        labels: Int[Array, "n"],
        groups: Shaped[Array, "n"],
        random: np.random.Generator,
        pairs: Pairs | None = None,
        imitates: Int[Array, "n"] | None = None,
    ) -> Iterator[Batch]:
        """One epoch of batches, each the rows of its items and what is the same among them.

        Args:
            labels: The class of every training item.
            groups: The group of every training item; empty strings where there is none.
            random: Where all chance comes from.
            imitates: For a forged item the class of the genuine ones that it imitates, for others
                -1; None where nothing is forged. Forgeries are a class of their own.
            pairs: What the source said is the same; None where the labels say it.

        Raises:
            TrainingError: If the data cannot fill one batch, or are not labelled as this sampler
                takes it, with what to set instead.
        """
