import dataclasses
import json

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from likewise.calibration import DecisionRequest, calibration
from likewise.calibration.calibration import Calibration
from likewise.calibration.fit import fit_calibration
from likewise.calibration.json_format import from_json, to_json
from likewise.calibrators import FAMILY
from likewise.calibrators.isotonic import Isotonic
from likewise.calibrators.logistic import Logistic
from likewise.distances.euclidean import Euclidean
from likewise.errors import (
    BadArgument,
    DamagedModel,
    NotCalibrated,
    UnknownName,
    UnsupportedRate,
)
from likewise.pairs.all_pairs import AllPairs
from likewise.types import Claim


@pytest.fixture(scope="module", params=FAMILY.names())
def fitted(request) -> Calibration:
    random = np.random.default_rng(0)
    centres = 2 * random.normal(size=(40, 3))
    vectors = (np.repeat(centres, 8, axis=0) + random.normal(size=(320, 3))).astype(np.float32)
    names = np.repeat(np.arange(40), 8).astype(str)
    comparisons = AllPairs.of(vectors, names, Euclidean())
    return fit_calibration(comparisons, Claim.NEW_IDENTITIES, request.param)


@pytest.mark.parametrize("units", [(5.0, 3.0), (1e9, 1e9)])
def test_logistic_is_the_regression_of_scikit_learn(units):
    random = np.random.default_rng(1)
    same = np.repeat([True, False], 4000)
    distances = np.where(same, random.normal(1, 0.4, 8000), random.normal(2, 0.4, 8000))
    found = Logistic().fit(distances, same, np.full(8000, 1 / 4000), units)
    reference = LogisticRegression(C=np.inf, tol=1e-8).fit(distances[:, None], same)
    assert found["slope"] == pytest.approx(-reference.coef_[0, 0], rel=1e-3)
    assert found["intercept"] == pytest.approx(reference.intercept_[0], rel=1e-3)
    # Two Gaussians: the true log-likelihood ratio falls by 1 / .16 a unit of distance.
    assert found["slope"] == pytest.approx(1 / 0.16, rel=0.1)
    assert (found["low"], found["high"]) == pytest.approx((-np.log1p(units[0]), np.log1p(units[1])))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_separable_distances_give_a_finite_slope_between_them(scale):
    distances = scale * np.array([1.0, 1.1, 1.9, 2.0])
    same = np.array([True, True, False, False])
    found = Logistic().fit(distances, same, np.full(4, 0.5), (20.0, 10.0))
    assert 0 < found["slope"] * scale < 1000
    assert found["intercept"] / found["slope"] == pytest.approx(1.5 * scale, rel=0.05)


def pooled(same: np.ndarray, weights: np.ndarray) -> list[float]:
    """The non-rising least-squares fit at each place, by its formula of minima and maxima."""

    def mean(start: int, stop: int) -> float:
        return float(np.average(same[start : stop + 1], weights=weights[start : stop + 1]))

    places = range(len(same))
    return [
        max(min(mean(start, stop) for start in range(place + 1)) for stop in places[place:])
        for place in places
    ]


def test_isotonic_is_the_least_squares_fit_that_never_rises():
    random = np.random.default_rng(2)
    for _ in range(10):
        count = int(random.integers(2, 25))
        distances = np.sort(random.choice(100, count, replace=False)).astype(float)
        same, weights = random.random(count) < 0.5, random.uniform(0.1, 2, count)
        parameters = Isotonic().fit(distances, same, weights, (1e6, 1e6))
        expected = np.clip(pooled(same, weights), 1e-9, 1 - 1e-9)
        bounded = np.clip(np.log(expected / (1 - expected)), -np.log(1e6 + 1), np.log(1e6 + 1))
        found = Isotonic(parameters=parameters).apply(distances)
        np.testing.assert_allclose(found, bounded, atol=1e-6)


def test_isotonic_finds_the_log_likelihood_ratio_whatever_its_shape():
    random = np.random.default_rng(1)
    same = np.repeat([True, False], 20_000)
    distances = np.where(same, random.normal(1, 0.3, 40_000), random.normal(2, 0.6, 40_000))
    weights = np.full(40_000, 1 / 20_000)
    parameters = Isotonic().fit(distances, same, weights, (1000.0, 1000.0))
    x = np.linspace(1.0, 2.0, 21)
    truth = stats.norm.logpdf(x, 1, 0.3) - stats.norm.logpdf(x, 2, 0.6)
    straight = Logistic(parameters=Logistic().fit(distances, same, weights, (1e9, 1e9))).apply(x)
    found = Isotonic(parameters=parameters).apply(x)
    assert np.abs(found - truth).mean() < 0.2
    assert np.abs(straight - truth).mean() > 0.5
    assert len(parameters["distances"]) == len(parameters["ratios"]) < 1000


