"""Probabilities against plain loops over pairs and against scikit-learn."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as reference_log_loss

from likewise.calibration.fit import fit_calibration
from likewise.calibration.probability import _chosen, choose_calibrator, measure_probabilities
from likewise.calibrators.beta import Beta
from likewise.calibrators.logistic import Logistic
from likewise.distances.euclidean import Euclidean
from likewise.errors import BadArgument, UnknownName
from likewise.metrics import probability
from likewise.pairs.all_pairs import AllPairs
from likewise.pairs.listed_pairs import ListedPairs
from likewise.types import Claim, Items, Pairs

NEW, KNOWN = Claim.NEW_IDENTITIES, Claim.KNOWN_CLASSES


def crowd(count=40, each=5, *, seed=0, spread=0.5, dim=4):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, dim))
    vectors = np.repeat(centres, each, axis=0) + spread * random.normal(size=(count * each, dim))
    names = np.repeat([f"who{i:03}" for i in range(count)], each)
    return AllPairs.of(vectors.astype(np.float32), names, Euclidean())


def shares(random, count=300):
    """Ratios that fall, with shares of same and different pairs, many of them none."""
    ratios = np.sort(random.normal(size=count))[::-1]
    same, different = (random.random((2, count)) * (random.random((2, count)) < 0.5)) + 1e-12
    return ratios, same / same.sum(), different / different.sum()


@pytest.mark.parametrize("prior", [0.5, 0.05, 0.001])
def test_log_loss_and_brier_are_those_of_scikit_learn(prior):
    ratios, same, different = shares(np.random.default_rng(0))
    said = 1 / (1 + np.exp(-(ratios + np.log(prior / (1 - prior)))))
    np.testing.assert_allclose(probability.probabilities_at(ratios, prior), said, rtol=1e-9)
    truth = np.repeat([1, 0], len(ratios))
    weights = np.concatenate([prior * same, (1 - prior) * different])
    both = np.concatenate([said, said])
    found = probability.log_loss(ratios, same, different, prior)
    assert found == pytest.approx(reference_log_loss(truth, both, sample_weight=weights))
    found = probability.brier(ratios, same, different, prior)
    assert found == pytest.approx(brier_score_loss(truth, both, sample_weight=weights))


def test_cllr_is_its_formula_and_1_for_what_says_nothing():
    ratios, same, different = shares(np.random.default_rng(1))
    missed = sum(s * math.log2(1 + math.exp(-r)) for s, r in zip(same, ratios, strict=True))
    alarmed = sum(d * math.log2(1 + math.exp(r)) for d, r in zip(different, ratios, strict=True))
    assert probability.cllr(ratios, same, different) == pytest.approx((missed + alarmed) / 2)
    assert probability.cllr(np.zeros(300), same, different) == pytest.approx(1)
    assert probability.cllr(np.array([40.0, -40.0]), np.eye(2)[0], np.eye(2)[1]) < 1e-9


def test_the_minimum_cllr_is_that_of_scikit_learns_isotonic_fit():
    random = np.random.default_rng(2)
    for _ in range(20):
        _, same, different = shares(random, int(random.integers(2, 60)))
        place = np.arange(len(same))
        fit = IsotonicRegression(increasing=False).fit(
            np.concatenate([place, place]),
            np.repeat([1.0, 0.0], len(place)),
            sample_weight=np.concatenate([same, different]),
        )
        share = np.clip(fit.predict(place), 1e-15, 1 - 1e-15)
        best = probability.cllr(np.log(share / (1 - share)), same, different)
        assert probability.minimum_cllr(same, different) == pytest.approx(best, abs=1e-9)
    told = (np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.3, 0.7]))
    assert probability.minimum_cllr(*told) == 0
    assert probability.minimum_cllr(*told[::-1]) == pytest.approx(1)


def loop(compared, ratios, prior):
    """Every pair: the probability said, whether it is the same, and its weight."""
    first, second = np.triu_indices(len(compared.codes), 1)
    apart = Euclidean().matrix(compared.vectors, compared.vectors)[first, second]
    same = compared.codes[first] == compared.codes[second]
    sizes = np.bincount(compared.codes)
    own, other = sizes[compared.codes[first]], sizes[compared.codes[second]]
    within = (own * (own - 1) / 2) * (sizes >= 2).sum()
    across = own * other * (len(sizes) * (len(sizes) - 1) / 2)
    weights = np.where(same, prior / np.where(same, within, 1), (1 - prior) / across)
    said = probability.probabilities_at(ratios(apart.astype(np.float64)), prior)
    return said, same, weights


@pytest.mark.parametrize("prior", [0.5, 0.1])
@pytest.mark.parametrize("calibrator", ["logistic", "isotonic", "beta"])
def test_the_reliability_diagram_is_that_of_a_loop_over_all_pairs(prior, calibrator):
    ratios = fit_calibration(crowd(seed=1), NEW, calibrator).ratios
    compared = crowd(seed=2)
    found = measure_probabilities(compared, ratios, NEW, prior)
    said, same, weights = loop(compared, ratios, prior)
    assert weights.sum() == pytest.approx(1)
    place = np.clip(np.ceil(said * 10 - 1e-12).astype(int) - 1, 0, 9)
    assert [round(one.high * 10) - 1 for one in found.reliability] == sorted(set(place.tolist()))
    error = 0.0
    for one in found.reliability:
        here = place == round(one.high * 10) - 1
        assert (one.same_pairs, one.different_pairs) == (
            int((here & same).sum()),
            int((here & ~same).sum()),
        )
        assert one.share == pytest.approx(weights[here].sum(), rel=1e-6)
        # What was said comes from a histogram with bins of relative width 2^-11.
        assert one.said == pytest.approx(np.average(said[here], weights=weights[here]), abs=2e-3)
        assert one.seen == pytest.approx(np.average(same[here], weights=weights[here]), abs=1e-6)
        error += one.share * abs(one.said - one.seen)
        if one.seen_low is not None:
            assert one.seen_low < one.seen < one.seen_high
    assert found.calibration_error == pytest.approx(error)
    assert sum(one.share for one in found.reliability) == pytest.approx(1)
    assert found.log_loss == pytest.approx(
        reference_log_loss(same, said, sample_weight=weights), abs=1e-3
    )
    assert found.minimum_cllr <= found.cllr
    base = -prior * math.log(prior) - (1 - prior) * math.log(1 - prior)
    assert found.uninformed == pytest.approx(base)


def test_the_bins_are_those_of_scikit_learn():
    """With one item more than none a side, each pair of identities weighs as each pair of items."""
    compared = crowd(60, 2, seed=3)
    ratios = fit_calibration(crowd(60, 2, seed=4), NEW).ratios
    found = measure_probabilities(compared, ratios, NEW)
    said, same, _ = loop(compared, ratios, 0.5)
    # Pairs of each sort that weigh alike: the different ones are repeated until they are as many.
    times = np.where(same, (~same).sum(), same.sum())
    seen, told = calibration_curve(np.repeat(same, times), np.repeat(said, times), n_bins=10)
    assert [one.seen for one in found.reliability] == pytest.approx(seen.tolist(), abs=1e-6)
    assert [one.said for one in found.reliability] == pytest.approx(told.tolist(), abs=2e-3)


def test_the_interval_is_the_jackknife_over_identities():
    compared = crowd(25, 3, seed=5, spread=0.9)
    ratios = fit_calibration(crowd(25, 3, seed=6, spread=0.9), NEW).ratios
    found = measure_probabilities(compared, ratios, NEW)
    names = compared.names

    def part(kept, one, sort):
        rows = np.isin(compared.names[compared.codes], kept)
        other = AllPairs.of(
            compared.vectors[rows], compared.names[compared.codes][rows], Euclidean()
        )
        said, same, weights = loop(other, ratios, 0.5)
        here = (said > one.low) & (said <= one.high) & (same == sort)
        return 2 * weights[here].sum()

    checked = 0
    for one in found.reliability:
        variance = 0.0
        for sort in (True, False):
            without = [part(names[names != name], one, sort) for name in names]
            if min(without) == 0:
                break
            variance += 24 / 25 * np.sum((np.log(without) - np.log(without).mean()) ** 2)
        else:
            half = stats.t.ppf(0.975, 24) * math.sqrt(variance)
            odds = math.log(one.seen / (1 - one.seen))
            ends = stats.logistic.cdf([odds - half, odds + half])
            assert (one.seen_low, one.seen_high) == pytest.approx(tuple(ends), rel=1e-4)
            checked += 1
            continue
        assert one.seen_low is None
    assert checked >= 3


def test_few_identities_have_bins_without_interval_and_all_pairs_may_lie_in_one():
    compared = crowd(8, 3)
    bins = measure_probabilities(compared, lambda d: 1.0 - d, NEW).reliability
    assert all(one.seen_low is None and one.seen_high is None for one in bins)
    (only,) = measure_probabilities(compared, lambda d: 0.0 * d, NEW).reliability
    assert (only.low, only.high, only.share) == (0.4, 0.5, 1.0)
    assert only.seen == pytest.approx(0.5)
    assert (only.same_pairs, only.different_pairs) == compared.counts
    for prior in (0.0, 1.0, float("nan")):
        with pytest.raises(BadArgument, match="between 0 and 1"):
            measure_probabilities(compared, lambda d: 0.0 * d, NEW, prior)


def test_a_probability_of_half_and_half_pairs_is_wrong_at_one_in_a_thousand():
    """Unless the prior is said: then what it says is what is seen."""
    random = np.random.default_rng(0)

    def draw(same, different):
        truth = np.repeat([True, False], [same, different])
        return truth, random.normal(np.where(truth, 1.0, 2.0), 0.3)

    truth, apart = draw(4000, 4000)
    parameters = Logistic().fit(apart, truth, np.full(8000, 1 / 4000), (1e6, 1e6))
    ratios = Logistic(parameters=parameters).apply
    truth, apart = draw(1000, 999_000)  # life: one pair in a thousand is the same
    at_half = probability.probabilities_at(ratios(apart), 0.5)
    in_life = probability.probabilities_at(ratios(apart), 0.001)
    sure = (at_half > 0.85) & (at_half < 0.95)
    assert at_half[sure].mean() == pytest.approx(0.9, abs=0.02)
    assert truth[sure].mean() < 0.05
    for low, high in ((0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0)):
        here = (in_life > low) & (in_life <= high)
        assert truth[here].mean() == pytest.approx(in_life[here].mean(), abs=0.09)
    losses = [reference_log_loss(truth, said) for said in (at_half, in_life)]
    assert losses[1] < losses[0] / 5


def test_the_prior_makes_what_is_measured_that_of_life():
    """The same pairs, weighed as at one in a thousand: the ratios hold, the even odds do not."""
    compared = crowd(60, 4, seed=7, spread=0.35)
    fitted = fit_calibration(crowd(60, 4, seed=8, spread=0.35), NEW)
    rare = measure_probabilities(compared, fitted.ratios, NEW, 0.001)
    misled = measure_probabilities(
        compared, lambda d: fitted.ratios(d) - probability.logit(0.001), NEW, 0.001
    )
    assert rare.calibration_error < 0.002
    assert misled.calibration_error > 0.02
    assert rare.log_loss < rare.uninformed < misled.log_loss


# ── the beta calibrator ───────────────────────────────────────────────────────────────────────


def pairs(same_draw, different_draw, count=6000, seed=0):
    random = np.random.default_rng(seed)
    distances = np.concatenate([same_draw(random, count), different_draw(random, count)])
    return distances, np.repeat([True, False], count), np.full(2 * count, 1 / count)


def test_beta_is_the_paper_s_regression_on_a_matcher_s_probability():
    """At scale 1 of softplus(-logit): logistic regression on log p and -log(1 - p)."""
    distances, same, weights = pairs(
        lambda r, n: np.logaddexp(0, -r.normal(2, 2, n)),
        lambda r, n: np.logaddexp(0, r.normal(2, 2, n)),
    )
    found = Beta(scale=1.0).fit(distances, same, weights, (1e9, 1e9))
    p = np.exp(-distances)
    features = np.stack([np.log(p), -np.log1p(-p)], axis=1)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(features, same)
    assert [found["a"], found["b"]] == pytest.approx(reference.coef_[0].tolist(), abs=0.01)
    assert found["c"] == pytest.approx(reference.intercept_[0], abs=0.01)
    # The log-likelihood ratio of normals at +-2 with variance 4 is the logit itself.
    logits = np.linspace(-4, 4, 30)
    ratios = Beta(parameters=found).apply(np.logaddexp(0, -logits))
    np.testing.assert_allclose(ratios, logits, atol=0.4)


def test_beta_without_its_bend_is_logistic():
    distances, same, weights = pairs(
        lambda r, n: r.exponential(0.3, n) + 0.5, lambda r, n: 3 - r.exponential(0.3, n)
    )
    parameters = Beta().fit(distances, same, weights, (1e9, 1e9))
    assert parameters["a"] > 0
    straight = Logistic().fit(distances, same, weights, (1e9, 1e9))
    bent = {"a": straight["slope"] * 2.0, "b": 0.0, "c": straight["intercept"], "scale": 2.0}
    at = np.linspace(0.01, 5, 60)
    np.testing.assert_allclose(
        Beta(parameters={**bent, "low": -50, "high": 50}).apply(at),
        Logistic(parameters={**straight, "low": -50, "high": 50}).apply(at),
        rtol=1e-9,
    )


def test_beta_finds_a_ratio_that_bends_near_zero_where_logistic_cannot():
    """Distances with density proportional to d^(k-1) near 0: the ratio falls with log d."""
    distances, same, weights = pairs(
        lambda r, n: r.gamma(1.0, 0.5, n), lambda r, n: r.gamma(4.0, 0.5, n)
    )
    at = np.linspace(0.02, 1.5, 40)
    truth = stats.gamma.logpdf(at, 1.0, scale=0.5) - stats.gamma.logpdf(at, 4.0, scale=0.5)
    wide = (1e9, 1e9)
    bent = Beta(parameters=Beta().fit(distances, same, weights, wide)).apply(at)
    straight = Logistic(parameters=Logistic().fit(distances, same, weights, wide)).apply(at)
    assert np.abs(bent - truth).mean() < 0.5 * np.abs(straight - truth).mean()
    assert np.abs(bent - truth)[at > 0.1].max() < 0.6


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_no_distance_is_refused(scale):
    with pytest.raises(BadArgument, match=r"beta: scale is .* positive distance is expected"):
        Beta(scale=scale)


# ── the choice ────────────────────────────────────────────────────────────────────────────────


def test_the_choice_says_the_losses_of_all():
    found = choose_calibrator(crowd(), NEW)
    assert set(found.losses) == {"logistic", "isotonic", "beta"}
    assert found.folds == 5
    assert found.reason.startswith(f"{found.calibrator}: log loss on identities left out in turn")
    assert all(f"{name} {loss:.4f}" in found.reason for name, loss in found.losses.items())
    assert choose_calibrator(crowd(), NEW) == found
    fitted = fit_calibration(crowd(), NEW, "auto")
    assert (fitted.calibrator, fitted.choice) == (found.calibrator, found)
    assert fit_calibration(crowd(), NEW, "beta").choice is None


def test_the_losses_are_of_identities_that_were_left_out():
    """The same folds by hand: fitted on the pairs of four parts, measured on those of the fifth."""
    compared = crowd(30, 4, seed=9)
    found = choose_calibrator(compared, NEW)
    order = np.random.default_rng(0).permutation(30)
    losses = []
    for out in range(5):
        inside = compared.names[np.sort(order[out::5])]
        parts = []
        for kept in (~np.isin(compared.names, inside), np.isin(compared.names, inside)):
            rows = kept[compared.codes]
            parts.append(
                AllPairs.of(
                    compared.vectors[rows], compared.names[compared.codes][rows], Euclidean()
                )
            )
        fitted = fit_calibration(parts[0], NEW, "logistic")
        said, same, weights = loop(parts[1], fitted.ratios, 0.5)
        losses.append(reference_log_loss(same, said, sample_weight=weights))
    assert found.losses["logistic"] == pytest.approx(np.mean(losses), abs=1e-3)


def bent(count=60, each=6, seed=0):
    """Distances whose ratio is far from straight: most same pairs at 0, the others beyond all."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, 3))
    vectors = np.repeat(centres, each, axis=0)
    vectors += 0.01 * random.normal(size=vectors.shape)
    strays = random.random(len(vectors)) < 0.2
    vectors[strays] += 8 * random.normal(size=(int(strays.sum()), 3))
    names = np.repeat(np.arange(count), each).astype(str)
    return AllPairs.of(vectors.astype(np.float32), names, Euclidean())


