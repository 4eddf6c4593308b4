"""What was measured, in sentences that somebody who has to decide can read.

Every rate in them comes with its interval, or with its counts where there are too few trials for
one; rates are fractions or so many of 1,000.
"""

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from likewise.results import (
    BALANCED,
    EQUAL_ERROR,
    Accuracy,
    Correlation,
    Evaluation,
    Graded,
    OperatingPoint,
    Promise,
    Rate,
    Verification,
)
from likewise.types import Claim

DIFFERENT, ACCEPTED = "of different things", "taken for the same"
SAME, REJECTED = "of the same thing", "taken for different"


@runtime_checkable
class Interval(Protocol):
    """Class that any result with a 95% interval fulfils; None where the trials are too few."""

    @property
    def low(self) -> float | None:
        """Its lower end."""

    @property
    def high(self) -> float | None:
        """Its upper end."""


@runtime_checkable
class FigureWords(Interval, Protocol):
    """Class that any figure with a 95% interval fulfils: a rate, an accuracy, a share."""

    @property
    def value(self) -> float:
        """The figure itself."""


RESIDUE = 1e-12
"""What a mean of rates is off by rounding; no data have so many pairs."""


def fraction(value: float) -> str:
    """A rate with two digits that tell it from 0 and from 1: 0.052, 0.0012, 0.9996."""
    near = min(abs(value), abs(1 - value))
    if near < RESIDUE:
        return f"{abs(value):.0f}"
    return f"{value:.{max(3, 1 - math.floor(math.log10(near)))}f}"


def distance(value: float) -> str:
    """A distance or threshold to four digits."""
    return f"{value:.4g}"


def measure_words(evaluation: Evaluation) -> str:
    """What holds two items apart: a distance, or what a matcher finds unlike."""
    return "dissimilarity" if evaluation.comparator == "matcher" else "distance"


def kinds(found: Verification) -> tuple[str, str]:
    """What items belong to, one and many: an identity, a class, or a group of linked pairs."""
    if found.unit == "items":
        return "class", "classes"
    return ("identity" if found.unit == "identities" else "group of linked pairs"), found.unit


def pairs_weigh_equally(unit: str) -> bool:
    """Whether a rate is the plain share of pairs: those that a source listed are as they are."""
    return unit == "groups of linked pairs"


def interval(rate: Interval, unit: str = "identities") -> str:
    """The 95% interval, or why there is none.

    Args:
        rate: Whose interval.
        unit: What its trials are called.
    """
    if rate.low is None or rate.high is None:
        return f"too few {unit} for an interval"
    return f"{fraction(rate.low)} to {fraction(rate.high)}"


def ends(found: Interval, unit: str = "identities") -> str:
    """Return the same to four digits, as a terminal shows it."""
    if found.low is None or found.high is None:
        return f"too few {unit} for an interval"
    return f"95% interval {found.low:.4f} to {found.high:.4f}"


def measured(found: FigureWords, unit: str = "identities", behind: str = "") -> str:
    """Return a figure to four digits with its interval and the counts behind it.

    Args:
        found: What was measured.
        unit: What its trials are called.
        behind: The counts, in words.
    """
    inside = [ends(found, unit), behind]
    inside = inside[::-1] if found.low is None else inside
    return f"{found.value:.4f} ({'; '.join(filter(None, inside))})"


def graded_words(found: Graded) -> str:
    """How the distance follows the grade of pairs."""
    between = ""
    if found.between:
        between = (
            f" {found.between:,} of them are graded between same and different, and are in no "
            "error rate."
        )
    return (
        f"{found.pairs:,} pairs were graded, in {found.units:,} {found.unit}.{between} How well a "
        "smaller distance goes with a higher grade, where 1 is always and 0 not at all: by ranks "
        f"(Spearman) {_correlation(found.spearman, found.unit)}, by size (Pearson) "
        f"{_correlation(found.pearson, found.unit)}."
    )


def _correlation(one: Correlation, unit: str) -> str:
    if one.value is None:
        return "not defined, since all distances or all grades are equal"
    if one.low is None or one.high is None:
        return f"{one.value:.3f} (without an interval: too few {unit}, or too perfect an order)"
    return f"{one.value:.3f} (95% interval {one.low:.3f} to {one.high:.3f})"