@pytest.mark.parametrize("calibrator", ["logistic", "isotonic"])
def test_no_probability_is_0_or_1_and_few_identities_are_less_sure(calibrator):
    same = np.repeat([True, False], 50)
    distances = np.where(same, 0.1, 10.0) + np.linspace(0, 0.01, 100)
    sure = []
    for units in (5.0, 50.0, 500.0):
        fit = FAMILY.build(calibrator, parameters=None).fit
        parameters = fit(distances, same, np.full(100, 0.02), (units, units))
        ratio = FAMILY.build(calibrator, parameters=parameters).apply(np.array([0.0, 1e9]))
        assert np.isfinite(ratio).all()
        assert ratio == pytest.approx([np.log(units + 1), -np.log(units + 1)], rel=0.05)
        sure.append(ratio[0])
    assert sure == sorted(sure)


@pytest.mark.parametrize("calibrator", FAMILY.names())
def test_distances_that_say_nothing_give_even_odds(calibrator):
    same = np.repeat([True, False], 50)
    fit = FAMILY.build(calibrator, parameters=None).fit
    parameters = fit(np.ones(100), same, np.full(100, 0.02), (20.0, 20.0))
    found = FAMILY.build(calibrator, parameters=parameters).apply(np.ones(1))
    assert found == pytest.approx([0.0], abs=1e-3)


@pytest.mark.parametrize("calibrator", FAMILY.names())
def test_an_unfitted_calibrator_says_so(calibrator):
    with pytest.raises(NotCalibrated, match="never fitted"):
        FAMILY.build(calibrator, parameters=None).apply(np.ones(1))


@pytest.mark.parametrize(
    ("distances", "ratios"),
    [([], []), ([1.0, 2.0], [0.0]), ([1.0, 1.0], [2.0, 1.0]), ([2.0, 1.0], [2.0, 1.0]),
     ([1.0, 2.0], [1.0, 2.0]), (1.0, 2.0), ([[1.0], [2.0]], [[2.0], [1.0]])],
)  # fmt: skip
def test_what_are_no_knots_is_refused(distances, ratios):
    with pytest.raises(BadArgument, match="are no knots"):
        Isotonic(parameters={"distances": distances, "ratios": ratios})


def test_a_nearer_pair_is_never_less_probable(fitted):
    probabilities = [fitted.decide(d).probability for d in np.linspace(0, 12, 50)]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < probabilities[-1] < probabilities[0] < 1


def test_a_pair_at_the_threshold_is_accepted(fitted):
    point = fitted.point()
    assert fitted.decide(point.threshold).verdict == "same"
    assert fitted.decide(np.nextafter(point.threshold, np.inf)).verdict == "different"


def test_the_prior_moves_the_probability_by_bayes(fitted):
    even, rare = fitted.decide(1.0), fitted.decide(1.0, DecisionRequest(prior=0.001))
    odds = even.probability / (1 - even.probability) * (0.001 / 0.999)
    assert rare.probability == pytest.approx(odds / (1 + odds))
    assert rare.log_likelihood_ratio == even.log_likelihood_ratio
    for prior in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(BadArgument, match="between 0 and 1"):
            fitted.decide(1.0, DecisionRequest(prior=prior))


def test_the_default_is_far_01_else_the_smallest_supported(fitted):
    assert fitted.default().target == 0.01

    def without(*names):
        points = [
            dataclasses.replace(p, supported=p.supported and p.name not in names)
            for p in fitted.points
        ]
        return fitted.with_points(points)

    assert without("far=0.01", "far=0.001").default().target == 0.05
    assert without("far=0.01", "far=0.001", "far=0.05", "far=0.1").default() is None
    # Above a rate that nobody fitted a threshold for, not below it.
    between = dataclasses.replace(fitted, preferred=0.03)
    assert between.default().target == 0.05


def test_a_missing_threshold_for_costs_names_the_prior_where_it_is_not_even(fitted):
    for prior, told in ((0.5, "--cost-false-reject 2"), (0.2, "--prior 0.2")):
        with pytest.raises(UnsupportedRate) as refused:
            fitted.point(DecisionRequest(costs=(7.0, 2.0), prior=prior))
        assert told in str(refused.value)
        assert ("--prior" in str(refused.value)) == (prior != 0.5)


def test_a_rate_without_threshold_is_refused(fitted):
    assert fitted.point(DecisionRequest(far=0.05)).name == "far=0.05"
    with pytest.raises(UnsupportedRate, match=r"0\.02.*Fitted and supported: 0\.001, 0\.01"):
        fitted.point(DecisionRequest(far=0.02))
    points = [
        dataclasses.replace(p, supported=False, reason="It needs more.") for p in fitted.points
    ]
    with pytest.raises(UnsupportedRate, match="It needs more"):
        fitted.with_points(points).point(DecisionRequest(far=0.01))


