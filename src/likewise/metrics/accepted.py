"""What one threshold accepted among all pairs, item by item, and what that says of both errors.

Memory grows with the items alone: a rate without one identity or one item in turn follows from a
few sums an item.
"""

from dataclasses import dataclass

import numpy as np

from likewise.metrics.tally import Tally
from likewise.shapes import Array, Bool, Float, Int
from likewise.types import Claim


@dataclass(frozen=True)
class Accepted:
    """What one threshold accepted, item by item.

    Attributes:
        others: For every item the sum, over the items of other identities that it accepts, of one
            divided by the items of that identity.
        own: How many other items of its own identity it accepts.
        errors: How many pairs of items of different identities were accepted, in one element.
    """

    others: Float[Array, "n"]
    own: Float[Array, "n"]
    errors: Int[Array, "1"]

    @classmethod
    def none(cls, count: int) -> "Accepted":
        """Nothing accepted yet, for so many items."""
        return cls(np.zeros(count), np.zeros(count), np.zeros(1, dtype=np.int64))

    def add(
        self,
        first: Int[Array, "m"],
        second: Int[Array, "m"],
        same: Bool[Array, "m"],
        each: Float[Array, "n"],
    ) -> None:
        """Count accepted pairs.

        Args:
            first: Row of one item of each pair.
            second: Row of the other.
            same: Whether they are of one identity.
            each: For every item, one divided by the items of its identity.
        """
        self.errors[0] += len(same) - int(same.sum())
        for one, other in ((first, second), (second, first)):
            _count(self.others, one[~same], each[other[~same]])
            _count(self.own, one[same], None)


def _count(
    sums: Float[Array, "n"], places: Int[Array, "m"], weights: Float[Array, "m"] | None
) -> None:
    """Add weights (or ones) at these places, over the stretch in which they lie."""
    if len(places):
        start = int(places.min())
        found = np.bincount(places - start, weights)
        sums[start : start + len(found)] += found


def tallies(accepted: Accepted, codes: Int[Array, "n"], claim: Claim) -> tuple[Tally, Tally]:
    """What a threshold decided about different pairs (FAR), and about same pairs (FRR).

    Args:
        accepted: Item by item.
        codes: The identity of every item, 0 to identities - 1.
        claim: Whether identities or items are the units.
    """
    sizes = np.bincount(codes).astype(np.float64)
    return _far(accepted, codes, sizes, claim), _frr(accepted, codes, sizes, claim)


def _far(
    accepted: Accepted, codes: Int[Array, "n"], sizes: Float[Array, "k"], claim: Claim
) -> Tally:
    count = len(sizes)
    # Of every identity, the sum over all others of the share of their pairs that is accepted.
    shares = np.bincount(codes, accepted.others, minlength=count) / sizes
    total, weight = float(shares.sum()) / 2, count * (count - 1) / 2
    smaller = (count - 1) * (count - 2) / 2
    if claim is Claim.NEW_IDENTITIES:
        without, weights = total - shares, np.full(count, smaller)
        independent = count / 2
    else:
        left = sizes[codes] - 1
        after = sizes[codes] * shares[codes] - accepted.others
        after = np.where(left > 0, after / np.maximum(left, 1), 0.0)
        without, weights = total - shares[codes] + after, np.where(left > 0, weight, smaller)
        independent = len(codes) / 2
    trials = round((sizes.sum() ** 2 - (sizes**2).sum()) / 2)
    return Tally(total, weight, without, weights, int(accepted.errors[0]), trials, independent)


def _frr(
    accepted: Accepted, codes: Int[Array, "n"], sizes: Float[Array, "k"], claim: Claim
) -> Tally:
    own = np.bincount(codes, accepted.own, minlength=len(sizes)) / 2
    trials = sizes * (sizes - 1) / 2
    paired = trials > 0
    rejected = np.where(paired, 1 - own / np.maximum(trials, 1), 0.0)
    total, weight = float(rejected.sum()), float(paired.sum())
    if claim is Claim.NEW_IDENTITIES:
        without = total - rejected[paired]
        weights, independent = np.full(len(without), weight - 1), weight
    else:
        keep = paired[codes]
        code = codes[keep]
        left = trials[code] - (sizes[code] - 1)
        after = 1 - (own[code] - accepted.own[keep]) / np.maximum(left, 1)
        without = total - rejected[code] + np.where(left > 0, after, 0.0)
        weights, independent = weight - (left <= 0), len(codes) / 2
    errors = round(float((trials - own)[paired].sum()))
    return Tally(total, weight, without, weights, errors, round(trials.sum()), independent)
