"""What a threshold decided, unit by unit: enough for an error rate and its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise.metrics.intervals import CONFIDENCE, rate_interval, upper_limit
from likewise.results import Rate
from likewise.shapes import Array, Float


@dataclass(frozen=True, eq=False)
class Tally:
    """What one threshold decided, and what it would have decided without each unit in turn.

    A unit is what a rate generalises over: an identity, an item of known classes, a group of linked
    pairs. Tallies of disjoint units, each with a threshold of its own (folds), can be joined.

    Attributes:
        total: The weighted sum of wrong decisions, such as the sum over pairs of identities of the
            share accepted.
        weight: What it is divided by, such as the number of pairs of identities.
        total_without: The total without each unit in turn.
        weight_without: The weight without each unit in turn.
        errors: How many pairs of items were decided wrongly.
        trials: How many pairs of items there were.
        independent: How many independent trials there are where no error was seen: half the
            identities for pairs of different identities.
    """

    total: float
    weight: float
    total_without: Float[Array, "units"]
    weight_without: Float[Array, "units"]
    errors: int
    trials: int
    independent: float

    @classmethod
    def join(cls, tallies: Sequence["Tally"]) -> "Tally":
        """The tally of several sets of units that share none."""
        total = sum(tally.total for tally in tallies)
        weight = sum(tally.weight for tally in tallies)
        return cls(
            total=total,
            weight=weight,
            total_without=np.concatenate(
                [total - tally.total + tally.total_without for tally in tallies]
            ),
            weight_without=np.concatenate(
                [weight - tally.weight + tally.weight_without for tally in tallies]
            ),
            errors=sum(tally.errors for tally in tallies),
            trials=sum(tally.trials for tally in tallies),
            independent=sum(tally.independent for tally in tallies),
        )

    @property
    def value(self) -> float:
        """The rate itself, a fraction."""
        if self.errors in {0, self.trials}:
            return float(self.errors > 0)
        return min(max(self.total / self.weight, 0.0), 1.0)

    @property
    def without(self) -> Float[Array, "units"]:
        """The rate without each unit in turn."""
        rates: Array = self.total_without / np.where(
            self.weight_without > 0, self.weight_without, 1.0
        )
        return rates

    def rate(self) -> Rate:
        """The rate with its counts and its 95% interval; no interval below 20 units."""
        low, high = rate_interval(self.value, self.without, self.independent)
        return Rate(self.value, self.errors, self.trials, len(self.total_without), low, high)

    def upper(self, confidence: float = CONFIDENCE) -> float:
        """What the true rate exceeds with a probability of at most 1 - confidence.

        Args:
            confidence: One-sided, a fraction.

        Returns:
            The limit; 1 below 20 units, which bound nothing.
        """
        return upper_limit(self.value, self.without, self.independent, confidence)
