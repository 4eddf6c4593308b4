"""What does this distance say?"""

import math
from pathlib import Path

import numpy as np

from likewise.calibration import DecisionRequest
from likewise.errors import BadArgument
from likewise.precomputed import distances_by, rounded, top_of
from likewise.results import Decision
from likewise.tasks.precomputed import load_calibration


def decide(
    calibration: str | Path,
    distance: float,
    *,
    far: float | None = None,
    operating_point: str = "",
    prior: float = 0.5,
) -> Decision:
    """Decide by a distance alone whether two items are the same.

    Args:
        calibration: The file that `likewise calibrate` wrote for embeddings or comparisons.
        distance: How far apart two items are, in the same measure; where it was fitted on
            similarities, how alike they are.
        far: Use the threshold fitted for this false-accept rate; by default .01 where the data
            support it, else the smallest that they do.
        operating_point: Use the operating point of this name, such as `eer` or `balanced`, instead.
        prior: The share of same pairs where this is used, which the probability assumes.

    Returns:
        The decision; its `distance` is 1 - similarity where similarities were fitted on.

    Raises:
        SourceNotFound: If there is no such file.
        DamagedModel: If it is no calibration.
        BadArgument: If the distance is negative or no number, or a similarity above 1.
        UnsupportedRate: If that rate has no threshold.

    Example:
        >>> import likewise
        >>> likewise.decide("calibration.json", 0.31)
        Decision(same, distance=0.310 <= threshold=0.650 at FAR 0.1)
    """
    measure, fitted = load_calibration(Path(calibration))
    found, _ = rounded(distances_by(measure, np.array([distance], dtype=np.float64)))
    apart = float(found[0])
    if not (math.isfinite(apart) and apart >= 0):
        top = top_of(measure)
        expected = "not negative" if top is None else f"at most {top:g}"
        raise BadArgument(
            f"{distance} is no {measure} as {calibration} was fitted on: a finite number, "
            f"{expected}, is expected."
        )
    return fitted.decide(
        apart, DecisionRequest(far=far, operating_point=operating_point, prior=prior)
    )