def test_another_than_logistic_is_chosen_where_it_is_better_beyond_chance():
    found = choose_calibrator(bent(), NEW)
    assert found.calibrator != "logistic"
    assert found.losses[found.calibrator] == min(found.losses.values())
    assert found.losses[found.calibrator] < 0.9 * found.losses["logistic"]
    assert found.reason.endswith("the least beyond chance")


@pytest.mark.parametrize(
    ("lower", "chosen"),
    [  # by how much the log loss of beta is lower in each fold
        ((0.02, 0.02, 0.02, 0.02, 0.02), "beta"),
        ((0.001, 0.001, 0.001, 0.001, 0.101), "beta"),  # 0.021, with a standard error of 0.02
        ((-0.001, -0.001, -0.001, -0.001, 0.099), "logistic"),  # 0.019, with the same
        ((0.1, -0.1, 0.1, -0.1, 0.1), "logistic"),  # lower on average, and by chance
    ],
)
def test_another_is_chosen_only_where_it_is_lower_by_more_than_one_standard_error(lower, chosen):
    losses = {
        "logistic": np.full(5, 0.4),
        "isotonic": np.full(5, 0.5),
        "beta": 0.4 - np.array(lower),
    }
    found = _chosen(losses, "identities")
    assert found.calibrator == chosen
    assert found.losses["beta"] == pytest.approx(0.4 - np.mean(lower))
    why = "the least beyond chance" if chosen == "beta" else "none is lower beyond chance"
    assert found.reason.endswith(why)


