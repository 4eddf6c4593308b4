"""Right decisions over folds: what is joined, and how often the interval holds the truth."""

from unittest.mock import Mock

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from likewise.distances.euclidean import Euclidean
from likewise.evaluation.accuracy import accuracy, judged, units_of
from likewise.pairs.all_pairs import AllPairs, PairSet
from likewise.pairs.forgeries import BOTH, RANDOM, SKILLED, ForgeryPairs
from likewise.pairs.listed_pairs import ListedPairs
from likewise.types import Claim, Items

NEW = Claim.NEW_IDENTITIES
DIM = 3
# Identities of unequal difficulty: how far their items spread, and how frequent each is.
SPREADS, SHARES = np.array([0.15, 0.25, 0.4]), np.array([0.4, 0.4, 0.2])
# A model of its own in each fold: its distances are scaled, and its threshold is fitted so or so.
SCALES, FARS = (1.0, 3.0, 0.5, 1.7), (0.03, 0.08, 0.05, 0.15)


def true_far(threshold):
    squares = SPREADS**2 + 1
    accepted = stats.chi2.cdf(threshold**2 / (squares[:, None] + squares[None, :]), DIM)
    return float(SHARES @ accepted @ SHARES)


def true_frr(threshold):
    return float(SHARES @ stats.chi2.sf(threshold**2 / (2 * SPREADS**2), DIM))


def threshold_of(far):
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if true_far(middle) < far else (low, middle)
    return low


THRESHOLDS = [threshold_of(far) for far in FARS]


def world(identities, random, scale, *, single=0.2):
    """Identities, some of a single item, as one fold's model sees them."""
    sizes = np.where(random.random(identities) < single, 1, random.integers(2, 9, size=identities))
    sizes[0] = 3
    codes = np.repeat(np.arange(identities), sizes)
    spread = random.choice(SPREADS, identities, p=SHARES)[codes]
    vectors = random.normal(size=(identities, DIM))[codes]
    vectors = vectors + spread[:, None] * random.normal(size=(len(codes), DIM))
    names = np.char.add("who", codes.astype(np.str_))
    return AllPairs.of((scale * vectors).astype(np.float32), names, Euclidean())


