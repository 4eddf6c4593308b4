"""Grades that somebody gave to pairs, and what a distance tells of them: plain results."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Correlation:
    """A correlation with its 95% interval.

    Attributes:
        value: Between -1 and 1; None where it is not defined, for all distances are equal.
        low: Lower end of the interval; None if the units are too few for one, or nothing departs
            from a perfect order.
        high: Upper end; None likewise.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Grade:
    """How alike two items are in the grades that somebody gave to others, as their distance tells.

    Attributes:
        value: The grade.
        low: Lower end of the prediction interval; None where the data support none.
        high: Upper end; None likewise.
        coverage: The share of pairs, of groups of linked pairs like those calibrated on, whose
            grade such an interval holds.
        reason: Why there is no interval, and what would be needed; empty if there is one.
    """

    value: float
    low: float | None
    high: float | None
    coverage: float
    reason: str


@dataclass(frozen=True)
class Coverage:
    """How often the prediction interval held the grade that was given.

    Attributes:
        value: A fraction, in which groups of linked pairs weigh equally.
        inside: How many pairs it held.
        pairs: Of how many.
        units: In how many groups of linked pairs: the trials of the interval.
        low: Lower end of the 95% interval of the fraction; None if the units are too few for one.
        high: Upper end; None likewise.
    """

    value: float
    inside: int
    pairs: int
    units: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class GradeBin:
    """Pairs that were told nearly one grade.

    Attributes:
        told: Their mean grade as told.
        given: Their mean grade as given.
        low: The mean lower end of their intervals; None where none was told.
        high: The mean upper end; None likewise.
        pairs: How many they are.
    """

    told: float
    given: float
    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True)
class GradeAccuracy:
    """What told grades were worth, on pairs that they were not fitted on.

    Attributes:
        pairs: How many were graded.
        units: In how many groups of linked pairs, which weigh equally.
        mean_error: Mean absolute difference of the grades told and given.
        single_error: The same if one grade, the best for all of these pairs, were always told.
        nominal: The coverage that the intervals promise.
        coverage: What they did; None where none was told.
        width: Their mean width, in grades; None likewise.
        bins: Pairs of like told grades together, in rising order.
    """

    pairs: int
    units: int
    mean_error: float
    single_error: float
    nominal: float
    coverage: Coverage | None
    width: float | None
    bins: tuple[GradeBin, ...]


@dataclass(frozen=True)
class Graded:
    """How the distance of graded pairs follows their grades.

    Attributes:
        pairs: How many pairs were graded.
        between: How many of them have a grade that says neither same nor different, and are in no
            error rate.
        units: How many groups of linked pairs they are in: the trials of the intervals.
        unit: What these are called.
        spearman: Of the ranks of -distance and grade: 1 where a higher grade is always nearer.
        pearson: Of -distance and grade themselves.
        accuracy: What grades told by a calibration were worth; None where it tells none.
    """

    pairs: int
    between: int
    units: int
    unit: str
    spearman: Correlation
    pearson: Correlation
    accuracy: GradeAccuracy | None = None
