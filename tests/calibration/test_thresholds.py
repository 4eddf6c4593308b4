"""Thresholds with a guarantee, of least cost, and what is refused; against plain recomputation."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from likewise.calibration import DecisionRequest
from likewise.calibration.calibration import Calibration
from likewise.calibration.fit import fit_calibration
from likewise.calibration.json_format import from_json, to_json
from likewise.calibration.thresholds import (
    FEWEST_FOR_THRESHOLDS,
    SURE,
    fit_points,
    guaranteed,
)
from likewise.distances.euclidean import Euclidean
from likewise.errors import BadArgument, BadDistance, SplitError, UnknownName, UnsupportedRate
from likewise.evaluation.verification import verify_all
from likewise.pairs.all_pairs import AllPairs
from likewise.pairs.choose import choose_pairs
from likewise.results import Criterion, ErrorRates, Rate
from likewise.types import Claim, Items, Pairs

NEW = Claim.NEW_IDENTITIES
DIM, SPREADS, SHARES = 3, np.array([0.15, 0.25, 0.4]), np.array([0.4, 0.4, 0.2])


def true_far(threshold: float) -> float:
    """Of `world`: two items of two identities differ by a normal vector of known spread."""
    variance = 2 + SPREADS[:, None] ** 2 + SPREADS[None, :] ** 2
    return float(SHARES @ stats.chi2.cdf(threshold**2 / variance, DIM) @ SHARES)


def true_frr(threshold: float) -> float:
    return float(SHARES @ stats.chi2.sf(threshold**2 / (2 * SPREADS**2), DIM))


def world(identities: int, random: np.random.Generator, items=(2, 8)) -> AllPairs:
    """Identities of unequal difficulty, with unequal numbers of items."""
    codes = np.repeat(np.arange(identities), random.integers(items[0], items[1] + 1, identities))
    spread = random.choice(SPREADS, identities, p=SHARES)[codes]
    centres = random.normal(size=(identities, DIM))[codes]
    vectors = centres + spread[:, None] * random.normal(size=(len(codes), DIM))
    return AllPairs.of(vectors.astype(np.float32), codes.astype(str), Euclidean())


@pytest.fixture(scope="module")
def compared() -> AllPairs:
    return world(60, np.random.default_rng(0), items=(2, 6))


@pytest.fixture(scope="module")
def fitted(compared) -> Calibration:
    return fit_calibration(compared, NEW)


def all_pairs(compared: AllPairs) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.triu_indices(len(compared.codes), 1)
    distances = Euclidean().matrix(compared.vectors, compared.vectors)[first, second]
    return distances, compared.codes[first] == compared.codes[second]


@pytest.mark.parametrize("claim", list(Claim))
def test_a_guaranteed_threshold_is_the_largest_whose_limit_keeps_the_target(compared, claim):
    targets = [0.05, 0.1]
    found = guaranteed(compared, compared.spread(), claim, targets)
    distances, same = all_pairs(compared)
    different = np.sort(distances[~same])
    for target in targets:
        threshold = found[target]
        ((at, _),) = compared.tallies([threshold], claim)
        assert at.upper(SURE) <= target
        # A larger one that accepts a thousandth more of the pairs does not.
        accepted = int((different <= threshold).sum())
        steps = [different[accepted + round(len(different) * k / 1000)] for k in range(1, 40)]
        larger = compared.tallies([float(step) for step in steps], claim)
        assert all(far.upper(SURE) > target for far, _ in larger)
        assert at.value < target < 3 * at.value


def test_both_sorts_of_points_stand_in_the_calibration(compared, fitted):
    names = [point.name for point in fitted.points]
    assert names[:8] == [
        *(f"far={t}" for t in (0.001, 0.01, 0.05, 0.1)),
        *(f"far<={t}" for t in (0.001, 0.01, 0.05, 0.1)),
    ]
    plain, sure = (
        fitted.point(DecisionRequest(far=0.1)),
        fitted.point(DecisionRequest(far=0.1, guaranteed=True)),
    )
    assert (plain.name, sure.name) == ("far=0.1", "far<=0.1")
    assert sure.threshold < plain.threshold
    assert sure.calibrate.far.value < 0.1
    assert fitted.default().name == "far=0.01"
    assert fitted.default(guaranteed=True).name in {"far<=0.01", "far<=0.05"}
    strict = fit_calibration(compared, NEW, request=DecisionRequest(guaranteed=True))
    assert strict.point(DecisionRequest(far=0.1)) == sure
    assert strict.point(DecisionRequest(far=0.1, guaranteed=False)) == plain
    assert strict.default() == fitted.default(guaranteed=True)
    again = from_json(to_json({"default": strict}))["default"]
    assert (again.limit, again) == ("guarantee", strict)


def test_what_cannot_be_guaranteed_says_what_it_needs(fitted):
    few = fit_calibration(world(19, np.random.default_rng(1)), NEW, targets=(0.1,))
    with pytest.raises(UnsupportedRate, match=r"these 19 identities.*0\.1\. It needs at least 20"):
        few.point(DecisionRequest(far=0.1, guaranteed=True))
    # 60 identities make 1,770 pairs; 2,995 without an error would bound the rate by .001.
    with pytest.raises(UnsupportedRate, match=r"these 60 identities.*at least 78 identities"):
        fitted.point(DecisionRequest(far=0.001, guaranteed=True))
    with pytest.raises(UnsupportedRate, match=r"supported: .*0\.05, 0\.1"):
        fitted.point(DecisionRequest(far=0.03, guaranteed=True))


@pytest.mark.parametrize(("target", "pairs"), [(0.01, 3000), (0.05, 600), (0.1, 300)])
def test_thirty_expected_false_accepts_support_a_rate_and_one_pair_fewer_does_not(target, pairs):
    criterion = Criterion.of_rate(target)

    def point(trials, identities=60):
        rates = ErrorRates(
            Rate(target, 30, trials, identities, None, None),
            Rate(0.1, 5, 50, identities, None, None),
        )
        (found,) = fit_points({criterion: 0.5}, {criterion: rates}, identities, "identities", {})
        return found

    assert (point(pairs).supported, point(pairs).reason) == (True, "")
    refused = point(pairs - 1)
    assert not refused.supported
    assert f"{pairs:,} different pairs, which make 30 expected" in refused.reason
    assert f"(there are {pairs - 1:,})" in refused.reason
    assert point(pairs, FEWEST_FOR_THRESHOLDS).supported
    few = point(pairs, FEWEST_FOR_THRESHOLDS - 1)
    assert not few.supported
    assert f"(there are {FEWEST_FOR_THRESHOLDS - 1})" in few.reason


def test_thirty_different_pairs_support_a_point_without_a_rate():
    criterion = Criterion("eer")

    def point(trials):
        rate = Rate(0.1, 3, trials, 60, None, None)
        rates = {criterion: ErrorRates(rate, rate)}
        (found,) = fit_points({criterion: 0.5}, rates, 60, "identities", {})
        return found

    assert point(30).supported
    refused = point(29)
    assert not refused.supported
    assert "at least 30 different pairs, which make 30 expected" in refused.reason


def test_identities_that_differ_too_much_need_more_of_them():
    # One identity lies as near to each other one, and these lie far apart.
    codes = np.repeat(np.arange(24), 3)
    vectors = 100 * np.eye(24, dtype=np.float32)[codes]
    vectors[:3] = 0
    compared = AllPairs.of(vectors, codes, Euclidean())
    assert guaranteed(compared, compared.spread(), NEW, [0.1])[0.1] is None
    fitted = fit_calibration(compared, NEW, targets=(0.1,))
    with pytest.raises(UnsupportedRate, match="It needs more, perhaps 48 identities, to calibrate"):
        fitted.point(DecisionRequest(far=0.1, guaranteed=True))


@pytest.mark.parametrize(("costs", "prior"), [((10, 1), 0.5), ((1, 10), 0.5), ((1, 1), 0.01)])
def test_the_threshold_of_least_cost_is_that_of_a_plain_loop(costs, prior):
    compared = world(15, np.random.default_rng(2), items=(4, 4))
    distances, same = all_pairs(compared)
    least = min(
        costs[0] * (1 - prior) * np.mean(distances[~same] <= t)
        + costs[1] * prior * np.mean(distances[same] > t)
        for t in [-1.0, *distances]
    )
    fitted = fit_calibration(
        compared, NEW, targets=(), request=DecisionRequest(costs=costs, prior=prior)
    )
    name = f"cost={costs[0]}:{costs[1]}" + ("" if prior == 0.5 else f" prior={prior}")
    point = fitted.point(DecisionRequest(operating_point=name))
    at = point.calibrate
    cost = costs[0] * (1 - prior) * at.far.value + costs[1] * prior * at.frr.value
    assert cost == pytest.approx(least, abs=1e-9)
    assert point.target is None


def test_dear_false_accepts_make_a_smaller_threshold(compared, fitted):
    found = [
        fit_calibration(compared, NEW, targets=(), request=DecisionRequest(costs=costs))
        .point(DecisionRequest(operating_point=str(Criterion.of_costs(costs))))
        .threshold
        for costs in ((100, 1), (10, 1), (1, 1), (1, 10))
    ]
    assert found == sorted(found)
    assert found[2] == fitted.point(DecisionRequest(operating_point="balanced")).threshold
    with pytest.raises(UnknownName, match="cost=10:1"):
        fitted.point(DecisionRequest(operating_point="cost=10:1"))


def test_where_every_accept_costs_too_much_nothing_is_accepted():
    random = np.random.default_rng(4)
    codes = np.repeat(np.arange(20), 4)
    compared = AllPairs.of(random.normal(size=(80, 3)).astype(np.float32), codes, Euclidean())
    point = next(
        p
        for p in fit_calibration(
            compared, NEW, targets=(), request=DecisionRequest(costs=(1e9, 1))
        ).points
        if p.name.startswith("cost")
    )
    assert (point.calibrate.far.value, point.calibrate.far.errors) == (0.0, 0)


@pytest.mark.parametrize("target", [0.0, -0.1, 1.5, float("nan")])
def test_a_target_that_is_no_rate_is_refused(compared, target):
    with pytest.raises(BadArgument, match="above 0 and at most 1"):
        fit_calibration(compared, NEW, targets=(0.1, target))


@pytest.mark.parametrize("costs", [(0, 1), (1, -1), (float("nan"), 1), (float("inf"), 1)])
def test_costs_that_are_none_are_refused(compared, costs):
    with pytest.raises(BadArgument, match="two numbers above 0"):
        fit_calibration(compared, NEW, request=DecisionRequest(costs=costs))


@pytest.mark.parametrize("prior", [0.0, 1.0, float("nan")])
def test_a_prior_that_is_none_is_refused(compared, prior):
    with pytest.raises(BadArgument, match="between 0 and 1"):
        fit_calibration(compared, NEW, request=DecisionRequest(costs=(1, 1), prior=prior))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_distance_is_worth_exactly_one_half(value):
    class Constant:
        def rows(self, first, _second):
            return np.full(len(first), value, dtype=np.float32)

        def matrix(self, first, second):
            return np.full((len(first), len(second)), value, dtype=np.float32)

    compared = AllPairs.of(np.eye(60, dtype=np.float32), np.repeat(np.arange(30), 2), Constant())
    fitted = fit_calibration(compared, NEW)
    found = verify_all(compared, fitted.points, NEW)
    assert (found.eer, found.auc, found.min_dcf) == (0.5, 0.5, 1.0)
    assert set(found.tar.values()) == {0.0}
    for point in fitted.points:
        assert point.calibrate.far.value in {0.0, 1.0}
        assert point.calibrate.far.value + point.calibrate.frr.value == 1.0
    assert fitted.decide(value).probability == pytest.approx(0.5, abs=1e-3)


def test_a_distance_that_is_no_number_is_refused_by_name():
    vectors = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    vectors[4, 1] = np.nan
    names = np.array(["ann", "ann", "bob", "bob", "eve", "eve"])
    with pytest.raises(BadDistance, match=r"item 1 \(of 'ann'\) and item 5 \(of 'eve'\)"):
        fit_calibration(AllPairs.of(vectors, names, Euclidean()), NEW)
    pairs = Pairs(np.array([0, 2]), np.array([1, 4]), np.array([1, 0]))
    places = [f"row {i + 2}" for i in range(6)]
    items = Items.build("t", list(names), "image", places, str, pairs=pairs)
    with pytest.raises(BadDistance, match="between row 4 and row 6 is not a number"):
        choose_pairs(vectors, items, Euclidean())


@pytest.mark.parametrize("names", [[], ["a", "a"], ["a", "b"]])
def test_too_few_identities_or_pairs_are_refused(names):
    vectors = np.zeros((len(names), 2), dtype=np.float32)
    with pytest.raises(SplitError, match="two identities and one with two items"):
        AllPairs.of(vectors, np.array(names, dtype=str), Euclidean())


@pytest.mark.slow
def test_a_guarantee_is_kept():
    """The share of thresholds whose true rate is within the target is not significantly low."""
    random, runs, target = np.random.default_rng(0), 200, 0.05
    rates = []
    for _ in range(runs):
        compared = world(100, random, items=(10, 10))
        found = guaranteed(compared, compared.spread(), NEW, [target])[target]
        rates.append(np.nan if found is None else true_far(found))
    given = np.array(rates)[~np.isnan(rates)]
    assert len(given) >= 0.95 * runs
    assert (given <= target).sum() >= stats.binom.ppf(0.01, len(given), 0.95)
    assert np.median(given) >= 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("identities", "runs"), [(20, 2000), (40, 1000), (100, 300)])
def test_intervals_cover_a_known_truth(identities, runs):
    """Coverage is not significantly (1%) below .93, nor above .99 at FAR .01."""
    random = np.random.default_rng(identities)
    thresholds = [
        brentq(lambda t, far: true_far(t) - far, 0.01, 5.0, args=(far,)) for far in (0.01, 0.05)
    ]
    truths = [(true_far(t), true_frr(t)) for t in thresholds]
    covered = np.zeros((2, 2))
    for _ in range(runs):
        rates = world(identities, random).rates(thresholds, NEW)
        for at, (both, truth) in enumerate(zip(rates, truths, strict=True)):
            for sort, rate in enumerate((both.far, both.frr)):
                covered[at, sort] += rate.low <= truth[sort] <= rate.high
    assert (covered >= stats.binom.ppf(0.01, runs, 0.93)).all(), covered / runs
    assert covered[0, 0] <= stats.binom.ppf(0.99, runs, 0.99), covered / runs