def test_of_two_that_are_lower_beyond_chance_the_lower_is_chosen():
    found = _chosen(
        {"logistic": np.full(5, 0.4), "isotonic": np.full(5, 0.3), "beta": np.full(5, 0.35)},
        "items",
    )
    assert found.calibrator == "isotonic"


def test_ties_and_too_few_identities_stay_with_logistic_and_say_so():
    vectors = np.zeros((120, 2), dtype=np.float32)
    tied = AllPairs.of(vectors, np.repeat(np.arange(30), 4).astype(str), Euclidean())
    found = choose_calibrator(tied, NEW)
    assert found.calibrator == "logistic"
    assert "none is lower beyond chance" in found.reason
    few = choose_calibrator(crowd(19), NEW)
    assert (few.calibrator, few.losses, few.folds) == ("logistic", {}, 0)
    assert "19 identities are too few to compare calibrators on" in few.reason
    assert choose_calibrator(crowd(20), NEW).folds == 5
    singles = np.arange(60).astype(str)
    singles[1] = singles[0]
    vectors = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    alone = AllPairs.of(vectors, singles, Euclidean())
    assert "cannot be dealt into 5 parts" in choose_calibrator(alone, NEW).reason


def test_of_very_many_items_some_identities_are_drawn(monkeypatch):
    monkeypatch.setattr("likewise.calibration.probability._MOST_ITEMS", 120)
    seen = []
    among = AllPairs.among

    def watched(self, units, claim):
        seen.append(int(units.sum()))
        return among(self, units, claim)

    monkeypatch.setattr(AllPairs, "among", watched)
    choose_calibrator(crowd(60, 4), NEW)
    assert seen == [24, 6] * 5


