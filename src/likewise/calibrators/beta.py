"""Beta calibration: a straight line that may bend near distance zero."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from likewise.calibrators.base import Calibrator
from likewise.calibrators.parameters import plain_parameters
from likewise.calibrators.regression import bounds_of, regress
from likewise.errors import BadArgument, NotCalibrated
from likewise.shapes import Array, Bool, Float

_NEAREST = 1e-4


@final
class Beta(Calibrator):
    """log LR = c + a log(s) - b log(1 - s) of the likeness s = exp(-distance / scale).

    Beta calibration takes a number between 0 and 1. A distance has no upper end, and exp(-distance
    / scale) is the map that makes both known curves special cases: with b = 0 the ratio falls in a
    straight line with the distance, which is `logistic`; and of a matcher's dissimilarity,
    softplus(-logit), it gives at scale 1 the matcher's own probability, which is what the paper
    calibrates. With b > 0 the ratio also rises steeply as the distance nears zero. As a and b are
    not negative, it never rises with the distance. Distances below a ten-thousandth of the scale
    are taken for alike, since log(1 - s) has no end there.

    Args:
        scale: The distance at which s = 1 / e; None takes the mean distance, same and different
            pairs weighing equally.
        parameters: What `fit` returned; filled in by the house.

    Raises:
        BadArgument: If the scale is not positive, or the parameters are other than `fit` returns.

    References:
        Kull, Silva Filho, Flach, "Beta calibration: a well-founded and easily implemented
        improvement on logistic calibration for binary classifiers", AISTATS 2017, equation 3 and
        its fit by logistic regression on log(s) and -log(1 - s). Departures: a and b are held at
        0 or more within the fit, where the paper drops a negative one and fits again; the ratio is
        bounded by the number of trials, as that of `logistic` is.
    """

    def __init__(
        self, *, scale: float | None = None, parameters: Mapping[str, Any] | None = None
    ) -> None:
        if scale is not None and not 0 < scale < np.inf:
            raise BadArgument(
                f"beta: scale is {scale}, and a positive distance is expected. Leave it out for "
                "the mean distance."
            )
        self.scale = scale
        self.parameters = parameters
        if parameters is not None:
            names = ("a", "b", "c", "scale")
            self.parameters = plain_parameters("beta", parameters, names, ("a", "b", "scale"))
            if self.parameters["scale"] == 0:
                raise BadArgument(
                    "beta: scale is 0, and a positive distance is expected. Calibrate again."
                )

    def fit(
        self,
        distances: Float[Array, "n"],
        same: Bool[Array, "n"],
        weights: Float[Array, "n"],
        units: tuple[float, float],
    ) -> Mapping[str, Any]:
        """Fit a, b and c, and keep the scale and the bounds."""
        mean = float(np.sum(distances * weights) / np.sum(weights)) or 1.0
        scale = self.scale or mean
        c, a, b = regress(_features(distances, scale), same, weights).tolist()
        low, high = bounds_of(units)
        return {"a": a, "b": b, "c": c, "scale": scale, "low": low, "high": high}

    def apply(self, distances: Float[Array, "n"]) -> Float[Array, "n"]:
        """The bounded log-likelihood ratio of each distance."""
        if self.parameters is None:
            raise NotCalibrated("This calibrator was never fitted. Call fit first.")
        p = self.parameters
        features = _features(distances, p["scale"])
        bounded: Array = np.clip(p["c"] + features @ [p["a"], p["b"]], p["low"], p["high"])
        return bounded


def _features(distances: Float[Array, "n"], scale: float) -> Float[Array, "n 2"]:
    """log(s) and -log(1 - s) of each distance."""
    scaled = np.maximum(np.asarray(distances, dtype=np.float64) / scale, _NEAREST)
    return np.stack([-scaled, -np.log(-np.expm1(-scaled))], axis=1)
