"""Logistic calibration: the log-likelihood ratio falls in a straight line with the distance."""

import math
from collections.abc import Mapping
from typing import Any, final

import numpy as np

from likewise.calibrators.base import Calibrator
from likewise.errors import MissingExtra, NotCalibrated
from likewise.shapes import Array, Bool, Float

_HEDGE = 1e-6


@final
class Logistic(Calibrator):
    """log LR = intercept - slope * distance, held within what the trials can support.

    The fit is a logistic regression at even prior. No ratio passes n + 1, for n trials, so that no
    probability is ever 0 or 1.

    Args:
        parameters: What `fit` returned; filled in by the house.

    References:
        Platt, "Probabilistic Outputs for Support Vector Machines", 1999, for the fit; Brümmer, du
        Preez, "Application-independent evaluation of speaker detection", 2006, for the reading as
        a log-likelihood ratio. Departures: the trials counted are identities, not pairs, and the
        ratio is bounded by their number. Platt's targets of (n + 1) / (n + 2) and 1 / (n + 2) are
        left out: with identities for trials, and beside the bounds, they pulled every ratio towards
        even, and the log loss on unseen characters was .288 instead of .256 with 30 to calibrate
        on, .365 instead of .295 with 10.
    """

    def __init__(self, *, parameters: Mapping[str, Any] | None = None) -> None:
        self.parameters = parameters

    def fit(
        self,
        distances: Float[Array, "n"],
        same: Bool[Array, "n"],
        weights: Float[Array, "n"],
        units: tuple[float, float],
    ) -> Mapping[str, Any]:
        """Fit intercept, slope and bounds."""
        try:
            from scipy.optimize import minimize
        except ImportError as error:
            raise MissingExtra(
                "Calibrating needs scipy, which is not installed. Run: "
                "pip install 'likewise[evaluate]'"
            ) from error
        scale = float(np.sum(distances * weights) / np.sum(weights)) or 1.0
        scaled = distances.astype(np.float64) / scale
        # Not quite 1 and 0, so that separable data give a finite slope.
        targets = np.where(same, 1 - _HEDGE, _HEDGE)

        def cost(parameters: Array) -> tuple[float, Array]:
            logit = parameters[0] - parameters[1] * scaled
            # log(1 + exp(x)) - target * x, the cross-entropy without overflow
            value = np.sum(weights * (np.logaddexp(0.0, logit) - targets * logit))
            residual = weights * (1 / (1 + np.exp(-np.clip(logit, -500, 500))) - targets)
            return float(value), np.array([residual.sum(), -(residual * scaled).sum()])

        found = minimize(cost, np.zeros(2), jac=True, bounds=[(None, None), (0.0, None)])
        return {
            "intercept": float(found.x[0]),
            "slope": float(found.x[1]) / scale,
            "low": -math.log(units[0] + 1),
            "high": math.log(units[1] + 1),
        }

    def apply(self, distances: Float[Array, "n"]) -> Float[Array, "n"]:
        """The bounded log-likelihood ratio of each distance."""
        if self.parameters is None:
            raise NotCalibrated("This calibrator was never fitted. Call fit first.")
        p = {name: float(value) for name, value in self.parameters.items()}
        ratio: Array = p["intercept"] - p["slope"] * np.asarray(distances, dtype=np.float64)
        bounded: Array = np.clip(ratio, p["low"], p["high"])
        return bounded
