"""The threshold at which so many pairs of different items are expected to be found by chance.

n items make n (n - 1) / 2 pairs, so that K false ones among them are a very small rate: one false
pair among 10,000 items is 2 in 100 million. What was calibrated on rarely reaches so far. Then the
collection itself is asked: almost all of its pairs are of different items, and how their distances
thin out towards zero is followed beyond what was seen, which is an extrapolation and called one.
"""

import math
from dataclasses import dataclass

import numpy as np

from likewise.calibration import (
    FEWEST_FALSE_ACCEPTS,
    FEWEST_FOR_THRESHOLDS,
    Calibration,
    fit_thresholds,
)
from likewise.distances.comparator import Comparator
from likewise.duplicates.result import Threshold
from likewise.errors import UnsupportedRate
from likewise.metrics.intervals import NORMAL_QUANTILE, jackknife_error
from likewise.model import DriftReference
from likewise.pairs import AllPairs
from likewise.results import Criterion, OperatingPoint, Rate
from likewise.shapes import Array, Float
from likewise.types import Claim

FEWEST_ITEMS = 1000
FARTHEST = 1e4
"""How many times smaller than the smallest rate looked at a rate may be."""
# The nearest so many of an item's neighbours, on average, are left out of the fit, since they may
# be duplicates; so many are looked at.
_INNER, _OUTER = 2, 20
_NUMBERS = 20_000_000
_FEWEST_ROWS = 50


@dataclass(frozen=True)
class CalibrationMemory:
    """What a model remembers of the identities that it was calibrated on.

    Attributes:
        calibration: Its operating points.
        reference: Some of their embeddings; None where none were kept.
    """

    calibration: Calibration
    reference: DriftReference | None


def expecting(
    wanted: float,
    vectors: Float[Array, "n dim"],
    comparator: Comparator,
    known: CalibrationMemory | None,
) -> Threshold:
    """The threshold at which so many false pairs are expected among all pairs of these vectors.

    Where the identities that were calibrated on make enough pairs, it is measured on them; else it
    is extrapolated from the vectors themselves.

    Args:
        wanted: How many false pairs, above 0.
        vectors: Of the collection, the same bytes once.
        comparator: What compares them.
        known: What the model remembers; None where it was not calibrated.

    Raises:
        UnsupportedRate: If neither can support it; with what would be needed.
    """
    count = len(vectors)
    pairs = count * (count - 1) // 2
    if wanted >= pairs:
        raise UnsupportedRate(
            f"{count:,} items make {pairs:,} pairs, and {wanted:g} false ones are to be expected "
            "among them. Give a smaller number."
        )
    rate = wanted / pairs
    if known is not None:
        found = _measured(rate, pairs, comparator, known)
        if found is not None:
            return found
    return _extrapolated(wanted, vectors, comparator, _needed(pairs, known))


def _measured(
    rate: float, pairs: int, comparator: Comparator, known: CalibrationMemory
) -> Threshold | None:
    """From the embeddings that were calibrated on, or else the operating points fitted on them."""
    fitted = known.calibration
    if supports(known) > rate:
        return None
    if known.reference is not None and fitted.claim is Claim.NEW_IDENTITIES:
        reference = known.reference
        compared = AllPairs.of(reference.vectors, reference.units, comparator)
        (value,) = fit_thresholds(compared, compared.spread(), [Criterion.of_rate(rate)]).values()
        (far,) = (found.far for found in compared.rates([value], fitted.claim))
        words = (
            f"measured on {far.trials:,} pairs of different ones of the {far.units:,} "
            f"{fitted.unit} calibrated on (a sample of their items)"
        )
    else:
        point = max(
            (one for one in _points(fitted) if _far(one).value <= rate),
            key=lambda one: one.threshold,
        )
        value, far = point.threshold, _far(point)
        words = f"of the operating point {point.name}, whose false-accept rate is within it"
    low, high = (None if end is None else end * pairs for end in (far.low, far.high))
    return Threshold(value, "measured", words, far.value * pairs, low, high)


def supports(known: CalibrationMemory) -> float:
    """The smallest false-accept rate that what a model remembers supports; infinite for none."""
    reference, fitted = known.reference, known.calibration
    if reference is None or fitted.claim is not Claim.NEW_IDENTITIES:
        return min((_far(one).value for one in _points(fitted)), default=math.inf)
    sizes = np.bincount(reference.units).astype(np.int64)
    total = int(sizes.sum())
    different = (total * total - int((sizes * sizes).sum())) // 2
    if len(sizes) < FEWEST_FOR_THRESHOLDS or not different or not (sizes > 1).any():
        return math.inf
    return FEWEST_FALSE_ACCEPTS / different


