"""Whether a threshold keeps what it was fitted for: against Welch's test, and by drawing anew."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import logit

from likewise.calibration.fit import fit_calibration
from likewise.calibration.json_format import from_json, to_json
from likewise.calibration.thresholds import fit_thresholds
from likewise.evaluation.verification import verify_all
from likewise.metrics.promises import predicted, promise_of
from likewise.pairs.all_pairs import AllPairs
from likewise.results import Criterion
from likewise.results.evaluation import OperatingPoint
from likewise.results.rates import ErrorRates, Rate
from likewise.types import Claim, Role, Split
from tests.calibration.test_thresholds import world

NEW = Claim.NEW_IDENTITIES


def rate(value: float, error: float, units: int = 30) -> Rate:
    """A rate with this standard error of its logit."""
    half = stats.t.ppf(0.975, units - 1) * error
    ends = stats.logistic.cdf([logit(value) - half, logit(value) + half])
    return Rate(value, round(value * 1000), 1000, units, float(ends[0]), float(ends[1]))


def none_of(units: int, independent: float) -> Rate:
    return Rate(0.0, 0, 1000, units, 0.0, 1 - 0.05 ** (1 / independent))


def point(calibrate: Rate, test: Rate | None, name: str = "far=0.05", **changes) -> OperatingPoint:
    other = Rate(0.1, 100, 1000, 30, 0.05, 0.2)
    rates = [ErrorRates(far, other) for far in (calibrate, test) if far is not None]
    made = OperatingPoint(
        Criterion.parse(name), 0.7, True, "", rates[0], rates[1] if test else None
    )
    return replace(made, **changes)


@pytest.mark.parametrize("errors", [(0.3, 0.3, 30, 30), (0.1, 0.5, 25, 200), (0.7, 0.2, 20, 60)])
def test_the_ends_are_where_the_test_of_welch_is_at_its_level(errors):
    first, second, few, many = errors
    low, high = predicted(rate(0.05, first, few), rate(0.06, second, many))
    for end in (low, high):
        found = stats.ttest_ind_from_stats(
            logit(0.05), first * math.sqrt(few), few, logit(end), second * math.sqrt(many), many,
            equal_var=False,
        )  # fmt: skip
        assert found.pvalue == pytest.approx(0.05)
    assert low < 0.05 < high


def test_the_variances_are_those_of_the_jackknife_of_both_parts():
    random = np.random.default_rng(0)
    known, others = world(40, random), world(30, random)
    at = fit_thresholds(known, known.spread(), [Criterion.of_rate(0.05)])[Criterion.of_rate(0.05)]
    spreads, rates = [], []
    for part in (known, others):
        ((tally, _),) = part.tallies([at], NEW)
        each = logit_errors(tally)
        spreads.append(each)
        rates.append(tally.rate())
    total = spreads[0] ** 2 + spreads[1] ** 2
    degrees = total**2 / (spreads[0] ** 4 / 39 + spreads[1] ** 4 / 29)
    half = stats.t.ppf(0.975, degrees) * math.sqrt(total)
    ends = stats.logistic.cdf([logit(rates[0].value) - half, logit(rates[0].value) + half])
    assert predicted(*rates) == pytest.approx(tuple(ends))
    # That of the rate on test alone is narrower.
    assert logit(rates[1].high) - logit(rates[1].low) < 2 * half


def logit_errors(tally) -> float:
    count = len(tally.without)
    variance = (count - 1) / count * np.sum((tally.without - tally.without.mean()) ** 2)
    return float(math.sqrt(variance) / (tally.value * (1 - tally.value)))


@pytest.mark.parametrize("value", [0.01, 0.05, 0.2, 0.4])
def test_no_error_on_test_lies_within_if_chance_alone_could_show_none(value):
    known, seen = rate(value, 0.2), none_of(60, 30)
    low, high = predicted(known, seen)
    least = stats.logistic.cdf(logit(value) - stats.t.ppf(0.975, 29) * 0.2)
    explained = stats.binom.pmf(0, 30, least) >= 0.05
    assert explained == (value < 0.1)
    assert (low == 0) == explained
    assert value < high < 1
    found = promise_of(point(known, seen))
    assert found.kept == explained
    # As if thirty trials had been seen at that rate.
    assert high > predicted(known, rate(value, 1 / math.sqrt(90 * value * (1 - value)), 60))[1]


def test_no_error_on_calibrate_bounds_the_rate():
    bound = 1 - 0.05 ** (1 / 20)
    assert predicted(none_of(40, 20), none_of(40, 20)) == (0.0, pytest.approx(bound))
    low, high = predicted(none_of(40, 20), rate(0.1, 0.3, 30))
    assert low == 0
    assert logit(high) - logit(bound) == pytest.approx(0.3 * stats.t.ppf(0.975, 29))


def test_a_promise_of_a_rate_is_broken_on_either_side():
    known = rate(0.05, 0.2)
    inside, above, below = (promise_of(point(known, rate(v, 0.2))) for v in (0.07, 0.12, 0.02))
    assert (inside.kept, above.kept, below.kept) == (True, False, False)
    assert inside.low < 0.05 < inside.high < 0.12
    assert (inside.target, inside.at_most, inside.test) == (0.05, False, 0.07)
    # Judged by the rate on test alone, the last that is kept would be broken.
    edge = rate(inside.high * 0.98, 0.2)
    assert promise_of(point(known, edge)).kept
    assert edge.low > 0.05


def test_a_promise_of_a_limit_is_kept_by_less():
    known = rate(0.03, 0.25)
    limit = lambda far: promise_of(point(known, far, "far<=0.05"))  # noqa: E731
    assert limit(rate(0.001, 0.5)).kept
    assert limit(none_of(40, 20)).kept
    found = limit(rate(0.052, 0.25))
    half = stats.t.ppf(0.95, 58) * 0.25 * math.sqrt(2)
    assert (found.low, found.high) == (0.0, pytest.approx(stats.logistic.cdf(logit(0.03) + half)))
    assert found.kept
    assert not limit(rate(0.2, 0.25)).kept
    sure = promise_of(point(rate(0.03, 0.01), rate(0.049, 0.01), "far<=0.05"))
    assert (sure.high, sure.kept) == (0.05, True)


def test_where_nothing_is_known_nothing_is_said():
    known, seen = rate(0.05, 0.2), rate(0.06, 0.2)
    assert promise_of(point(known, seen)) is not None
    few = Rate(0.05, 50, 1000, 19, None, None)
    assert promise_of(point(few, seen)) is None
    assert promise_of(point(known, few)) is None
    assert promise_of(point(known, None)) is None
    assert promise_of(point(known, seen, name="eer")) is None
    assert promise_of(point(known, seen, supported=False)) is None
    for low, high, units in ((-3.0, 99.0, 30), (0.2, 0.1, 30), (0.0, 1.0, 30), (0.02, 0.09, 2)):
        odd = Rate(0.05, 50, 1000, units, low, high)
        assert predicted(odd, seen) is None
    assert predicted(Rate(1e-300, 1, 1000, 30, 1e-301, 0.1), seen) is None
    assert predicted(Rate(1.0, 1000, 1000, 30, 0.9, 1.0), seen) is None


def test_every_point_for_a_rate_is_judged_and_a_stored_calibration_judges_alike():
    random = np.random.default_rng(3)
    fitted, others = fit_calibration(world(60, random), NEW, "logistic"), world(50, random)
    found = verify_all(others, fitted.points, NEW)
    targeted = [p.name for p in fitted.points if p.supported and p.target is not None]
    assert [*found.promises] == targeted
    assert "far<=0.05" in targeted
    for measured in found.points:
        assert found.promises.get(measured.name) == promise_of(measured)
    # Nothing more is stored than models always stored.
    data = to_json({"default": fitted.with_points(found.points)})
    assert set(json.loads(data)["default"]["points"][0]) == {
        "name", "target", "threshold", "supported", "reason", "calibrate", "test",
    }  # fmt: skip
    assert verify_all(others, from_json(data)["default"].points, NEW).promises == found.promises


def shares_kept(splits, runs: int) -> tuple[float, float]:
    """In how many runs the target lies in the interval of both, and in that of test alone."""
    both = alone = 0
    for known, others in splits:
        at = fit_thresholds(known, known.spread(), [Criterion.of_rate(0.05)])[
            Criterion.of_rate(0.05)
        ]
        (here,), (there,) = (part.rates([at], NEW) for part in (known, others))
        low, high = predicted(here.far, there.far)
        both += low <= there.far.value <= high
        alone += there.far.low <= 0.05 <= there.far.high
    return both / runs, alone / runs


@pytest.mark.parametrize(
    ("identities", "tested", "runs"),
    [
        (40, 40, 150),
        *(
            pytest.param(*size, marks=pytest.mark.slow)
            for size in ((20, 20, 500), (40, 40, 300), (30, 100, 150), (100, 30, 150))
        ),
    ],
)
def test_promises_are_kept_where_both_parts_are_of_one_world(identities, tested, runs):
    """Not significantly (1%) below .93, and not more often by the rate on test alone."""
    random = np.random.default_rng([identities, tested])
    splits = ((world(identities, random), world(tested, random)) for _ in range(runs))
    both, alone = shares_kept(splits, runs)
    assert both >= stats.binom.ppf(0.01, runs, 0.93) / runs, both
    assert alone <= both


@pytest.mark.slow
def test_promises_are_kept_over_re_splits_of_real_embeddings(tmp_path):
    """The characters that ship: 30 calibrate, 30 others test, 200 times."""
    from likewise.data.cache import decode_all
    from likewise.learn.experiment import run_experiment
    from likewise.recipe.recipe import Recipe
    from likewise.sources.characters import Characters

    items = Characters().items()
    names = np.random.default_rng(0).permutation(np.unique(items.identities))
    roles = dict(zip(Role, np.split(names, [70, 76, 106]), strict=True))

    def parts(given) -> Split:
        rows = {role: np.flatnonzero(np.isin(given.identities, who)) for role, who in roles.items()}
        return Split(NEW, rows, "70 characters train")

    recipe = Recipe(augmentations=("rotated_classes", "affine")).with_settings(
        ["source=characters", "transform=image(size=28, invert=True)", "steps=60"]
    )
    model = run_experiment(recipe, out=tmp_path / "model", parts=parts).model
    rest = items.take(np.flatnonzero(np.isin(items.identities, names[76:])))
    with decode_all(rest, model.transform) as decoded:
        vectors = model.embed_decoded(decoded)

    def split(seed: int) -> list[AllPairs]:
        order = np.random.default_rng(seed).permutation(names[76:])
        chosen = [np.isin(rest.identities, part) for part in (order[:30], order[30:])]
        return [AllPairs.of(vectors[c], rest.identities[c], model.distance) for c in chosen]

    both, alone = shares_kept((split(seed) for seed in range(200)), 200)
    assert both >= stats.binom.ppf(0.01, 200, 0.93) / 200, both
    assert alone < both
