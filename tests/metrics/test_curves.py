"""ROC, DET and costs against scikit-learn and a plain loop."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from likewise.errors import BadArgument
from likewise.metrics.curves import curve_of, frr_at, minimum_cost, normal_deviates, thinned
from likewise.metrics.verification import DistanceHistograms, keys


def spread_of(distances, same):
    spread = DistanceHistograms.empty()
    weights = same / same.sum(), ~same / (~same).sum()
    spread.add(keys(distances.astype(np.float32)), *weights)
    return spread


def tied(count=400, steps=16, seed=0):
    """Distances with many ties, each of which has a bin of its own."""
    random = np.random.default_rng(seed)
    same = random.random(count) < 0.4
    distances = random.normal(np.where(same, 3, 5), 1).clip(0.5)
    return np.round(distances * steps) / steps, same


def loop(distances, same):
    thresholds = [-1.0, *sorted(set(distances.tolist()))]
    return [(t, np.mean(distances[~same] <= t), np.mean(distances[same] > t)) for t in thresholds]


def test_the_curve_is_that_of_a_plain_loop_and_of_scikit_learn():
    distances, same = tied()
    curve = curve_of(spread_of(distances, same))
    _, far, frr = np.array(loop(distances, same)).T
    np.testing.assert_allclose(curve.far, far, atol=1e-12)
    np.testing.assert_allclose(curve.frr, frr, atol=1e-12)
    np.testing.assert_allclose(curve.thresholds[1:], sorted(set(distances)), rtol=2**-11)
    fpr, tpr, _ = roc_curve(same, -distances, drop_intermediate=False)
    np.testing.assert_allclose(curve.far, fpr, atol=1e-12)
    np.testing.assert_allclose(1 - curve.frr, tpr, atol=1e-12)
    assert np.trapezoid(1 - curve.frr, curve.far) == pytest.approx(roc_auc_score(same, -distances))


@pytest.mark.parametrize("far", [0.0, 0.001, 0.01, 0.05, 0.1, 0.5, 1.0])
def test_true_accepts_at_a_rate_are_the_best_that_keep_it(far):
    distances, same = tied()
    best = min(rejected for _, accepted, rejected in loop(distances, same) if accepted <= far)
    assert frr_at(curve_of(spread_of(distances, same)), far) == pytest.approx(best)


def test_a_rate_that_cannot_be_reached_accepts_nothing():
    distances, same = np.ones(100), np.arange(100) < 50
    curve = curve_of(spread_of(distances, same))
    assert frr_at(curve, 0.99) == 1.0
    assert frr_at(curve, 1.0) == 0.0
    assert minimum_cost(curve) == minimum_cost(curve, prior=0.5) == 1.0
    for far in (-0.1, 1.1, float("nan")):
        with pytest.raises(BadArgument, match="from 0 to 1"):
            frr_at(curve, far)


@pytest.mark.parametrize(("prior", "accept", "reject"), [(0.01, 1, 1), (0.5, 10, 1), (0.9, 1, 3)])
def test_the_least_cost_is_that_of_a_plain_loop(prior, accept, reject):
    distances, same = tied(seed=1)
    least = min(
        reject * prior * rejected + accept * (1 - prior) * accepted
        for _, accepted, rejected in loop(distances, same)
    )
    idle = min(reject * prior, accept * (1 - prior))
    found = minimum_cost(
        curve_of(spread_of(distances, same)),
        prior=prior,
        false_accept=accept,
        false_reject=reject,
    )
    assert found == pytest.approx(least / idle)
    assert 0 < found <= 1


def test_costs_and_priors_that_are_none_are_refused():
    curve = curve_of(spread_of(*tied()))
    for prior in (0.0, 1.0, float("nan")):
        with pytest.raises(BadArgument, match="between 0 and 1"):
            minimum_cost(curve, prior=prior)
    with pytest.raises(BadArgument, match="above 0"):
        minimum_cost(curve, false_accept=0.0)


def test_a_thinned_curve_keeps_its_ends_and_its_shape():
    random = np.random.default_rng(3)
    same = random.random(200_000) < 0.5
    curve = curve_of(spread_of(random.gamma(np.where(same, 3, 9)), same))
    fewer = thinned(curve)
    assert 100 < len(fewer.far) < 900 < len(curve.far)
    assert set(zip(fewer.far, fewer.frr, strict=True)) <= set(
        zip(curve.far, curve.frr, strict=True)
    )
    assert (fewer.far[0], fewer.far[-1]) == (0.0, curve.far[-1])
    # A two-hundredth, and a step of the curve itself.
    assert np.diff(fewer.far).max() < 0.005 + np.diff(curve.far).max() + 1e-4
    assert np.diff(-fewer.frr).max() < 0.005 + np.diff(-curve.frr).max() + 1e-4


def test_deviates_are_normal_quantiles():
    rates = np.array([0.001, 0.2, 0.5, 0.9])
    np.testing.assert_allclose(normal_deviates(rates), norm.ppf(rates), rtol=1e-9, atol=1e-12)
    assert normal_deviates([0.0, 1.0]) == pytest.approx(norm.ppf([1e-7, 1 - 1e-7]))