def test_a_point_is_found_by_its_name(fitted):
    assert sum(point.supported for point in fitted.points) >= 9
    for point in fitted.points:
        if point.supported:
            assert fitted.point(DecisionRequest(operating_point=point.name)) == point
    balanced = fitted.point(DecisionRequest(operating_point="balanced"))
    assert balanced.target is None
    decided = fitted.decide(balanced.threshold, DecisionRequest(operating_point="balanced"))
    assert (decided.verdict, decided.point) == ("same", balanced)
    far, frr = balanced.calibrate.far.value, balanced.calibrate.frr.value
    others = [(p.calibrate.far.value + p.calibrate.frr.value) / 2 for p in fitted.points]
    assert (far + frr) / 2 == min(others)
    with pytest.raises(UnknownName, match=r"named 'balance'.*mean 'balanced'.*eer"):
        fitted.point(DecisionRequest(operating_point="balance"))
    with pytest.raises(BadArgument, match="asked for in two ways"):
        fitted.point(DecisionRequest(far=0.01, operating_point="eer"))
    refused = [dataclasses.replace(p, supported=False, reason="Few.") for p in fitted.points]
    with pytest.raises(UnsupportedRate, match=r"No threshold for balanced: Few\."):
        fitted.with_points(refused).point(DecisionRequest(operating_point="balanced"))


def test_json_round_trip(fitted):
    again = from_json(to_json({"default": fitted, "clinic": fitted}))
    assert again["clinic"] == fitted
    assert again["default"].decide(1.0) == fitted.decide(1.0)


def test_any_damage_of_the_file_is_named(fitted):
    good = to_json({"default": fitted})
    random = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(good)
        for _ in range(random.integers(1, 4)):
            data[random.integers(len(data))] = random.integers(256)
        data = data[: random.integers(1, len(data) + 1)] if random.random() < 0.3 else data
        try:
            from_json(bytes(data))
        except DamagedModel as error:
            assert "calibration.json" in str(error)
    plain = json.loads(good)
    plain["default"]["points"] = plain["default"]["points"][:2]
    with pytest.raises(DamagedModel, match="eer"):
        from_json(json.dumps(plain).encode())


@pytest.mark.parametrize(
    "value", [[], [1.0], [[1.0], [2.0]], {"a": 1.0}, None, "words", [1.0, None], [1.0, 1e999]]
)
def test_parameters_of_another_form_are_damage(fitted, value):
    plain = json.loads(to_json({"default": fitted}))
    for name in plain["default"]["parameters"]:
        altered = {**plain["default"]["parameters"], name: value}
        data = json.dumps({"default": {**plain["default"], "parameters": altered}}).encode()
        with pytest.raises(DamagedModel, match=r"calibration\.json cannot be read"):
            from_json(data)


def test_targets_are_the_documented_ones(fitted):
    assert [p.target for p in fitted.points] == [
        *calibration.TARGETS,
        *calibration.TARGETS,
        None,
        None,
    ]
    assert [p.name for p in fitted.points][3:6] == ["far=0.1", "far<=0.001", "far<=0.01"]
    assert [p.name for p in fitted.points][-2:] == ["eer", "balanced"]


@pytest.mark.parametrize("far", [0.0, -0.01, 1.5, float("nan")])
def test_what_is_no_rate_is_refused(fitted, far):
    with pytest.raises(BadArgument, match="above 0 and at most 1 is expected"):
        fitted.point(DecisionRequest(far=far))


def test_a_rate_that_was_not_fitted_says_how_to_fit_it(fitted):
    with pytest.raises(UnsupportedRate, match=r"likewise calibrate --far 0\.03"):
        fitted.point(DecisionRequest(far=0.03))


def test_a_file_whose_point_has_another_target_than_its_name_is_refused(fitted):
    plain = json.loads(to_json({"default": fitted}))
    for change in ({"target": 0.5}, {"target": None}, {"name": "far=0.5"}, {"name": "nothing"}):
        first, *others = plain["default"]["points"]
        changed = {**plain["default"], "points": [{**first, **change}, *others]}
        with pytest.raises(DamagedModel, match=r"calibration\.json cannot be read"):
            from_json(json.dumps({"default": changed}).encode())


def test_a_point_is_asked_for_in_one_way_and_read_as_a_number(fitted):
    found = fitted.point(DecisionRequest(operating_point="far=0.050"))
    assert found == fitted.point(DecisionRequest(far=0.05))
    with pytest.raises(BadArgument, match="asked for in two ways"):
        fitted.decide(1.0, DecisionRequest(operating_point="eer", costs=(1.0, 1.0)))
