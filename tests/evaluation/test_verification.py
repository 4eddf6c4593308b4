"""Blocked evaluation against plain loops over every pair."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from likewise.calibration import DecisionRequest
from likewise.calibration.fit import fit_calibration
from likewise.distances.euclidean import Euclidean
from likewise.errors import SplitError
from likewise.evaluation.verification import verify_all
from likewise.metrics.intervals import rate_interval
from likewise.pairs import all_pairs as comparisons_module
from likewise.pairs.all_pairs import AllPairs
from likewise.types import Claim

SIZES = [1, 2, 3, 5, 4, 2, 6, 3]


def clustered(sizes=SIZES, *, dim=4, spread=0.6, seed=0):
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    centres = random.normal(size=(len(sizes), dim))
    vectors = centres[codes] + spread * random.normal(size=(len(codes), dim))
    order = random.permutation(len(codes))
    names = np.array([f"who{code}" for code in codes])
    return vectors[order].astype(np.float32), names[order]


def pairs(vectors, names):
    for i, j in itertools.combinations(range(len(names)), 2):
        yield names[i], names[j], float(np.linalg.norm(vectors[i].astype(float) - vectors[j]))


def loop_rates(vectors, names, threshold, distances=None):
    same, different = {}, {}
    every = list(pairs(vectors, names))
    # The distances of the house where a pair may lie at the threshold itself.
    apart = [distance for *_, distance in every] if distances is None else distances
    for (a, b, _), distance in zip(every, apart, strict=True):
        if a == b:
            same.setdefault(a, []).append(distance > threshold)
        else:
            different.setdefault(frozenset((a, b)), []).append(distance <= threshold)
    far = np.mean([np.mean(errors) for errors in different.values()]) if different else np.nan
    frr = np.mean([np.mean(errors) for errors in same.values()]) if same else np.nan
    counts = [sum(map(sum, group.values())) for group in (different, same)]
    return far, frr, counts


@pytest.fixture(params=[4_000_000, 60])
def blocks(request, monkeypatch):
    monkeypatch.setattr(comparisons_module, "_BLOCK_ELEMENTS", request.param)


@pytest.mark.parametrize("threshold", [0.0, 0.8, 1.5, 2.2, 9.0])
@pytest.mark.usefixtures("blocks")
def test_rates_equal_a_plain_loop(threshold):
    vectors, names = clustered()
    comparisons = AllPairs.of(vectors, names, Euclidean())
    for claim in Claim:
        (rates,) = comparisons.rates([threshold], claim)
        far, frr, counts = loop_rates(vectors, names, threshold)
        assert rates.far.value == pytest.approx(far)
        assert rates.frr.value == pytest.approx(frr)
        assert [rates.far.errors, rates.frr.errors] == counts
        assert rates.far.trials + rates.frr.trials == len(names) * (len(names) - 1) // 2


@pytest.mark.parametrize("claim", list(Claim))
def test_the_interval_is_the_jackknife_of_recomputed_rates(claim):
    vectors, names = clustered([2, 3, 2, 4, 3, 2, 2, 3, 2, 2] * 3)
    threshold = 1.2
    (rates,) = AllPairs.of(vectors, names, Euclidean()).rates([threshold], claim)
    keeps = (
        [names != name for name in np.unique(names)]
        if claim is Claim.NEW_IDENTITIES
        else [np.arange(len(names)) != i for i in range(len(names))]
    )
    without = [loop_rates(vectors[keep], names[keep], threshold)[:2] for keep in keeps]
    for rate, values in zip((rates.far, rates.frr), np.array(without).T, strict=True):
        assert (rate.low, rate.high) == pytest.approx(rate_interval(rate.value, values, 1.0))
        assert 0 < rate.low < rate.value < rate.high < 1


def test_no_errors_bound_the_rate_by_half_the_identities():
    vectors, names = clustered([3] * 30, spread=1e-3)
    (rates,) = AllPairs.of(vectors, names, Euclidean()).rates([0.02], Claim.NEW_IDENTITIES)
    assert rates.far.errors == 0
    assert rates.far.high == pytest.approx(1 - 0.05 ** (1 / 15))
    assert rates.frr.high == pytest.approx(1 - 0.05 ** (1 / 30))


def test_few_identities_have_counts_and_no_interval():
    vectors, names = clustered()
    (rates,) = AllPairs.of(vectors, names, Euclidean()).rates([1.0], Claim.NEW_IDENTITIES)
    assert rates.far.low is None
    assert rates.far.trials > 0


def test_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).random(40)
    without = (values.sum() - values) / 39
    low, high = rate_interval(float(values.mean()), without, 40.0)
    mean, error = values.mean(), stats.sem(values)
    half = stats.t.ppf(0.975, 39) * error / (mean * (1 - mean))
    logit = np.log(mean / (1 - mean))
    assert (low, high) == pytest.approx(
        (stats.logistic.cdf(logit - half), stats.logistic.cdf(logit + half))
    )


@pytest.mark.usefixtures("blocks")
def test_auc_and_eer_equal_references():
    vectors, names = clustered([4] * 9)
    found = verify_all(AllPairs.of(vectors, names, Euclidean()), (), Claim.NEW_IDENTITIES)
    truth, distances = zip(*[(a != b, d) for a, b, d in pairs(vectors, names)], strict=True)
    assert found.auc == pytest.approx(roc_auc_score(truth, distances), abs=2e-3)
    eers = []
    for threshold in distances:
        far, frr, _ = loop_rates(vectors, names, threshold)
        eers.append((abs(far - frr), (far + frr) / 2))
    assert found.eer == pytest.approx(min(eers)[1], abs=1e-6)
    assert found.same_pairs + found.different_pairs == len(distances)
    assert found.histogram.same.sum() == pytest.approx(1)
    assert found.histogram.different.sum() == pytest.approx(1)


def test_a_constant_distance_is_worth_one_half():
    vectors = np.zeros((12, 3), dtype=np.float32)
    names = np.array(["a", "b", "c"] * 4)
    found = verify_all(AllPairs.of(vectors, names, Euclidean()), (), Claim.NEW_IDENTITIES)
    assert found.auc == pytest.approx(0.5)
    assert found.eer == pytest.approx(0.5)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("sizes", [[5] * 12, [2, 9, 3, 4, 2, 2, 6, 5, 3, 2, 8, 4]])
def test_thresholds_keep_the_target_and_could_not_be_larger(sizes):
    vectors, names = clustered(sizes, spread=0.9)
    comparisons = AllPairs.of(vectors, names, Euclidean())
    fitted = fit_calibration(comparisons, Claim.NEW_IDENTITIES)
    impostors = sorted(d for a, b, d in pairs(vectors, names) if a != b)
    for point in fitted.points:
        if point.name == "balanced" or point.guaranteed:
            continue
        if point.target is None:
            assert point.calibrate.far.value == pytest.approx(point.calibrate.frr.value, abs=0.05)
            continue
        assert point.calibrate.far.value <= point.target * (1 + 1e-6)
        larger = next(d for d in impostors if d > point.threshold * (1 + 1e-5))
        assert loop_rates(vectors, names, larger * (1 + 1e-6))[0] > point.target


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 3), min_size=2, max_size=6).filter(lambda s: max(s) > 1),
    steps=st.sampled_from([1, 3, 20, 10_000]),
    spread=st.sampled_from([0.0, 0.3, 0.9, 3.0]),
    seed=st.integers(0, 2**16),
)
def test_the_balanced_threshold_has_the_least_balanced_error(sizes, steps, spread, seed):
    vectors, names = clustered(sizes, dim=2, spread=spread, seed=seed)
    vectors = np.round(vectors * steps) / np.float32(steps)  # few steps make many ties
    comparisons = AllPairs.of(vectors, names, Euclidean())
    fitted = fit_calibration(comparisons, Claim.NEW_IDENTITIES, targets=())
    point = (
        fitted.point(DecisionRequest(operating_point="balanced"))
        if fitted.units >= 10
        else fitted.points[-1]
    )
    assert point.name == "balanced"
    distances = Euclidean().matrix(vectors, vectors)[np.triu_indices(len(names), 1)]
    least = min(
        sum(loop_rates(vectors, names, threshold, distances)[:2]) / 2
        for threshold in [-1.0, *distances.tolist()]
    )
    far, frr, _ = loop_rates(vectors, names, point.threshold, distances)
    assert (far + frr) / 2 == pytest.approx(least, abs=1e-9)
    assert point.calibrate.far.value == pytest.approx(far, abs=1e-9)
    assert point.calibrate.frr.value == pytest.approx(frr, abs=1e-9)


def test_the_balanced_threshold_is_the_least_of_very_many():
    sizes = np.random.default_rng(3).integers(1, 16, 60)
    vectors, names = clustered(sizes, spread=0.7)
    fitted = fit_calibration(AllPairs.of(vectors, names, Euclidean()), Claim.NEW_IDENTITIES)
    first, second = np.triu_indices(len(names), 1)
    distances = Euclidean().matrix(vectors, vectors)[first, second]
    count = dict(zip(*np.unique(names, return_counts=True), strict=True))
    own = np.array([count[name] for name in names])
    alike = names[first] == names[second]
    same = np.where(alike, 1 / np.maximum(own[first] * (own[first] - 1), 1), 0)
    different = np.where(alike, 0, 1 / (own[first] * own[second]))
    order = np.argsort(distances, kind="stable")
    error = np.cumsum(different[order]) / different.sum() - np.cumsum(same[order]) / same.sum()
    last = np.append(np.diff(distances[order]) > 0, [True])
    least = int(np.argmin(np.where(last, error, np.inf)))
    assert (
        fitted.point(DecisionRequest(operating_point="balanced")).threshold
        == distances[order][least]
    )


def test_what_the_data_cannot_support_is_refused_with_what_is_needed():
    vectors, names = clustered([3] * 9)
    fitted = fit_calibration(AllPairs.of(vectors, names, Euclidean()), Claim.NEW_IDENTITIES)
    assert not any(point.supported for point in fitted.points)
    by_name = {point.name: point for point in fitted.points}
    assert "10 identities (there are 9)" in by_name["eer"].reason
    assert "3,000 different pairs" in by_name["far=0.01"].reason
    assert fitted.default() is None
    assert fitted.decide(0.1).verdict == "undecided"


def test_mistakes_are_the_worst_ones():
    vectors, names = clustered([4] * 9, spread=1.0)
    comparisons = AllPairs.of(vectors, names, Euclidean())
    mistakes, shares = comparisons.mistakes(1.5, 3)
    accepts = sorted(d for a, b, d in pairs(vectors, names) if a != b and d <= 1.5)[:3]
    rejects = sorted((d for a, b, d in pairs(vectors, names) if a == b and d > 1.5), reverse=True)
    assert [m.distance for m in mistakes] == pytest.approx(accepts + rejects[:3])
    for mistake in mistakes:
        apart = np.linalg.norm(vectors[mistake.first] - vectors[mistake.second])
        assert apart == pytest.approx(mistake.distance, rel=1e-5)
        assert (names[mistake.first] == names[mistake.second]) == mistake.same
    wrong = [(a, b) for a, b, d in pairs(vectors, names) if (d <= 1.5) != (a == b)]
    for name, share in shares.items():
        expected = sum((a == name) + (b == name) for a, b in wrong) / (4 * 35)
        assert share == pytest.approx(expected)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


@pytest.mark.parametrize("names", [["a"] * 5, ["a", "b", "c"]])
def test_without_both_sorts_of_pairs_nothing_is_measured(names):
    vectors = np.zeros((len(names), 2), dtype=np.float32)
    with pytest.raises(SplitError, match="two identities"):
        AllPairs.of(vectors, np.array(names), Euclidean())
