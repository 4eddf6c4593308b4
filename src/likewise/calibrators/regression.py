"""The logistic regression that the parametric calibrators are fitted by."""

import math

import numpy as np

from likewise.errors import MissingExtra
from likewise.shapes import Array, Bool, Float

_HEDGE = 1e-6


def regress(
    features: Float[Array, "n k"], same: Bool[Array, "n"], weights: Float[Array, "n"]
) -> Float[Array, "k+1"]:
    """Weighted maximum-likelihood fit of log odds = intercept + features @ slopes, slopes >= 0.

    Args:
        features: Of each pair; each falls with the distance.
        same: Whether each pair is the same.
        weights: How much each pair counts.

    Returns:
        The intercept, then a slope for each feature.

    Raises:
        MissingExtra: If scipy is not installed.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtra(
            "Calibrating needs scipy, which is not installed. Run: pip install 'likewise[evaluate]'"
        ) from error
    # Not quite 1 and 0, so that separable data give finite slopes.
    targets = np.where(same, 1 - _HEDGE, _HEDGE)

    def cost(parameters: Array) -> tuple[float, Array]:
        logit = parameters[0] + features @ parameters[1:]
        # log(1 + exp(x)) - target * x, the cross-entropy without overflow
        value = np.sum(weights * (np.logaddexp(0.0, logit) - targets * logit))
        residual = weights * (1 / (1 + np.exp(-np.clip(logit, -500, 500))) - targets)
        return float(value), np.concatenate([[residual.sum()], residual @ features])

    bounds = [(None, None), *[(0.0, None)] * features.shape[1]]
    found: Array = minimize(cost, np.zeros(len(bounds)), jac=True, bounds=bounds).x
    return found


def bounds_of(units: tuple[float, float]) -> tuple[float, float]:
    """The least and the largest log-likelihood ratio that so many trials can support.

    Args:
        units: Independent trials behind the same and behind the different pairs.
    """
    return -math.log(units[0] + 1), math.log(units[1] + 1)
