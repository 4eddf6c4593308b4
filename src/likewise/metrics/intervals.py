"""95% intervals in which identities, not pairs, are the trials."""

import math

import numpy as np

from likewise.errors import MissingExtra
from likewise.shapes import Array, Float

CONFIDENCE = 0.95
FEWEST_UNITS = 20


def jackknife(
    value: float, leave_one_out: Float[Array, "units"], independent: float
) -> tuple[float | None, float | None]:
    """The delete-one jackknife interval of a rate, on the logit scale with a t quantile.

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
    units = len(leave_one_out)
    if units < FEWEST_UNITS:
        return None, None
    if value <= 0 or value >= 1:
        bound = 1 - (1 - CONFIDENCE) ** (1 / max(1.0, independent))
        return (0.0, bound) if value <= 0 else (1 - bound, 1.0)
    try:
        from scipy.stats import t
    except ImportError as error:
        raise MissingExtra(
            "Intervals need scipy, which is not installed. Run: pip install 'likewise[evaluate]'"
        ) from error
    spread = np.sum((leave_one_out - leave_one_out.mean()) ** 2)
    error_on_rate = math.sqrt((units - 1) / units * float(spread))
    half = float(t.ppf((1 + CONFIDENCE) / 2, units - 1)) * error_on_rate / (value * (1 - value))
    center = math.log(value / (1 - value))
    return _expit(center - half), _expit(center + half)


def _expit(x: float) -> float:
    return 0.5 * (1 + math.tanh(0.5 * x))
