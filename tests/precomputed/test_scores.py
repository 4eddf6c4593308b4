"""Rounding is no contradiction, scores have any range, and a table the wrong way round is told."""

import numpy as np
import pytest

from likewise.errors import BadArgument, DamagedSource
from likewise.io.warned import LikewiseWarning
from likewise.precomputed import PrecomputedComparisons
from likewise.tasks.decide import decide
from likewise.tasks.precomputed import (
    calibrate_precomputed,
    evaluate_precomputed,
    save_calibration,
)


def pairs(count: int = 120, seed: int = 0):
    """Truth, cosines and names of pairs that stand alone."""
    random = np.random.default_rng(seed)
    same = np.arange(2 * count) % 2
    cosines = np.where(same, 0.7, 0.2) + random.normal(scale=0.2, size=2 * count)
    first = [f"a{at}" for at in range(2 * count)]
    second = [f"b{at}" for at in range(2 * count)]
    return same, np.clip(cosines, -1, 1), first, second


def test_what_float32_leads_beyond_is_the_end():
    same, cosines, first, second = pairs()
    cosines[:3] = 1 + np.array([1e-7, 9e-7, 0])
    found = PrecomputedComparisons.of(same, cosines, first, second, similarity=True)
    assert found.measure == "similarity"
    assert (found.rounded, found.distances[:3].tolist()) == (2, [0, 0, 0])
    distances = 1 - cosines
    distances[:2] = -9e-7
    found = PrecomputedComparisons.of(same, distances, first, second)
    assert (found.rounded, found.measure) == (2, "distance")
    distances[5] = -2e-6
    with pytest.raises(DamagedSource, match=r"row 6.*the distance is -2e-06.*no distance is negat"):
        PrecomputedComparisons.of(same, distances, first, second)


def test_repeated_and_mirrored_pairs_may_differ_by_a_rounding():
    same, cosines, first, second = pairs()
    again = np.concatenate([cosines, cosines[:4] + 5e-8])
    args = (np.concatenate([same, same[:4]]), again, first + second[:4], second + first[:4])
    found = PrecomputedComparisons.of(*args, similarity=True)
    assert found.repeated == 4
    again[-1] += 1e-3
    with pytest.raises(DamagedSource, match="are at distance"):
        PrecomputedComparisons.of(*args, similarity=True)


@pytest.mark.parametrize(
    ("scale", "measure"),
    [(100, "similarity(top=100)"), (7, "similarity(top=10)"), (1, "similarity")],
)
def test_similarities_have_any_range(scale, measure, tmp_path):
    same, cosines, first, second = pairs()
    cosines = np.clip(cosines, -1, 0.99)
    scores = scale * cosines
    scores[0] = scale * 0.99
    found = PrecomputedComparisons.of(same, scores, first, second, similarity=True)
    assert found.measure == measure
    path = tmp_path / "calibration.json"
    fitted = calibrate_precomputed(found)
    save_calibration(fitted, path)
    assert decide(path, 0.9 * scale, operating_point="balanced").verdict == "same"
    assert decide(path, 0.0, operating_point="balanced").verdict == "different"
    top = {7: 10, 100: 100, 1: 1}[scale]
    assert decide(path, top * (1 + 5e-7), operating_point="balanced").distance == 0
    with pytest.raises(BadArgument, match=f"at most {top}, is expected"):
        decide(path, 1.1 * top)


@pytest.mark.parametrize("similarity", [False, True])
def test_a_table_the_wrong_way_round_names_both_causes(similarity):
    same, cosines, first, second = pairs()
    numbers = 1 - cosines if similarity else (1 + cosines) / 2
    given = PrecomputedComparisons.of(
        same, np.clip(numbers, 0, 1), first, second, similarity=similarity
    )
    words = "the numbers are distances" if similarity else "the numbers are similarities"
    with pytest.warns(
        LikewiseWarning, match=f"AUC 0\\.0.*{words}.*or 0 means the same in the table"
    ):
        evaluate_precomputed(given)