def folds_of(identities, random):
    found = []
    for scale, threshold in zip(SCALES, THRESHOLDS, strict=True):
        compared = world(identities // len(SCALES), random, scale)
        found += judged(compared, compared.tallies([scale * threshold], NEW))
    return found


def covers(sizes, runs, seed):
    """For each number of identities, how often the interval of balanced accuracy has the truth."""
    truth = 1 - np.mean([(true_far(t) + true_frr(t)) / 2 for t in THRESHOLDS])
    shares = {}
    for size in sizes:
        random = np.random.default_rng([seed, size])
        found = [accuracy(folds_of(size, random), balanced=True) for _ in range(runs)]
        shares[size] = np.mean([one.low <= truth <= one.high for one in found])
        # It is no wider than it need be, and the figure itself is not off.
        assert abs(np.mean([one.value for one in found]) - truth) < 0.01
    return shares


def noise(identities, random):
    """Folds whose distances know nothing: whatever the threshold, half of all is decided right."""
    found = []
    for scale in SCALES:
        codes = np.repeat(np.arange(identities // len(SCALES)), 4)
        vectors = scale * random.normal(size=(len(codes), DIM)).astype(np.float32)
        compared = AllPairs.of(vectors, np.char.add("n", codes.astype(np.str_)), Euclidean())
        threshold = scale * random.uniform(1.0, 4.0)
        found += judged(compared, compared.tallies([threshold], NEW))
    return found


def test_a_joined_balanced_accuracy_is_one_less_the_mean_of_the_joined_errors():
    from likewise.metrics.tally import Tally

    folds = folds_of(80, np.random.default_rng(1))
    far, frr = (Tally.join([getattr(one, sort) for one in folds]).rate() for sort in ("far", "frr"))
    found = accuracy(folds, balanced=True)
    assert found.value == pytest.approx(1 - (far.value + frr.value) / 2)
    assert (found.trials, found.units) == (far.trials + frr.trials, 80)
    assert found.right == found.trials - far.errors - frr.errors
    assert found.low < found.value < found.high


def test_the_interval_leaves_out_each_identity_in_turn():
    """Against sums over identities written down as loops, with the weights that were announced."""
    random = np.random.default_rng(2)
    folds = [
        (world(15, random, scale), scale * t) for scale, t in zip(SCALES, THRESHOLDS, strict=True)
    ]
    found = accuracy(
        [one for compared, t in folds for one in judged(compared, compared.tallies([t], NEW))],
        balanced=True,
    )
    pieces = []
    for compared, threshold in folds:
        count = len(compared.names)
        apart = Euclidean().matrix(compared.vectors, compared.vectors)
        accepted = np.zeros((count, count))
        rejected = np.full(count, np.nan)
        for one in range(count):
            for other in range(count):
                block = apart[np.ix_(compared.codes == one, compared.codes == other)]
                if one != other:
                    accepted[one, other] = (block <= threshold).mean()
                elif len(block) > 1:
                    pairs = block[np.triu_indices(len(block), 1)]
                    rejected[one] = (pairs > threshold).mean()
        pieces.append((accepted, rejected))
    across = sum(len(a) * (len(a) - 1) / 2 for a, _ in pieces)
    within = sum(int((~np.isnan(r)).sum()) for _, r in pieces)

    def wrong(left_out):
        total = weight = 0.0
        for number, (accepted, rejected) in enumerate(pieces):
            kept = np.array([(number, one) != left_out for one in range(len(accepted))])
            inside = accepted[np.ix_(kept, kept)]
            total += 0.5 / across * inside.sum() / 2 + 0.5 / within * np.nansum(rejected[kept])
            weight += 0.5 / across * kept.sum() * (kept.sum() - 1) / 2
            weight += 0.5 / within * (~np.isnan(rejected[kept])).sum()
        return total / weight

    every = [(n, one) for n, (a, _) in enumerate(pieces) for one in range(len(a))]
    without = np.array([wrong(left_out) for left_out in every])
    rate, n = wrong(None), len(every)
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, n - 1) * error / (rate * (1 - rate))
    centre = np.log(rate / (1 - rate))
    low, high = (1 / (1 + np.exp(-(centre + side * half))) for side in (-1, 1))
    assert found.value == pytest.approx(1 - rate)
    assert (found.low, found.high) == pytest.approx((1 - high, 1 - low))


def test_of_listed_pairs_it_is_that_of_scikit_learn():
    random = np.random.default_rng(3)
    folds, truth, said = [], [], []
    for threshold in (0.3, 0.6):
        same, codes = random.random(90) < 0.4, np.sort(random.integers(0, 30, 90))
        codes = np.unique(codes, return_inverse=True)[1]
        distances = random.random(90) + 0.3 * ~same
        names = np.arange(codes.max() + 1).astype(np.str_)
        rows = np.arange(90)
        nothing = np.zeros((180, 0))
        pairs = ListedPairs(nothing, rows, rows + 90, same, distances, codes, names)
        folds += judged(pairs, pairs.tallies([threshold], NEW))
        truth.append(same)
        said.append(distances <= threshold)
    found = accuracy(folds, balanced=True)
    expected = balanced_accuracy_score(np.concatenate(truth), np.concatenate(said))
    assert found.value == pytest.approx(expected)


@pytest.mark.parametrize("against", [SKILLED, RANDOM, BOTH])
def test_forged_items_are_judged_by_the_units_that_have_them(against):
    random = np.random.default_rng(4)
    names, origins = [], []
    for one in range(30):
        own, forged = (1 if one % 7 == 0 else 3), (0 if one % 3 == 0 else 2)
        names += [f"w{one:02}"] * (own + forged)
        origins += ["genuine"] * own + ["forged"] * forged
    items = Items.build(
        "w", names, "image", [str(i) for i in range(len(names))], lambda _: None, origins=origins
    )
    vectors = random.normal(size=(len(names), 4)).astype(np.float32)
    compared = ForgeryPairs.of(vectors, items, Euclidean(), against)
    apart, alike = units_of(compared)
    (tallies,) = compared.tallies([2.0], NEW)
    assert [len(apart), len(alike)] == [len(tally.total_without) for tally in tallies]
    expected = [one for one in range(30) if against != SKILLED or one % 3]
    assert apart.tolist() == expected
    assert alike.tolist() == [one for one in range(30) if one % 7]
    found = accuracy(judged(compared, [tallies]), balanced=True)
    far, frr = (tally.rate() for tally in tallies)
    assert found.value == pytest.approx(1 - (far.value + frr.value) / 2)
    assert found.low < found.value < found.high


def test_what_is_no_pairs_has_no_units():
    with pytest.raises(TypeError, match="Mock are no pairs whose units are known"):
        units_of(Mock(spec=PairSet, names=()))


def test_few_units_have_no_interval():
    found = accuracy(folds_of(16, np.random.default_rng(0)), balanced=True)
    assert (found.low, found.high) == (None, None)
    assert found.units == 16


def test_the_interval_holds_the_truth():
    """Small, so that it can stand here; of 150 runs a share of .93 deviates by .02."""
    assert covers((40,), 150, seed=5)[40] > 0.88


@pytest.mark.slow
def test_the_interval_holds_the_truth_at_every_size():
    runs = 2000
    least = 0.93 - 1.645 * np.sqrt(0.93 * 0.07 / runs)
    shares = covers((20, 40, 100, 300), runs, seed=6)
    assert min(shares.values()) >= least


@pytest.mark.slow
@pytest.mark.parametrize("identities", [20, 40, 100])
def test_of_noise_the_interval_holds_a_half(identities):
    runs = 2000
    random = np.random.default_rng([7, identities])
    found = [accuracy(noise(identities, random), balanced=True) for _ in range(runs)]
    covered = np.mean([one.low <= 0.5 <= one.high for one in found])
    assert covered >= 0.93 - 1.645 * np.sqrt(0.93 * 0.07 / runs)
    assert abs(np.mean([one.value for one in found]) - 0.5) < 0.005