@pytest.mark.parametrize("claim", [NEW, KNOWN])
def test_pairs_among_some_units_are_those_of_a_loop(claim):
    compared = crowd(6, 3)
    count = compared.trials(claim)[0]
    units = np.arange(count) % 2 == 0
    rows = units if claim is KNOWN else units[compared.codes]
    part = compared.among(units, claim)
    np.testing.assert_array_equal(part.vectors, compared.vectors[rows])
    np.testing.assert_array_equal(part.names[part.codes], compared.names[compared.codes][rows])


def test_listed_pairs_are_chosen_on_by_their_components():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(200, 3)).astype(np.float32)
    vectors[1::4] = vectors[::4] + 0.1 * random.normal(size=(50, 3)).astype(np.float32)
    first = np.concatenate([np.arange(0, 200, 4), np.arange(0, 200, 4)])
    second = np.concatenate([np.arange(1, 200, 4), np.arange(2, 200, 4)])
    listed = Pairs(first, second, np.repeat([1, 0], 50))
    names = [f"c{i // 4:02}" for i in range(200)]
    items = Items.build("listed", names, "image", names, names.__getitem__, pairs=listed)
    compared = ListedPairs.of(vectors, items, Euclidean())
    part = compared.among(np.arange(50) < 10, NEW)
    assert part.counts == (10, 10)
    assert part.names.tolist() == compared.names[:10].tolist()
    np.testing.assert_array_equal(part.distances, compared.distances[compared.codes < 10])
    found = choose_calibrator(compared, NEW)
    assert found.folds == 5
    assert "groups of linked pairs left out in turn" in found.reason
    assert len(measure_probabilities(compared, lambda d: 1 - d, NEW).reliability) > 1


def test_a_share_between_two_thresholds_needs_one_of_them():
    with pytest.raises(BadArgument, match="one tally is expected"):
        probability.error_between(None, None)


def test_an_unknown_calibrator_is_refused():
    with pytest.raises(UnknownName, match="Did you mean 'logistic'"):
        fit_calibration(crowd(), NEW, "logistics")
