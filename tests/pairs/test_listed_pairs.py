"""Rates over the pairs that a source listed, against plain loops."""

import numpy as np
import pytest

from likewise.calibration.fit import fit_calibration
from likewise.distances.euclidean import Euclidean
from likewise.errors import SplitError
from likewise.evaluation.verification import verify_all
from likewise.metrics.intervals import rate_interval
from likewise.metrics.tally import Tally
from likewise.pairs.all_pairs import PairSet
from likewise.pairs.choose import choose_pairs
from likewise.pairs.listed_pairs import ListedPairs
from likewise.types import Claim, Items, Pairs

NEW = Claim.NEW_IDENTITIES


def table(components=40, each=6, seed=0):
    """Items in components of three; of each component some same and some different pairs."""
    random = np.random.default_rng(seed)
    names = np.repeat([f"c{i}" for i in range(components)], 3)
    first, second, same = [], [], []
    for component in range(components):
        for _ in range(random.integers(2, each)):
            a, b = random.choice(3, 2, replace=False) + 3 * component
            first.append(a)
            second.append(b)
            same.append(int(random.random() < 0.5))
    vectors = random.normal(size=(3 * components, 4)).astype(np.float32)
    pairs = Pairs(np.array(first), np.array(second), np.array(same))
    # Same pairs are drawn together, so that there is something to find.
    for a, b, alike in zip(first, second, same, strict=True):
        if alike:
            vectors[b] = 0.6 * vectors[a] + 0.4 * vectors[b]
    items = Items.build(
        "pairs",
        names.tolist(),
        "series",
        [str(i) for i in range(len(names))],
        lambda _: np.zeros((2, 1)),
        pairs=pairs,
    )
    return vectors, items


def test_rates_and_their_intervals_equal_a_plain_loop():
    vectors, items = table()
    compared = choose_pairs(vectors, items, Euclidean())
    assert isinstance(compared, ListedPairs)
    assert isinstance(compared, PairSet)
    pairs = items.pairs
    assert pairs is not None
    for threshold in (0.5, 1.2, 2.0):
        (rates,) = compared.rates([threshold], NEW)
        for rate, sort in ((rates.far, 0), (rates.frr, 1)):
            wrong, trials = {}, {}
            for a, b, same in zip(pairs.first, pairs.second, pairs.same, strict=True):
                if same != sort:
                    continue
                near = float(np.linalg.norm(vectors[a] - vectors[b])) <= threshold
                component = items.identities[a]
                trials[component] = trials.get(component, 0) + 1
                wrong[component] = wrong.get(component, 0) + (near != bool(same))
            bad, total = sum(wrong.values()), sum(trials.values())
            assert (rate.errors, rate.trials, rate.units) == (bad, total, len(trials))
            assert rate.value == pytest.approx(bad / total)
            without = [(bad - wrong[c]) / (total - trials[c]) for c in sorted(trials)]
            low, high = rate_interval(bad / total, np.array(without), len(trials))
            assert (rate.low, rate.high) == (pytest.approx(low), pytest.approx(high))


def sorted_anew(compared, threshold, *, same):
    """A tally as it was once made: the components are sorted again at every threshold."""
    sort = compared.same == same
    wrong = (compared.distances <= threshold) != same
    _, codes = np.unique(compared.codes[sort], return_inverse=True)
    trials = np.bincount(codes).astype(np.float64)
    errors = np.bincount(codes, wrong[sort])
    total, bad = float(trials.sum()), float(errors.sum())
    return bad, total, bad - errors, total - trials, round(bad), round(total), float(len(trials))


def test_tallies_are_what_sorting_at_every_threshold_gives():
    compared = choose_pairs(*table(components=300, seed=3), Euclidean())
    thresholds = [-1.0, *np.quantile(compared.distances, [0.0, 0.03, 0.5, 0.9, 1.0]), 1e30]
    for part in (compared, compared.among(np.arange(300) % 3 > 0, NEW)):
        for threshold, both in zip(thresholds, part.tallies(thresholds, NEW), strict=True):
            for tally, same in zip(both, (False, True), strict=True):
                found = [getattr(tally, name) for name in Tally.__dataclass_fields__]
                for one, other in zip(found, sorted_anew(part, threshold, same=same), strict=True):
                    np.testing.assert_array_equal(one, other)
                    assert type(one) is type(other)


def test_components_are_told_apart_once(monkeypatch):
    """At every further threshold nothing is sorted or renumbered again."""
    compared = choose_pairs(*table(), Euclidean())
    first = compared.tallies([1.0], NEW)
    monkeypatch.setattr(np, "unique", None)
    monkeypatch.setattr(np, "cumsum", None)
    again = compared.tallies([1.0, 1.2], NEW)
    np.testing.assert_array_equal(again[0][0].total_without, first[0][0].total_without)


def test_calibration_and_verification_over_listed_pairs():
    vectors, items = table(components=200)
    compared = choose_pairs(vectors, items, Euclidean())
    fitted = fit_calibration(compared, NEW)
    found = verify_all(compared, fitted.points, NEW)
    assert found.same_pairs + found.different_pairs == len(items.pairs.first)
    assert found.identities == 200
    same = np.array(items.pairs.same, dtype=bool)
    distances = compared.distances
    auc = np.mean(
        (distances[~same][:, None] > distances[same][None, :])
        + 0.5 * (distances[~same][:, None] == distances[same][None, :])
    )
    assert found.auc == pytest.approx(auc, abs=2e-3)
    point = next(p for p in fitted.points if p.target == 0.1)
    assert np.mean(distances[~same] <= point.threshold) <= 0.1
    larger = distances[~same][distances[~same] > point.threshold].min()
    assert np.mean(distances[~same] <= larger) > 0.1
    assert fitted.decide(float(distances.min())).log_likelihood_ratio > 0
    few = fit_calibration(choose_pairs(*table(components=9), Euclidean()), NEW)
    assert "10 groups of linked pairs (there are 9)" in few.points[0].reason


def test_the_worst_mistakes_are_named_by_rows():
    vectors, items = table()
    compared = choose_pairs(vectors, items, Euclidean())
    mistakes, hardest = compared.mistakes(1.0, 3)
    for mistake in mistakes:
        distance = np.linalg.norm(vectors[mistake.first] - vectors[mistake.second])
        assert mistake.distance == pytest.approx(distance, rel=1e-5)
        assert mistake.same == (distance > 1.0)
    accepts = [m.distance for m in mistakes if not m.same]
    assert accepts == sorted(accepts)
    assert set(hardest) == set(items.identities.tolist())
    assert max(hardest.values()) == next(iter(hardest.values())) <= 1


def test_pairs_of_one_sort_are_refused():
    vectors, items = table()
    pairs = items.pairs
    one = Items.build(
        "pairs",
        items.identities.tolist(),
        "series",
        items.places.tolist(),
        items.reader,
        pairs=Pairs(pairs.first, pairs.second, np.ones(len(pairs.first))),
    )
    with pytest.raises(SplitError, match=r"lists \d+ same and 0 different"):
        choose_pairs(vectors, one, Euclidean())
