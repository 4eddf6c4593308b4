"""Probabilities over folds: against scikit-learn and loops, and never on what was fitted."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

from likewise.calibration import DecisionRequest
from likewise.calibration.fit import fit_calibration
from likewise.calibration.probability import measure_probabilities
from likewise.errors import BadArgument
from likewise.evaluation.cross_validation import CLAIM, Fitting, cross_fit
from likewise.evaluation.pooled import FoldProbabilities, pool_probabilities
from likewise.precomputed import PrecomputedComparisons, PrecomputedEmbeddings
from likewise.precomputed.folds import deal


def pairs(count=240, seed=0):
    random = np.random.default_rng(seed)
    same = np.arange(count) % 2
    return PrecomputedComparisons.of(same, np.clip(random.normal(1 - 0.4 * same, 0.25), 0, None))


def people(seed=0):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(30), random.integers(1, 7, 30))
    vectors = random.normal(size=(30, 6))[labels] + 0.6 * random.normal(size=(len(labels), 6))
    return PrecomputedEmbeddings.of(vectors, labels, "euclidean")


@pytest.mark.parametrize("prior", [0.5, 0.1])
@pytest.mark.parametrize("calibrator", ["logistic", "isotonic", "beta"])
@pytest.mark.parametrize("make", [pairs, people])
def test_one_fold_is_measured_as_a_model_is(prior, calibrator, make):
    ratios = fit_calibration(make(seed=1).compared(), CLAIM, calibrator).ratios
    compared = make(seed=2).compared()
    expected = measure_probabilities(compared, ratios, CLAIM, prior)
    for one_scale in (True, False):
        found = pool_probabilities(
            [FoldProbabilities.of(compared, ratios, CLAIM, prior)], prior, one_scale=one_scale
        )
        assert len(found.reliability) == len(expected.reliability)
        for one, other in zip(found.reliability, expected.reliability, strict=True):
            assert vars(one) == pytest.approx(vars(other), abs=1e-12)
        for name in ("log_loss", "brier", "calibration_error", "cllr", "minimum_cllr"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name)), name


@pytest.mark.parametrize("prior", [0.5, 0.2])
def test_of_data_alone_no_pair_is_asked_about_by_what_was_fitted_on_it(prior):
    given, folds = pairs(), 4
    fitting = Fitting("logistic", DecisionRequest(prior=prior))
    found = cross_fit(given, folds=folds, fitting=fitting).probability
    dealt = deal(given, folds)[given.codes]
    said, distances = np.empty(len(dealt)), given.distances.astype(np.float32)
    for fold in range(folds):
        units = np.flatnonzero(deal(given, folds) != fold)
        fitted = fit_calibration(given.take(units).compared(), CLAIM, "logistic", fitting.request)
        odds = fitted.ratios(given.distances[dealt == fold]) + np.log(prior / (1 - prior))
        said[dealt == fold] = 1 / (1 + np.exp(-odds))
    same = given.same
    weights = np.where(same, prior / same.sum(), (1 - prior) / (~same).sum())
    # What was said comes from a histogram with bins of relative width 2^-11.
    near = {"abs": 2e-3}
    assert found.log_loss == pytest.approx(log_loss(same, said, sample_weight=weights), **near)
    assert found.brier == pytest.approx(brier_score_loss(same, said, sample_weight=weights), **near)
    place = np.clip(np.ceil(said * 10 - 1e-12).astype(int) - 1, 0, 9)
    error = 0.0
    for one in found.reliability:
        here = place == round(one.high * 10) - 1
        counts = int((here & same).sum()), int((here & ~same).sum())
        assert (one.same_pairs, one.different_pairs) == counts
        seen = np.average(same[here], weights=weights[here])
        assert one.seen == pytest.approx(seen)
        error += weights[here].sum() * abs(np.average(said[here], weights=weights[here]) - seen)
    assert sum(b.same_pairs + b.different_pairs for b in found.reliability) == len(same)
    assert found.calibration_error == pytest.approx(error, **near)
    # The least Cllr is that of one monotone fit over all distances, which are of one scale.
    even = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    fit = IsotonicRegression(y_min=0, y_max=1, increasing=False).fit_transform(
        distances, same, sample_weight=even
    )
    least = log_loss(same, fit, sample_weight=even) / np.log(2)
    assert found.minimum_cllr == pytest.approx(least, abs=0.02)
    assert found.minimum_cllr < found.cllr


def test_what_is_fitted_on_itself_would_look_better():
    """The figures above are no formality: of noise, a calibration knows nothing of other pairs."""
    random = np.random.default_rng(5)
    given = PrecomputedComparisons.of(np.arange(60) % 2, random.random(60))
    crossed = cross_fit(given, folds=5, fitting=Fitting("isotonic")).probability
    compared = given.compared()
    itself = measure_probabilities(
        compared, fit_calibration(compared, CLAIM, "isotonic").ratios, CLAIM
    )
    assert itself.log_loss < itself.uninformed < crossed.log_loss


def test_models_of_different_scales_are_never_put_on_one():
    """A fold whose distances are ten times as large changes nothing that is told."""
    fitted = [pairs(seed=seed) for seed in (1, 2)]
    tested = [pairs(seed=seed) for seed in (3, 4)]

    def told(scale):
        said = []
        for factor, known, new in zip((1, scale), fitted, tested, strict=True):
            scaled = [
                PrecomputedComparisons.of(one.same, factor * one.distances).compared()
                for one in (known, new)
            ]
            said.append(
                FoldProbabilities.of(
                    scaled[1], fit_calibration(scaled[0], CLAIM, "beta").ratios, CLAIM
                )
            )
        return pool_probabilities(said, one_scale=False)

    one, other = told(1), told(16)
    assert one.minimum_cllr == pytest.approx(other.minimum_cllr)
    assert one.cllr == pytest.approx(other.cllr, abs=1e-4)
    for left, right in zip(one.reliability, other.reliability, strict=True):
        assert (left.same_pairs, left.different_pairs) == (right.same_pairs, right.different_pairs)


@pytest.mark.parametrize("prior", [0.0, 1.0, float("nan")])
def test_a_prior_that_is_none(prior):
    with pytest.raises(BadArgument, match=r"a share of same pairs between 0 and 1"):
        FoldProbabilities.of(pairs().compared(), lambda x: -x, CLAIM, prior)
    with pytest.raises(BadArgument, match=r"a share of same pairs between 0 and 1"):
        pool_probabilities([], prior, one_scale=True)
