"""Batches of pairs of genuine items, of their forgeries and of others."""

from collections.abc import Iterator
from typing import final

import numpy as np

from likewise.errors import BadArgument, TrainingError
from likewise.learn.samplers.balanced_pairs import FromClasses
from likewise.learn.samplers.base import Sampler
from likewise.shapes import Array, Int, Shaped
from likewise.types import Batch, Pairs


@final
class GenuineForged(Sampler):
    """Pairs of genuine items of one identity, and of genuine ones with forged ones or with others.

    A same pair is two genuine items of an identity, a different pair a genuine item with a forgery
    of its identity, or with a genuine item of another one. Forgeries come in no other pair. Every
    identity is as likely as another.

    Args:
        pairs: In each batch, at least 3, one of each sort.
        positive: The share of same pairs, above 0 and below 1.
        skilled: The share of the different pairs that are with a forgery, above 0 and below 1.

    Raises:
        BadArgument: If an argument is out of range.

    References:
        Dey et al., "SigNet: Convolutional Siamese Network for Writer Independent Offline Signature
        Verification", 2017, section 3.3: pairs of genuine signatures, and of these with forged
        ones. Departure: other people's genuine ones are different, too.
    """

    def __init__(self, pairs: int = 64, positive: float = 0.5, skilled: float = 0.5) -> None:
        if pairs < 3 or not 0 < positive < 1 or not 0 < skilled < 1:
            raise BadArgument(
                f"genuine_forged: pairs is {pairs}, positive {positive} and skilled {skilled}. "
                "Expected are 3 pairs or more, and shares above 0 and below 1."
            )
        self.pairs = pairs
        self.positive = positive
        self.skilled = skilled

    def batches(
        self,
        labels: Int[Array, "n"],
        groups: Shaped[Array, "n"],  # noqa: ARG002 - pairs are drawn across groups
        random: np.random.Generator,
        pairs: Pairs | None = None,
        imitates: Int[Array, "n"] | None = None,
    ) -> Iterator[Batch]:
        """One epoch of batches, each the rows of its items and their pairs; about n items."""
        if pairs is not None or imitates is None or not (imitates >= 0).any():
            raise TrainingError(
                "genuine_forged needs identities with genuine and with forged items, and the "
                "training part has none. Set sampler=balanced_pairs."
            )
        own = np.flatnonzero(imitates < 0)
        return self._epoch(labels, imitates, own, FromClasses(labels[own]), random)

    def _epoch(
        self,
        labels: Int[Array, "n"],
        imitates: Int[Array, "n"],
        own: Int[Array, "m"],
        genuine: FromClasses,
        random: np.random.Generator,
    ) -> Iterator[Batch]:
        alike = min(max(1, round(self.positive * self.pairs)), self.pairs - 2)
        apart = self.pairs - alike
        skilled = min(max(1, round(self.skilled * apart)), apart - 1)
        imitated = np.intersect1d(imitates, labels[own])
        items = {int(one): np.flatnonzero(labels == one) for one in imitated}
        forgeries = {int(one): np.flatnonzero(imitates == one) for one in imitated}
        visited = 0
        while visited < len(labels):
            chosen = random.choice(imitated, skilled).tolist()
            drawn = [(random.choice(items[one]), random.choice(forgeries[one])) for one in chosen]
            listed = np.concatenate(
                [
                    own[genuine.same(alike, random)],
                    np.array(drawn),
                    own[genuine.different(apart - skilled, random)],
                ]
            )
            rows, places = np.unique(listed, return_inverse=True)
            first, second = places.reshape(-1, 2).T
            visited += len(rows)
            yield Batch(rows, Pairs(first, second, np.arange(self.pairs) < alike))