def counts(rate: Rate) -> str:
    """The pairs behind a rate."""
    return f"{rate.errors:,} of {rate.trials:,} pairs"


def accuracy_words(found: Accuracy, unit: str) -> str:
    """The interval of a share of right decisions, and the pairs behind it."""
    if found.low is None or found.high is None:
        return f"pairs; too few {unit} for an interval"
    right = f"{found.right:,} of {found.trials:,} pairs"
    return f"{fraction(found.low)} to {fraction(found.high)}; {right}"


def measured_on(evaluation: Evaluation) -> str:
    """The claim with its counts, as a sentence."""
    found = evaluation.verification
    if found.claim is Claim.NEW_IDENTITIES:
        return f"Measured on {found.identities:,} {found.unit} never trained on."
    return (
        f"Measured on {found.items:,} new items of the {found.identities:,} classes trained on; "
        "this says nothing about other classes."
    )


def aim(point: OperatingPoint) -> str:
    """What a threshold was fitted for: `1 false accept in 20`."""
    criterion = point.criterion
    if criterion == BALANCED:
        return "the least mean of both error rates"
    if criterion.costs is not None:
        return f"the least cost at {criterion.terms}"
    if criterion.guaranteed:
        return f"a false-accept rate of at most {point.target:g}, 95% sure"
    if point.target is None:
        return "false accepts as frequent as false rejects"
    turns = round(1 / point.target)
    if math.isclose(turns * point.target, 1):
        return f"1 false accept in {turns:,}"
    return f"a false-accept rate of {point.target:g}"


def chosen(evaluation: Evaluation, name: str) -> OperatingPoint | None:
    """The operating point of this name; None if there is none."""
    points = evaluation.verification.points
    return next((point for point in points if point.name == name), None)


def verdict(evaluation: Evaluation, name: str) -> str:
    """What the operating point that `verify` uses was seen to do.

    Args:
        evaluation: What was measured.
        name: Of the operating point; empty if none is supported.
    """
    point = chosen(evaluation, name)
    if point is None:
        return _unsupported(evaluation)
    if point.test is None:
        return f"The threshold fitted for {aim(point)} has not been measured on test items."
    told = decision_words(
        [(DIFFERENT, point.test.far)], point.test.frr, evaluation.verification.unit
    )
    return (
        f"At the threshold fitted for {aim(point)}, {told}. "
        f"{measured_on(evaluation)}{_promised(evaluation, name)}"
    )


def decision_words(accepts: Sequence[tuple[str, Rate]], rejects: Rate, unit: str) -> str:
    """What a threshold did: `of 1,000 pairs of different things about 8 (between 3 and 17) ...`.

    Args:
        accepts: Of each population of different pairs, what they are of and the rate.
        rejects: The rate of same pairs.
        unit: What the trials are called.
    """
    rates = [*(rate for _, rate in accepts), rejects]
    bare = any(rate.trials and rate.low is None for rate in rates)
    few = f" (too few {unit} for an interval)" if bare else ""
    told = [_clause(rate, things, ACCEPTED) for things, rate in accepts]
    return f"{', '.join(told)}, and {_clause(rejects, SAME, REJECTED)}{few}"


def unpromised(points: Sequence[OperatingPoint], unit: str) -> str:
    """What the point `balanced` did, where no point for a stated rate is supported.

    Args:
        points: All of them.
        unit: What the trials are called.

    Returns:
        A sentence after a space; empty where that point was not measured, either.
    """
    known = (point for point in points if point.criterion == BALANCED and point.supported)
    point = next(known, None)
    if point is None or point.test is None:
        return ""
    told = decision_words([(DIFFERENT, point.test.far)], point.test.frr, unit)
    return f" What was measured: at the threshold fitted for {aim(point)}, {told}."