def _points(fitted: Calibration) -> list[OperatingPoint]:
    return [one for one in fitted.points if one.supported and _far(one).value > 0]


def _far(point: OperatingPoint) -> Rate:
    return (point.test or point.calibrate).far


def _needed(pairs: int, known: CalibrationMemory | None) -> str:
    """The smallest number that could be measured, as the end of a refusal."""
    least = math.inf if known is None else supports(known) * pairs
    if not least < pairs:
        return "What the model was calibrated on supports no rate at all."
    return f"What the model was calibrated on supports {math.ceil(least):,} false pairs or more."


def _extrapolated(
    wanted: float, vectors: Float[Array, "n dim"], comparator: Comparator, needed: str
) -> Threshold:
    """From how the distances of the collection thin out towards zero.

    Near zero the share of pairs within t grows as a power of t, the power being the dimension in
    which the items spread. The power is taken between the distances that 2 and that 20 of an
    item's neighbours are within, on average; what lies below is left out, as it may be duplicates.
    Where items are spread smoothly the power grows towards zero, so that fewer false pairs are
    found than were expected. A small part of the collection that is much denser than the rest (a
    hundred blank pages) is not foreseen, and makes more.

    References:
        Amsaleg et al., "Estimating Local Intrinsic Dimensionality", 2015, section 3, for the
        power; it is taken from two quantiles of all pairs here, not item by item.
    """
    count = len(vectors)
    pairs = count * (count - 1) // 2
    inner, outer = _INNER / count, _OUTER / count
    advice = (
        f"{needed} Give a larger number, or a threshold, and see by a sample of the pairs what it "
        "is worth (--review)."
    )
    if count < FEWEST_ITEMS:
        raise UnsupportedRate(
            f"{wanted:g} false pairs among {pairs:,} cannot be foreseen: the distances of "
            f"{count:,} different items are too few to extrapolate from, and {FEWEST_ITEMS:,} are "
            "expected. "
            f"{advice}"
        )
    rate = wanted / pairs
    if inner / rate > FARTHEST:
        raise UnsupportedRate(
            f"{wanted:g} false pairs among {pairs:,} are a rate of {rate:.2g}, more than "
            f"{FARTHEST:,.0f} times below the rate that can be looked at ({inner:.2g}). At least "
            f"{math.ceil(inner / FARTHEST * pairs):,} can be extrapolated. {advice}"
        )
    distances = _some(vectors, comparator)
    near, far = (float(np.quantile(distances, share)) for share in (inner, outer))
    if not 0 < near < far:
        raise UnsupportedRate(
            f"{wanted:g} false pairs cannot be foreseen: {inner:.2g} of all pairs are within "
            f"{near:g} and {outer:.2g} within {far:g}, so that most items look alike to this model "
            f"and nothing can be followed towards zero. {advice}"
        )
    within = [(distances <= one).mean(axis=1) for one in (near, far)]
    stretch = math.log(far / near)
    shares = [float(one.mean()) for one in within]
    power = math.log(shares[1] / shares[0]) / stretch
    value = near * (rate / shares[0]) ** (1 / power)
    low, high = _interval(within, math.log(value / near) / stretch)
    words = (
        f"extrapolated from the distances of this collection: {shares[0]:.2g} of all pairs are "
        f"within {near:.4g}, and the share grows with the distance to the power of {power:.1f}"
    )
    return Threshold(value, "extrapolated", words, wanted, low * wanted, high * wanted)


def _some(vectors: Float[Array, "n dim"], comparator: Comparator) -> Float[Array, "rows m"]:
    """The distances of some items to all others."""
    count = len(vectors)
    rows = np.sort(
        np.random.default_rng(0).permutation(count)[: max(_FEWEST_ROWS, _NUMBERS // count)]
    )
    found = np.empty((len(rows), count - 1), dtype=np.float32)
    for start in range(0, len(rows), 64):
        part = rows[start : start + 64]
        block = comparator.matrix(vectors[part], vectors)
        for at, row in enumerate(part.tolist()):
            found[start + at] = np.delete(block[at], row)
    return found


def _interval(within: list[Float[Array, "rows"]], steps: float) -> tuple[float, float]:
    """The 95% interval of the share at the threshold, relative to the estimate.

    Args:
        within: Of each row, the share of its distances within the nearer and the farther quantile.
        steps: Where the threshold lies on a logarithmic scale: 0 the nearer, 1 the farther.

    References:
        Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, eq. 11.5: the delete-one
        jackknife of the logarithm. The rows looked at are the trials.
    """
    count = len(within[0])
    near, far = (np.log((one.sum() - one) / (count - 1)) for one in within)
    left_out = near + steps * (far - near)
    reach = NORMAL_QUANTILE * jackknife_error(left_out)
    return math.exp(-reach), math.exp(reach)
