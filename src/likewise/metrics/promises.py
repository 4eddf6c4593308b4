"""Does a threshold keep its false-accept rate on other identities, within what chance explains?

The rate was fitted on few identities and measured on few others, so that both are uncertain: an
interval of the measured rate alone is too narrow to judge a promise by.
"""

import math

from likewise.metrics.intervals import (
    CONFIDENCE,
    FEWEST_UNITS,
    expit,
    logit,
    student_quantile,
    trials_bounding,
)
from likewise.results import OperatingPoint, Promise, Rate

# Fewer than one error in a million million is none, or was made up.
_LEAST = 1e-12


def promise_of(point: OperatingPoint) -> Promise | None:
    """Hold what a threshold did on *test* against what it was fitted for.

    A point for a rate (`far=0.05`) keeps its promise if the rate on *test* lies where chance would
    put it; one for a limit (`far<=0.05`) also if it lies below that.

    Args:
        point: With its rates on *calibrate* and on *test*.

    Returns:
        The promise; None where the point makes none, or one of the two rates has no interval.
    """
    if point.target is None or point.test is None or not point.supported:
        return None
    measured = point.test.far
    tail = 1 - CONFIDENCE if point.guaranteed else (1 - CONFIDENCE) / 2
    found = predicted(point.calibrate.far, measured, 1 - tail)
    if found is None:
        return None
    low, high = (0.0, max(point.target, found[1])) if point.guaranteed else found
    return Promise(
        target=point.target,
        at_most=point.guaranteed,
        calibrate=point.calibrate.far.value,
        test=measured.value,
        low=low,
        high=high,
        kept=low <= measured.value <= high,
    )


def predicted(
    calibrate: Rate, test: Rate, probability: float = (1 + CONFIDENCE) / 2
) -> tuple[float, float] | None:
    """Where a rate measured on *test* lies if the identities are like those of *calibrate*.

    On the logit scale the difference of both rates has the sum of their variances; each is the
    jackknife's, found again from the interval that the rate carries. The quantile is Student's,
    with the degrees of freedom of Welch and Satterthwaite: no fewer than the smaller part has,
    which would be too careful where that part adds little, and no more than both have together.
    Where both parts were drawn from one world, or from one set of real embeddings, 95% to 98% of
    the rates on *test* lay inside (`benchmarks/resplits.py`, `tests/test_promises.py`).

    Without an error on *test* its variance is that of so many independent trials as its interval
    counts, at the rate on *calibrate*; and the rate 0 lies within if such trials show no error in
    one case of twenty at the lower end of the rate on *calibrate*. Without an error on *calibrate*
    the rate lies below the bound there, widened by the error on *test*.

    Args:
        calibrate: Of the threshold where it was fitted.
        test: Of the same threshold elsewhere.
        probability: Of each end, one-sided.

    Returns:
        The low and the high end; None where a rate has no interval.

    References:
        Welch, "The Generalization of Student's Problem when Several Different Population Variances
        are Involved", Biometrika 34, 1947; Satterthwaite, Biometrics Bulletin 2, 1946.
    """
    if not _has_interval(calibrate) or not _has_interval(test) or calibrate.value >= 1:
        return None
    there = _error(test)
    if calibrate.value <= 0:
        bound, reach = calibrate.high or 1.0, 0.0
        if there:
            reach = student_quantile(test.units - 1, probability) * there
        return 0.0, expit(logit(bound) + reach) if bound < 1 else 1.0
    here = _error(calibrate)
    if here is None:
        return None
    center, value = logit(calibrate.value), calibrate.value
    if there is not None:
        half = _half(here, calibrate.units - 1, there, test.units - 1, probability)
        return expit(center - half), expit(center + half)
    trials = _trials((test.high or 1.0) if test.value <= 0 else 1 - (test.low or 0.0))
    unseen = math.sqrt(1 / (trials * value * (1 - value)))
    half = _half(here, calibrate.units - 1, unseen, test.units - 1, probability)
    low, high = expit(center - half), expit(center + half)
    least = expit(center - student_quantile(calibrate.units - 1, probability) * here)
    none_explained = test.value <= 0 and (1 - least) ** trials >= 1 - CONFIDENCE
    return (0.0 if none_explained else low), high


def _has_interval(rate: Rate) -> bool:
    # Rates of a calibration come from a file, which may say anything.
    if rate.low is None or rate.high is None or rate.units < FEWEST_UNITS:
        return False
    return 0 <= rate.low <= rate.value <= rate.high <= 1


def _error(rate: Rate) -> float | None:
    """The standard error of the logit, from the interval; None at rate 0 or 1, or if it is lost."""
    if not _LEAST < rate.value < 1 - _LEAST:
        return None
    if rate.high is not None and rate.high < 1:
        half = logit(rate.high) - logit(rate.value)
    elif rate.low:
        half = logit(rate.value) - logit(rate.low)
    else:
        return None
    return half / student_quantile(rate.units - 1, (1 + CONFIDENCE) / 2)


def _trials(bound: float) -> float:
    """How many independent trials without an error have this upper limit."""
    return trials_bounding(bound) if 0 < bound < 1 else 1.0


def _half(first: float, fewer: int, second: float, more: int, probability: float) -> float:
    """Half of an interval of a difference, from two standard errors and their degrees."""
    total = first**2 + second**2
    if total <= 0:
        return 0.0
    degrees = total**2 / (first**4 / fewer + second**4 / more)
    return student_quantile(degrees, probability) * math.sqrt(total)
