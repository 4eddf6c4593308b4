"""From a distance to a decision: thresholds, probabilities and grades."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.calibration.calibration import PREFERRED, TARGETS, Calibration
    from likewise.calibration.fit import fit_calibration
    from likewise.calibration.graded_pairs import graded_distances
    from likewise.calibration.grades import GradedDistances
    from likewise.calibration.json_format import from_json, to_json
    from likewise.calibration.probability import (
        AUTO,
        LEVELS,
        bins_of,
        check_calibrator,
        measure_probabilities,
        thresholds_of,
        worth_of,
    )
    from likewise.calibration.request import (
        USUAL,
        DecisionRequest,
    )
    from likewise.calibration.thresholds import (
        FEWEST_FALSE_ACCEPTS,
        FEWEST_FOR_THRESHOLDS,
        fit_thresholds,
    )

__getattr__, __dir__ = lazy_face(__name__, __file__)
