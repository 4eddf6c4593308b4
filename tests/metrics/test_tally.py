"""Tallies against plain recomputation, and the intervals that come from them."""

import numpy as np
import pytest
from scipy import stats

from likewise.metrics.intervals import rate_interval, share_of, upper_limit
from likewise.metrics.tally import Tally


def of_means(means: np.ndarray, trials: int = 10) -> Tally:
    """A tally whose rate is the mean of one number a unit."""
    total, count = float(means.sum()), len(means)
    without = np.full(count, count - 1.0)
    errors = round(total * trials)
    return Tally(total, count, total - means, without, errors, count * trials, float(count))


def test_joined_tallies_are_the_tally_of_all_units():
    means = np.random.default_rng(0).beta(1, 8, 50)
    whole, parts = of_means(means), [of_means(means[:20]), of_means(means[20:])]
    joined = Tally.join(parts)
    assert joined.value == pytest.approx(whole.value)
    np.testing.assert_allclose(joined.without, whole.without)
    assert joined.independent == whole.independent == 50.0
    assert joined.trials == whole.trials == 500
    assert joined.errors == sum(part.errors for part in parts)
    assert joined.upper() == pytest.approx(whole.upper())
    rate = joined.rate()
    assert (rate.low, rate.high) == pytest.approx((whole.rate().low, whole.rate().high))


def test_the_upper_limit_is_one_end_of_the_interval_of_twice_the_doubt():
    means = np.random.default_rng(1).beta(1, 20, 60)
    tally = of_means(means)
    assert tally.upper(0.975) == pytest.approx(tally.rate().high)
    assert tally.value < tally.upper(0.9) < tally.upper(0.95) < tally.upper(0.99) < 1
    half = stats.t.ppf(0.95, 59) * stats.sem(means) / (tally.value * (1 - tally.value))
    logit = np.log(tally.value / (1 - tally.value))
    assert tally.upper() == pytest.approx(stats.logistic.cdf(logit + half))


def test_no_error_and_nothing_but_errors_are_bounded_by_independent_trials():
    none, all_wrong = of_means(np.zeros(30)), of_means(np.ones(30))
    # Thirty trials without an error are likelier than 5% up to this rate.
    assert stats.binom.pmf(0, 30, none.upper()) == pytest.approx(0.05)
    assert (none.rate().low, none.rate().high) == (0.0, none.upper())
    assert all_wrong.upper() == all_wrong.rate().high == 1.0
    assert all_wrong.rate().low == pytest.approx(1 - none.upper())


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_below_20_units_there_are_counts_and_no_interval(value):
    tally = of_means(np.full(19, value))
    assert (tally.rate().low, tally.rate().high) == (None, None)
    assert tally.rate().trials == 190
    assert tally.upper() == 1.0
    assert of_means(np.full(20, value)).rate().low is not None


def test_a_share_weighs_identities_equally():
    values = np.array([1.0, 1, 1, 1, 0, 0, 1, 0])
    codes = np.array([5, 5, 5, 5, 7, 7, 9, 9])
    share = share_of(values, codes)
    assert (share.value, share.units, share.low) == (pytest.approx(0.5), 3, None)
    means = np.random.default_rng(2).random(40)
    share = share_of(np.repeat(means, 3), np.repeat(np.arange(40), 3))
    without = (means.sum() - means) / 39
    assert (share.low, share.high) == pytest.approx(rate_interval(means.mean(), without, 40.0))
    assert share_of(np.ones(60), np.repeat(np.arange(30), 2)).high == 1.0


def test_more_doubt_is_a_wider_limit():
    without = np.linspace(0.09, 0.11, 40)
    calm = upper_limit(0.1, without, 20.0, 0.95)
    assert 0.1 < calm < upper_limit(0.1, 0.1 + 2 * (without - 0.1), 20.0, 0.95)
