"""From a distance to a log-likelihood ratio."""

from likewise.calibrators.base import Calibrator
from likewise.registry import Family

FAMILY: Family[Calibrator] = Family(
    "calibrator",
    __name__,
    {"logistic": "logistic:Logistic", "isotonic": "isotonic:Isotonic", "beta": "beta:Beta"},
    context=("parameters",),
)
