"""95% intervals in which identities, not pairs, are the trials; and what they are made of.

The logistic function, the jackknife and the quantiles of the whole house stand here.
"""

import math

import numpy as np

from likewise.errors import MissingExtra
from likewise.results import Share
from likewise.shapes import Array, Float, Int

CONFIDENCE = 0.95
FEWEST_UNITS = 20
NORMAL_QUANTILE = 1.96
"""Of the normal distribution, for an interval of 95% whose trials are too many to count."""


def rate_interval(
    value: float, leave_one_out: Float[Array, "units"], independent: float
) -> tuple[float | None, float | None]:
    """The 95% interval of a rate: the delete-one jackknife, on the logit scale, with a t quantile.

    Args:
        value: The rate, a fraction.
        leave_one_out: The rate without each unit in turn.
        independent: How many independent trials there are when no error (or nothing but errors)
            was seen; for pairs of identities, half the identities.

    Returns:
        Low and high end, or two Nones below 20 units.

    References:
        Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, eq. 11.5, for the standard
        error; at rate 0 or 1 the one-sided binomial bound 1 - .05^(1/n).
    """
    if len(leave_one_out) < FEWEST_UNITS:
        return None, None
    if value <= 0 or value >= 1:
        bound = _bound(CONFIDENCE, independent)
        return (0.0, bound) if value <= 0 else (1 - bound, 1.0)
    half = _half((1 + CONFIDENCE) / 2, value, leave_one_out)
    center = logit(value)
    return expit(center - half), expit(center + half)


def upper_limit(
    value: float, leave_one_out: Float[Array, "units"], independent: float, confidence: float
) -> float:
    """The one-sided upper limit of a rate, by the same method.

    Args:
        value: The rate, a fraction.
        leave_one_out: The rate without each unit in turn.
        independent: How many independent trials there are when no error was seen.
        confidence: That the true rate is at most the limit.

    Returns:
        The limit; 1 below 20 units, which bound nothing.
    """
    if len(leave_one_out) < FEWEST_UNITS or value >= 1:
        return 1.0
    if value <= 0:
        return _bound(confidence, independent)
    half = _half(confidence, value, leave_one_out)
    return expit(logit(value) + half)


def share_of(values: Float[Array, "n"], codes: Int[Array, "n"]) -> Share:
    """The mean over identities of the mean over their items, with its 95% interval.

    Args:
        values: Between 0 and 1, one an item.
        codes: The identity of each item.
    """
    _, places = np.unique(codes, return_inverse=True)
    means = np.bincount(places, values) / np.bincount(places)
    count, total = len(means), float(means.sum())
    value = min(max(total / count, 0.0), 1.0)
    without = (total - means) / max(1, count - 1)
    low, high = rate_interval(value, without, float(count))
    return Share(value, count, low, high)


def _bound(confidence: float, independent: float) -> float:
    bound: float = 1 - (1 - confidence) ** (1 / max(1.0, independent))
    return bound


def _half(probability: float, value: float, leave_one_out: Float[Array, "units"]) -> float:
    """Half the width of the interval of the logit."""
    half = student_quantile(len(leave_one_out) - 1, probability) * jackknife_error(leave_one_out)
    return half / (value * (1 - value))


def jackknife_error(leave_one_out: Float[Array, "units"]) -> float:
    """Compute the standard error of an estimate from what it is without each unit in turn.

    References:
        Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, eq. 11.5: the delete-one
        jackknife.
    """
    units = len(leave_one_out)
    spread = float(np.sum((leave_one_out - leave_one_out.mean()) ** 2))
    return math.sqrt((units - 1) / units * spread)


def student_quantile(degrees: float, probability: float) -> float:
    """Compute a quantile of Student's t.

    Args:
        degrees: Of freedom.
        probability: That a value is at most the quantile.

    Raises:
        MissingExtra: If scipy is not installed.
    """
    try:
        from scipy.special import stdtrit
    except ImportError as error:
        raise MissingExtra(
            "Intervals need scipy, which is not installed. Run: pip install 'likewise[evaluate]'"
        ) from error
    return float(stdtrit(degrees, probability))


def trials_bounding(rate: float) -> float:
    """Compute how many independent trials without an error have this rate for their upper limit."""
    return math.log(1 - CONFIDENCE) / math.log1p(-rate)


def logit(rate: float) -> float:
    """Compute the natural logarithm of the odds."""
    return math.log(rate / (1 - rate))


def expit(odds: float) -> float:
    """Compute the rate whose logit is given: the logistic function."""
    return 0.5 * (1 + math.tanh(0.5 * odds))


def expit_all(odds: Float[Array, "n"]) -> Float[Array, "n"]:
    """Compute the rates of many logits; the last bit may differ from that of `expit`."""
    rates: Array = 0.5 * (1 + np.tanh(0.5 * odds))
    return rates
