"""Both error rates over all thresholds, and what is read from them: ROC, DET, TAR at FAR, minDCF.

Distances of one bin of the histograms (relative width 2^-11) count as ties, which a threshold
accepts together. Nothing is interpolated between two thresholds.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from likewise.errors import BadArgument
from likewise.metrics.verification import DistanceHistograms, bin_values
from likewise.results import Curve
from likewise.shapes import Array, Float

_SHOWN = 200
_NORMAL = NormalDist()


def curve_of(spread: DistanceHistograms) -> Curve:
    """The rates at every threshold that decides something otherwise, from accepting nothing on.

    Drawn as (FAR, 1 - FRR) it is the ROC; as `normal_deviates` of (FAR, FRR), the DET.

    References:
        Anjos, El Shafey, Wallace, Gunther, McCool, Marcel, "Bob: a free signal processing and
        machine learning toolbox for researchers", 2012: `bob.measure.roc` and `farfrr`, of
        distances instead of similarities.
    """
    used = np.flatnonzero(spread.same + spread.different)
    values = bin_values()[used]
    return Curve(
        thresholds=np.concatenate([[np.nextafter(values[0], -1.0)], values]),
        far=np.concatenate([[0.0], np.cumsum(spread.different[used])]).clip(0, 1),
        frr=np.concatenate([[1.0], 1 - np.cumsum(spread.same[used])]).clip(0, 1),
    )


def thinned(curve: Curve) -> Curve:
    """Some hundreds of its points, close together where a rate is small."""
    levels = np.concatenate([np.linspace(0, 1, _SHOWN), np.geomspace(1e-6, 1, _SHOWN)])
    last = len(curve.far) - 1
    places = [
        np.searchsorted(curve.far, levels),
        np.searchsorted(-curve.frr, -levels),
        np.array([0, last]),
    ]
    kept = np.unique(np.concatenate(places).clip(0, last))
    return Curve(curve.thresholds[kept], curve.far[kept], curve.frr[kept])


def frr_at(curve: Curve, far: float) -> float:
    """The least false-reject rate of a threshold whose false-accept rate is within `far`.

    This is FNMR at FMR, and one minus it TAR at FAR. Where every threshold that accepts anything
    has a larger rate, nothing is accepted, and the answer is 1.

    Raises:
        BadArgument: If `far` is not between 0 and 1.
    """
    if not 0 <= far <= 1:
        raise BadArgument(f"The false-accept rate is {far}, and one from 0 to 1 is expected.")
    place = int(np.searchsorted(curve.far, far * (1 + 1e-9), side="right")) - 1
    return float(curve.frr[place])


def minimum_cost(
    curve: Curve, *, prior: float = 0.01, false_accept: float = 1.0, false_reject: float = 1.0
) -> float:
    """The least detection cost over all thresholds, normalised (minDCF).

    It is 1 for a system that decides by the prior alone, and 0 for one that never errs.

    Args:
        curve: Both error rates.
        prior: The share of same pairs where the costs arise.
        false_accept: What a false accept costs.
        false_reject: What a false reject costs.

    Raises:
        BadArgument: If the prior is not between 0 and 1, or a cost is not above 0.

    References:
        NIST 2016 Speaker Recognition Evaluation Plan, section 3.1: C_Det, and its normalisation
        by the cost of the better of accepting all and rejecting all.
    """
    if not 0 < prior < 1:
        raise BadArgument(f"The prior is {prior}, and a share between 0 and 1 is expected.")
    if not (false_accept > 0 and false_reject > 0):
        raise BadArgument(
            f"The costs are {false_accept} and {false_reject}, and two above 0 are expected."
        )
    accept, reject = false_accept * (1 - prior), false_reject * prior
    cost = accept * curve.far + reject * curve.frr
    return float(cost.min() / min(accept, reject))


def normal_deviates(rates: Sequence[float] | Float[Array, "n"]) -> Float[Array, "n"]:
    """Rates on the axes of a DET curve: the quantiles of a normal distribution.

    References:
        Martin, Doddington, Kamm, Ordowski, Przybocki, "The DET curve in assessment of detection
        task performance", 1997. Rates of 0 and 1 are put at 1e-7 from the end, as points that can
        be drawn.
    """
    inside = np.clip(np.asarray(rates, dtype=np.float64), 1e-7, 1 - 1e-7)
    return np.array([_NORMAL.inv_cdf(float(rate)) for rate in inside])
