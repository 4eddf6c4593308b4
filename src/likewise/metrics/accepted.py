"""What one threshold accepted among all pairs, item by item, and what that says of both errors.

Memory grows with the items alone: a rate without one identity or one item in turn follows from a
few sums an item.
"""

from dataclasses import dataclass
from typing import NamedTuple

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
        errors: How many pairs of items of different identities were accepted.
    """

    others: Float[Array, "n"]
    own: Int[Array, "n"]
    errors: int


class Hits(NamedTuple):
    """What thresholds accepted in one block of the pairs, each pair at the first that accepts it.

    Attributes:
        others: As in `Accepted`, of the items of the rows and of those of the columns.
        own: Likewise; None if the block holds no accepted pair of one identity.
        errors: How many pairs of different identities.
    """

    others: tuple[Float[Array, "steps rows"], Float[Array, "steps columns"]]
    own: tuple[Int[Array, "steps rows"], Int[Array, "steps columns"]] | None
    errors: Int[Array, "steps"]

    @classmethod
    def of(
        cls,
        found: tuple[Int[Array, "m"], Int[Array, "m"], Int[Array, "m"]],
        same: Bool[Array, "m"],
        each: tuple[Float[Array, "rows"], Float[Array, "columns"]],
        steps: int,
    ) -> "Hits":
        """Count accepted pairs.

        Args:
            found: The row and the column of each pair, and which threshold is the first.
            same: Whether they are of one identity.
            each: For every item, one divided by the items of its identity.
            steps: How many thresholds there are.
        """
        first, second, place = found
        own = None
        if same.any():
            alike = place[same]
            own = (
                _summed(alike, first[same], None, (steps, len(each[0]))),
                _summed(alike, second[same], None, (steps, len(each[1]))),
            )
            first, second, place = first[~same], second[~same], place[~same]
        others = (
            _summed(place, first, each[1][second], (steps, len(each[0]))),
            _summed(place, second, each[0][first], (steps, len(each[1]))),
        )
        return cls(others, own, np.bincount(place, minlength=steps))


def _summed(
    place: Int[Array, "m"],
    item: Int[Array, "m"],
    weights: Float[Array, "m"] | None,
    shape: tuple[int, int],
) -> Array:
    sums = np.bincount(place * shape[1] + item, weights, minlength=shape[0] * shape[1])
    return sums.reshape(shape)


class Steps:
    """What rising thresholds accept, item by item: each what the one before does not.

    Args:
        thresholds: How many.
        count: How many items there are.
    """

    def __init__(self, thresholds: int, count: int) -> None:
        self._others = np.zeros((thresholds, count))
        self._own = np.zeros((thresholds, count), dtype=np.int32)
        self._errors = np.zeros(thresholds, dtype=np.int64)

    def add(self, rows: slice, columns: slice, hits: Hits) -> None:
        """Count the pairs of one block of rows and columns."""
        for at, part in enumerate((rows, columns)):
            self._others[:, part] += hits.others[at]
            if hits.own is not None:
                self._own[:, part] += hits.own[at].astype(np.int32)
        self._errors += hits.errors

    def accepted(self) -> list[Accepted]:
        """What each threshold accepts, once all blocks are counted."""
        for sums in (self._others, self._own, self._errors):
            np.cumsum(sums, axis=0, out=sums)
        every = zip(self._others, self._own, self._errors.tolist(), strict=True)
        return [Accepted(others, own, errors) for others, own, errors in every]


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
    return Tally(total, weight, without, weights, accepted.errors, trials, independent)


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
