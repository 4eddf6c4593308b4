"""Error rates with the counts behind them, of all items and of groups of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """An error rate with the counts behind it and a 95% interval.

    Attributes:
        value: The rate with identities (or pairs of them) weighing equally.
        errors: How many pairs of items were decided wrongly.
        trials: How many pairs of items there were.
        units: How many independent trials stand behind the interval: identities under
            `new_identities`, items under `known_classes`.
        low: Lower end of the 95% interval; None if the units are too few for one.
        high: Upper end; None likewise.
    """

    value: float
    errors: int
    trials: int
    units: int
    low: float | None
    high: float | None

    @property
    def pooled(self) -> float:
        """The plain fraction of pairs, in which large identities weigh more."""
        return self.errors / self.trials


@dataclass(frozen=True)
class ErrorRates:
    """How often different pairs are accepted (FAR) and same pairs rejected (FRR)."""

    far: Rate
    frr: Rate


@dataclass(frozen=True)
class Accuracy:
    """The share of pairs that were decided rightly.

    Attributes:
        value: A fraction.
        right: How many pairs were decided rightly.
        trials: Of how many.
        units: How many independent trials stand behind the interval.
        low: Lower end of the 95% interval; None if the units are too few for one.
        high: Upper end; None likewise.
    """

    value: float
    right: int
    trials: int
    units: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class GroupRates:
    """The error rates of one group.

    Attributes:
        name: Of the group.
        items: How many were compared.
        units: In how many identities.
        rates: Over the pairs within the group; None where it has no same or no different pair.
        reason: Why there are none.
    """

    name: str
    items: int
    units: int
    rates: ErrorRates | None
    reason: str


@dataclass(frozen=True)
class Extremes:
    """The groups that err most and least.

    Attributes:
        highest: The group of the highest rate.
        high: That rate.
        lowest: The group of the lowest rate.
        low: That rate.
        ratio: The one over the other; None where the lowest rate is 0.
    """

    highest: str
    high: float
    lowest: str
    low: float
    ratio: float | None


@dataclass(frozen=True)
class Groups:
    """The error rates of every group at the same threshold.

    Attributes:
        by: What the groups are of, in a word.
        threshold: Frozen, as the calibration has it.
        groups: In the order of their names.
        far_ratio: The extremes of FAR; None where fewer than two groups were measured.
        frr_ratio: The extremes of FRR; None likewise.
    """

    by: str
    threshold: float
    groups: tuple[GroupRates, ...]
    far_ratio: Extremes | None
    frr_ratio: Extremes | None


@dataclass(frozen=True)
class Enrolment:
    """How many items could not be read or embedded: the failures to enrol.

    Attributes:
        failed: How many.
        items: Of how many in all.
        rate: Their share, a fraction.
        identities_lost: Of how many identities nothing is left.
    """

    failed: int
    items: int
    rate: float
    identities_lost: int


@dataclass(frozen=True)
class Promise:
    """Whether a threshold keeps on *test* the false-accept rate that it was fitted for.

    Attributes:
        target: The rate that it was fitted for.
        at_most: Whether that is a limit, which a smaller rate keeps, too.
        calibrate: The rate on the identities that it was fitted on.
        test: The rate on others.
        low: Lower end of where chance puts the rate on *test* if those identities are like the
            ones it was fitted on: a 95% interval, from what is uncertain of both rates; 0 for a
            limit.
        high: Upper end; for a limit the one-sided one.
        kept: Whether the rate on *test* lies between the two.
    """

    target: float
    at_most: bool
    calibrate: float
    test: float
    low: float
    high: float
    kept: bool
