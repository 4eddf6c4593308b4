"""Protocols that measure a set of embeddings, in blocks: no matrix of all pairs is held."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from likewise.calibration import TARGETS
from likewise.metrics import verification
from likewise.metrics.curves import curve_of, frr_at, minimum_cost, thinned
from likewise.metrics.promises import promise_of
from likewise.pairs import RANDOM, SKILLED, ForgeryPairs, PairSet
from likewise.results import ErrorRates, Histogram, OperatingPoint, Verification
from likewise.shapes import Array
from likewise.types import Claim


def verify_all(
    comparisons: PairSet, points: Sequence[OperatingPoint], claim: Claim
) -> Verification:
    """Measure the frozen operating points, and describe the distances."""
    spread = comparisons.spread()
    curve = curve_of(spread)
    eer = _equal_error(comparisons, spread)
    rates = comparisons.rates([point.threshold for point in points], claim)
    measured = tuple(replace(p, test=r) for p, r in zip(points, rates, strict=True))
    promises = {point.name: promise_of(point) for point in measured}
    against, populations, eers = "", {}, {}
    if isinstance(comparisons, ForgeryPairs):
        against = comparisons.against
        each = comparisons.each([point.threshold for point in points], claim)
        for name in (SKILLED, RANDOM):
            populations[name] = tuple(ErrorRates(a.rate(), r.rate()) for a, r in each[name])
            alone = replace(comparisons, against=name)
            eers[name] = _equal_error(alone, alone.spread())
    return Verification(
        claim=claim,
        identities=len(comparisons.names),
        items=len(comparisons.vectors),
        same_pairs=comparisons.counts[0],
        different_pairs=comparisons.counts[1],
        # What is beyond the twelfth digit comes from adding up very many weights.
        eer=round(eer, 12),
        auc=round(spread.auc, 12),
        points=measured,
        histogram=_histogram(spread),
        unit=comparisons.trials(claim)[1],
        curve=thinned(curve),
        tar={far: round(1 - frr_at(curve, far), 12) for far in TARGETS},
        min_dcf=round(minimum_cost(curve), 12),
        against=against,
        populations=populations,
        population_eers=eers,
        promises={name: one for name, one in promises.items() if one is not None},
    )


def _equal_error(comparisons: PairSet, spread: verification.DistanceHistograms) -> float:
    key = spread.eer_bin()
    return verification.equal_error(*comparisons.inside([key])[key], *spread.below(key))[1]


def _histogram(spread: verification.DistanceHistograms, bins: int = 60) -> Histogram:
    values = verification.bin_values()
    used = np.flatnonzero(spread.same + spread.different)
    edges = np.linspace(0.0, float(values[used[-1]]) * 1.001 + 1e-12, bins + 1)
    place = np.searchsorted(edges, values[used], side="right") - 1
    make: Callable[[Array], Array] = lambda w: np.bincount(  # noqa: E731
        place, w[used], minlength=bins
    )
    return Histogram(edges, make(spread.same), make(spread.different))
