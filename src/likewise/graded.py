"""How the distance follows grades that somebody gave to pairs: plain results."""

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
    """

    pairs: int
    between: int
    units: int
    unit: str
    spearman: Correlation
    pearson: Correlation
