"""Batches in which every item comes twice, for learning without labels."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, final

import numpy as np

from likewise.errors import BadArgument, TrainingError
from likewise.learn.samplers.base import Sampler
from likewise.shapes import Array, Int, Shaped
from likewise.types import Batch, Labels, Pairs


@final
class TwoViews(Sampler):
    """Every item of a batch comes twice, and the augmentations make two views of it.

    Each item is a class of its own: no label is read. Every item comes once an epoch; a batch
    larger than the data holds all of them, if it is so by default: a recipe that asks for it is
    refused.

    Args:
        items: Different items in each batch, at least 2; a last batch of one item is left out.

    Raises:
        BadArgument: If `items` is below 2.

    References:
        Chen, Kornblith, Norouzi, Hinton, "A Simple Framework for Contrastive Learning of Visual
        Representations", 2020, section 2.1.
    """

    views: ClassVar[int] = 2

    def __init__(self, items: int = 64) -> None:
        if items < 2:
            raise BadArgument(f"two_views: items is {items}, and at least 2 is expected.")
        self.items = items

    def most(
        self,
        labels: Int[Array, "n"],
        pairs: Pairs | None,  # noqa: ARG002 - what the source says is not read
    ) -> Mapping[str, tuple[int, str]]:
        """How many items there are."""
        return {"items": (len(labels), "items")}

    def batches(
        self,
        labels: Int[Array, "n"],
        groups: Shaped[Array, "n"],  # noqa: ARG002 - an item is told apart from all others
        random: np.random.Generator,
        pairs: Pairs | None = None,  # noqa: ARG002 - what the source says is not read
        imitates: Int[Array, "n"] | None = None,  # noqa: ARG002 - forgeries are a class
    ) -> Iterator[Batch]:
        """One epoch of batches, each its items twice and which of them is which."""
        if len(labels) < 2:
            raise TrainingError(
                f"two_views: there are {len(labels)} training items, and two are needed to tell "
                "one from another. Give more items."
            )
        order = random.permutation(len(labels))
        starts = range(0, len(order), self.items)
        chosen = (order[start : start + self.items] for start in starts)
        return (
            Batch(np.concatenate([rows, rows]), Labels(np.tile(np.arange(len(rows)), 2)))
            for rows in chosen
            if len(rows) > 1
        )