def _clause(rate: Rate, things: str, mistaken: str) -> str:
    if not rate.trials:
        return f"there was no pair {things} to try"
    if rate.low is None or rate.high is None:
        was = "was" if rate.errors < 2 else "were"
        number = f"{rate.errors:,}" if rate.errors else "none"
        return f"{number} of the {rate.trials:,} pairs {things} {was} {mistaken}"
    if not rate.errors:
        scale = _scale(rate.high)
        return (
            f"none of the {rate.trials:,} pairs {things} was {mistaken} "
            f"(in the long run at most {rate.high * scale:,.0f} of {scale:,})"
        )
    scale = _scale(rate.value)
    about, low, high = (f"{x * scale:,.0f}" for x in (rate.value, rate.low, rate.high))
    return f"of {scale:,} pairs {things} about {about} (between {low} and {high}) are {mistaken}"


def _scale(value: float) -> int:
    """The round number of which this share is at least five, so that it can be counted."""
    return next((scale for scale in (1000, 10_000, 100_000) if value * scale >= 5), 1_000_000)


def _promised(evaluation: Evaluation, name: str) -> str:
    found = evaluation.verification.promises.get(name)
    return "" if found is None else f" {promise(found)}"


def promise(found: Promise) -> str:
    """Whether a threshold keeps the false-accept rate that it was fitted for, as sentences."""
    value = fraction(found.test)
    start = f"The promise of FAR {'at most ' if found.at_most else ''}{found.target:g} is"
    between = f"{fraction(found.low)} to {fraction(found.high)}"
    explained = f"up to {fraction(found.high)}" if found.at_most else between
    if found.at_most and found.test <= found.target:
        return f"{start} kept: {value} was measured."
    if found.kept:
        return f"{start} kept within what chance explains: {value} was measured, of {explained}."
    side = "more" if found.test > found.high else "less"
    return (
        f"{start} not kept: {value} was measured, {side} than chance explains ({explained}). These "
        "items are not like those that the threshold was fitted on, or this is the one case in "
        "twenty."
    )


def promises(found: Verification) -> list[str]:
    """The same of every point that promises a rate, with its name."""
    return [f"{name}: {promise(one)}" for name, one in found.promises.items()]


def _unsupported(evaluation: Evaluation) -> str:
    found = evaluation.verification
    refused = [p for p in found.points if not p.supported and p.target is not None]
    equal = next((p for p in found.points if p.criterion == EQUAL_ERROR), None)
    beside = f" ({distance(equal.threshold)})" if equal else ""
    easiest = max(refused, key=lambda point: point.target or 0, default=None)
    why = f" Even {easiest.name}, the easiest to support, is refused. " if easiest else ""
    reason = easiest.reason if easiest else ""
    return (
        "No error rate is promised, because the data support none: verify answers “undecided” and "
        f"shows the {measure_words(evaluation)} beside the threshold of equal errors{beside}, "
        "marked unsupported."
        f"{why}{reason} {measured_on(evaluation)}"
    )


def refusals(found: Verification) -> list[str]:
    """Which operating points are not supported, and why not."""
    refused = [point for point in found.points if not point.supported]
    return [f"{point.name} is not supported. {point.reason}".strip() for point in refused]


def recognition(evaluation: Evaluation) -> str:
    """One-shot accuracy as a sentence; empty if it was not measured."""
    one = evaluation.one_shot
    if one is None:
        return ""
    asked = f"{one.episodes:,} questions about {one.identities:,} identities"
    if one.low is None or one.high is None:
        return (
            f"Given one example each of {one.ways:,} identities, it finds the right one for a new "
            f"item in a share of {fraction(one.accuracy)} of {asked} ({interval(one)})."
            f"{closer(evaluation)}"
        )
    scale = max(_scale(one.accuracy), _scale(1 - one.accuracy)) if one.accuracy < 1 else 1000
    about, low, high = (f"{x * scale:,.0f}" for x in (one.accuracy, one.low, one.high))
    return (
        f"Given one example each of {one.ways:,} identities, it finds the right one for about "
        f"{about} of {scale:,} new items (between {low} and {high}; {asked}).{closer(evaluation)}"
    )


def closer(evaluation: Evaluation) -> str:
    """What a matcher that reads feature maps did not look at, as sentences; empty if nothing."""
    told = f" Compared were {evaluation.drawn}." if evaluation.drawn else ""
    if evaluation.reranked is None:
        return told
    return (
        f"{told} In every list the {evaluation.reranked:,} nearest by the distance are in the "
        "matcher's order, the others behind them in that of the distance."
    )
