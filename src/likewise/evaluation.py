"""Protocols that measure a set of embeddings, in blocks: no matrix of all pairs is held."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from likewise.calibration import TARGETS, Calibration, fit_points
from likewise.comparator import Comparator
from likewise.comparisons import Compared, Comparisons
from likewise.listed_pairs import ListedPairs
from likewise.metrics import verification
from likewise.probabilities import AUTO, choose, fit_calibrator
from likewise.results import Histogram, OperatingPoint, Verification
from likewise.shapes import Array, Float
from likewise.types import Claim, Items


def compare(vectors: Float[Array, "n dim"], items: Items, comparator: Comparator) -> Compared:
    """The pairs that a table can be measured on: those it lists, else all of its items.

    Raises:
        SplitError: If there is no same or no different pair.
    """
    if items.pairs is not None:
        return ListedPairs.of(vectors, items, comparator)
    return Comparisons.of(vectors, items.identities, comparator)


def verify_all(
    comparisons: Compared, points: Sequence[OperatingPoint], claim: Claim
) -> Verification:
    """Measure the frozen operating points, and describe the distances."""
    spread = comparisons.spread()
    key = spread.eer_bin()
    distances, same, different = comparisons.inside([key])[key]
    _, eer = verification.equal_error(
        distances,
        same,
        different,
        float(spread.same[:key].sum()),
        float(spread.different[:key].sum()),
    )
    rates = comparisons.rates([point.threshold for point in points], claim)
    return Verification(
        claim=claim,
        identities=len(comparisons.names),
        items=len(comparisons.vectors),
        same_pairs=comparisons.counts[0],
        different_pairs=comparisons.counts[1],
        eer=eer,
        auc=spread.auc,
        points=tuple(replace(p, test=r) for p, r in zip(points, rates, strict=True)),
        histogram=_histogram(spread),
        unit=comparisons.trials(claim)[1],
    )


def _histogram(spread: verification.Spread, bins: int = 60) -> Histogram:
    values = verification.bin_values()
    used = np.flatnonzero(spread.same + spread.different)
    edges = np.linspace(0.0, float(values[used[-1]]) * 1.001 + 1e-12, bins + 1)
    place = np.searchsorted(edges, values[used], side="right") - 1
    make: Callable[[Array], Array] = lambda w: np.bincount(  # noqa: E731
        place, w[used], minlength=bins
    )
    return Histogram(edges, make(spread.same), make(spread.different))


def calibrate(comparisons: Compared, claim: Claim, calibrator: str = "logistic") -> Calibration:
    """Fit thresholds and probabilities on *calibrate* items.

    Args:
        comparisons: Of the calibrate items.
        claim: What rates measured later will claim.
        calibrator: Spec; `auto` chooses one, see `probabilities.choose`.
    """
    spread = comparisons.spread()
    bins = {f"far={target}": spread.far_bin(target) for target in TARGETS}
    eer_bin, balanced_bins = spread.eer_bin(), spread.balanced_bins()
    inside = comparisons.inside(sorted({*bins.values(), eer_bin, *balanced_bins}))
    thresholds = {
        name: _far_threshold(spread, inside[key], key, float(name.removeprefix("far=")))
        for name, key in bins.items()
    }
    thresholds["eer"], _ = verification.equal_error(
        *inside[eer_bin],
        float(spread.same[:eer_bin].sum()),
        float(spread.different[:eer_bin].sum()),
    )
    thresholds["balanced"] = _balanced_threshold(
        spread, {key: inside[key] for key in balanced_bins}
    )
    rates = comparisons.rates(list(thresholds.values()), claim)
    units, unit_name, *independent = comparisons.trials(claim)
    points = fit_points(thresholds, dict(zip(thresholds, rates, strict=True)), units, unit_name)
    choice = choose(comparisons, claim) if calibrator == AUTO else None
    calibrator = calibrator if choice is None else choice.calibrator
    parameters = fit_calibrator(calibrator, spread, (independent[0], independent[1]))
    return Calibration(claim, calibrator, parameters, points, units, unit_name, choice)


def _balanced_threshold(
    spread: verification.Spread, inside: Mapping[int, tuple[Array, Array, Array]]
) -> float:
    """The smallest threshold of least balanced error, from the bins in one of which it lies."""
    same, different = np.cumsum(spread.same), np.cumsum(spread.different)
    found = [
        verification.balanced_error(
            *pairs,
            float(same[key] - spread.same[key]),
            float(different[key] - spread.different[key]),
        )
        for key, pairs in inside.items()
    ]
    least = min(error for _, error in found)
    return min(threshold for threshold, error in found if error <= least + 1e-12)


def _far_threshold(
    spread: verification.Spread, inside: tuple[Array, Array, Array], key: int, target: float
) -> float:
    """The largest threshold within the target, from the bin in which it is passed."""
    distances, _, different = inside
    below = float(spread.different[:key].sum())
    real = different > 0
    found = verification.far_threshold(distances[real], different[real], below, target)
    if found is not None:
        return found
    # Not even the bin's first different pair may be accepted: stay just below it.
    first = float(distances[real].min()) if real.any() else 0.0
    return float(np.nextafter(np.float32(first), np.float32(0.0))) if first > 0 else 0.0
