"""Isotonic calibration: the log-likelihood ratio falls with the distance, in whatever shape."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from likewise.calibrators.base import Calibrator
from likewise.calibrators.parameters import knots
from likewise.calibrators.regression import bounds_of
from likewise.errors import MissingExtra, NotCalibrated
from likewise.shapes import Array, Bool, Float


@final
class Isotonic(Calibrator):
    """log LR never rises with the distance, and has no other shape than the data give it.

    The share of same pairs (at even prior) is fitted by steps that never rise, by least squares
    with the weights of the pairs. Each step's log odds are held within what the trials can support,
    as those of `logistic` are. Stored are the ends of the steps, the knots; between two of them the
    ratio runs straight, and beyond the outer ones it stays.

    Args:
        parameters: What `fit` returned; filled in by the house.

    Raises:
        BadArgument: If the parameters are no knots: as many ratios as distances, finite, distances
            that rise and ratios that do not.

    References:
        Ayer, Brunk, Ewing, Reid, Silverman, "An Empirical Distribution Function for Sampling with
        Incomplete Information", 1955, for the fit, which pools adjacent violators; Brümmer, du
        Preez, "Application-independent evaluation of speaker detection", 2006, for its log odds at
        even prior as a log-likelihood ratio. Departures: the ratio is bounded by the number of
        identities, where the steps at both ends would be sure; and it runs straight between steps.
    """

    def __init__(self, *, parameters: Mapping[str, Any] | None = None) -> None:
        self.parameters = parameters
        if parameters is not None:
            self._knots = knots("isotonic", parameters)

    def fit(
        self,
        distances: Float[Array, "n"],
        same: Bool[Array, "n"],
        weights: Float[Array, "n"],
        units: tuple[float, float],
    ) -> Mapping[str, Any]:
        """Fit the knots: as many `distances` as `ratios`."""
        try:
            from sklearn.isotonic import IsotonicRegression
        except ImportError as error:
            raise MissingExtra(
                "Isotonic calibration needs scikit-learn, which is not installed. Run: "
                "pip install 'likewise[evaluate]'"
            ) from error
        counted = weights > 0
        fitted = IsotonicRegression(increasing=False).fit(
            distances[counted].astype(np.float64),
            same[counted].astype(np.float64),
            sample_weight=weights[counted],
        )
        share = np.clip(fitted.y_thresholds_, 1e-12, 1 - 1e-12)
        ratios = np.clip(np.log(share) - np.log1p(-share), *bounds_of(units))
        # A knot amid others of its ratio says nothing.
        told = np.ones(len(ratios), dtype=bool)
        told[1:-1] = (ratios[1:-1] != ratios[:-2]) | (ratios[1:-1] != ratios[2:])
        return {
            "distances": fitted.X_thresholds_[told].tolist(),
            "ratios": ratios[told].tolist(),
        }

    def apply(self, distances: Float[Array, "n"]) -> Float[Array, "n"]:
        """The bounded log-likelihood ratio of each distance."""
        if self.parameters is None:
            raise NotCalibrated("This calibrator was never fitted. Call fit first.")
        ratio: Array = np.interp(np.asarray(distances, dtype=np.float64), *self._knots)
        return ratio
