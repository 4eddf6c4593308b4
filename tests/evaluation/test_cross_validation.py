"""Nothing decides about what it was fitted on, and noise is worth a coin."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from likewise.calibration.fit import fit_calibration
from likewise.errors import BadArgument, SplitError
from likewise.evaluation.accuracy import accuracy, pooled_rates
from likewise.evaluation.cross_validation import CLAIM, cross_fit, decide_folds
from likewise.metrics.verification import least_cost
from likewise.pairs.all_pairs import PairSet
from likewise.precomputed import PrecomputedComparisons, PrecomputedEmbeddings
from likewise.precomputed.folds import deal, is_stratified


def noise(pairs, seed, same=None):
    """Comparisons that say nothing: the truth is half and half, unless it is given."""
    random = np.random.default_rng(seed)
    truth = np.arange(pairs) % 2 if same is None else same
    ids = np.arange(pairs).astype(str)
    distances = random.random(pairs)
    return PrecomputedComparisons.of(truth, distances, np.char.add("a", ids), np.char.add("b", ids))


def told(pairs=120, seed=0):
    """Comparisons that say something, of which some share items."""
    random = np.random.default_rng(seed)
    same = np.arange(pairs) % 3 == 0
    distances = np.where(same, random.gamma(4, 0.1, pairs), random.gamma(9, 0.1, pairs))
    first = np.arange(pairs) - np.arange(pairs) % 2 * (np.arange(pairs) % 5 == 1)
    return PrecomputedComparisons.of(
        same,
        distances,
        np.char.add("a", first.astype(str)),
        np.char.add("b", first.astype(str) + np.arange(pairs).astype(str)),
    )


def people(identities=25, each=4, seed=0):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(identities), each)
    vectors = random.normal(size=(identities, 6))[labels] + 0.6 * random.normal(
        size=(len(labels), 6)
    )
    return PrecomputedEmbeddings.of(vectors, labels, "euclidean")


def balanced_fit(known: PairSet):
    """The threshold of the point `balanced` alone, by one sort."""
    same = known.same / known.same.sum()
    different = ~known.same / (~known.same).sum()
    threshold, _ = least_cost(known.distances, same, different, 0.0, 0.0)
    return {"balanced": threshold}


@pytest.mark.parametrize("pairs", [50, 53, 200])
def test_folds_of_pairs_have_their_share_of_both_sorts(pairs):
    given = noise(pairs, 0)
    dealt = deal(given, 5)
    for sort in (False, True):
        counts = np.bincount(dealt[given.codes[given.same == sort]], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert is_stratified(given, dealt)


def test_the_seed_deals_otherwise():
    given = noise(50, 0)
    assert deal(given, 5, seed=0).tolist() == deal(given, 5, seed=0).tolist()
    assert deal(given, 5, seed=0).tolist() != deal(given, 5, seed=1).tolist()


def test_folds_share_no_item_and_no_identity():
    given = told()
    dealt = deal(given, 4)
    ends = np.concatenate([given.first, given.second])
    folds = np.tile(dealt[given.codes], 2)
    assert all(len(set(folds[ends == item])) == 1 for item in range(len(given.items)))
    embedded = people()
    sizes = np.bincount(deal(embedded, 5))
    assert sizes.tolist() == [5] * 5
    lonely = PrecomputedEmbeddings.of(np.eye(13), [*"aabbccdefghij"], "euclidean")
    dealt = deal(lonely, 3)
    assert sorted(dealt[:3].tolist()) == [0, 1, 2]  # one with two items in each


def test_pooled_decisions_are_those_of_a_plain_loop():
    given = told()
    dealt = deal(given, 4)
    (decided,) = decide_folds(given, dealt, balanced_fit).values()
    guessed = np.zeros(len(given.same), dtype=bool)
    for fold in range(4):
        out = dealt[given.codes] == fold
        candidates = np.sort(given.distances[~out])
        known, same = given.distances[~out], given.same[~out]
        errors = [
            (known[~same] <= t).mean() + (known[same] > t).mean() for t in [-1.0, *candidates]
        ]
        threshold = [-1.0, *candidates][int(np.argmin(np.round(errors, 12)))]
        guessed[out] = given.distances[out] <= threshold
    assert accuracy(decided, balanced=False).value == pytest.approx(
        accuracy_score(given.same, guessed)
    )
    assert accuracy(decided, balanced=True).value == pytest.approx(
        balanced_accuracy_score(given.same, guessed)
    )
    found = pooled_rates(decided)
    assert found.far.errors == int((guessed & ~given.same).sum())
    assert found.frr.value == pytest.approx(1 - guessed[given.same].mean())
    assert accuracy(decided, balanced=False).units == len(given.names)


def test_the_interval_of_accuracy_is_the_jackknife_over_groups():
    given = told()
    (decided,) = decide_folds(given, deal(given, 4), balanced_fit).values()
    found = accuracy(decided, balanced=False)
    # Without a group: what its pairs were decided is taken out, nothing is fitted again.
    wrong = np.zeros(len(given.names))
    counts = np.bincount(given.codes)
    dealt = deal(given, 4)
    for fold in range(4):
        known = given.take(np.flatnonzero(dealt != fold)).compared()
        threshold = balanced_fit(known)["balanced"]
        out = dealt[given.codes] == fold
        bad = (given.distances[out] <= threshold) != given.same[out]
        wrong += np.bincount(given.codes[out], bad, minlength=len(wrong))
    without = (wrong.sum() - wrong) / (counts.sum() - counts)
    n = len(wrong)
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    rate = wrong.sum() / counts.sum()
    from scipy.stats import t

    half = t.ppf(0.975, n - 1) * error / (rate * (1 - rate))
    center = np.log(rate / (1 - rate))
    low, high = (1 / (1 + np.exp(-(center + side * half))) for side in (-1, 1))
    assert (found.low, found.high) == pytest.approx((1 - high, 1 - low))


def test_the_threshold_of_one_sort_is_that_of_the_calibration():
    for seed in range(3):
        compared = noise(60, seed).compared()
        point = next(p for p in fit_calibration(compared, CLAIM).points if p.name == "balanced")
        assert balanced_fit(compared)["balanced"] == pytest.approx(point.threshold, rel=1e-6)


def test_embeddings_are_measured_by_identities():
    found = cross_fit(people(), folds=5)
    assert found.accuracy is None
    assert not found.stratified
    assert found.balanced_accuracy.units == 25
    assert 0.8 < found.balanced_accuracy.low < found.balanced_accuracy.value < 1
    point = next(p for p in found.verification.points if p.name == "balanced")
    assert found.balanced_accuracy.value == pytest.approx(
        1 - (point.test.far.value + point.test.frr.value) / 2
    )
    # Pairs across folds are never compared: 5 identities of 4 make 10 * 16 different pairs.
    assert point.test.far.trials == 5 * 10 * 16
    assert found.verification.different_pairs == 300 * 16
    assert found.probability.log_loss < 0.5
    assert found.calibration.points == found.verification.points


def test_equal_distances_are_worth_a_coin():
    given = PrecomputedComparisons.of(np.arange(100) % 2, np.full(100, 0.5))
    found = cross_fit(given)
    assert found.accuracy.value == 0.5
    assert found.verification.auc == pytest.approx(0.5)
    assert found.verification.eer == pytest.approx(0.5)
    assert found.probability.log_loss == pytest.approx(np.log(2), abs=1e-3)


def test_noise_is_worth_a_coin():
    """Small, so that it can stand here; the whole is benchmarks/noise.py."""
    found = []
    for seed in range(150):
        given = noise(50, seed)
        (decided,) = decide_folds(given, deal(given, seed=seed), balanced_fit).values()
        found.append(accuracy(decided, balanced=False))
    values = np.array([one.value for one in found])
    # A mean of 150 has a standard error of .0055; unstratified folds would be off by .05.
    assert abs(values.mean() - 0.5) < 0.02
    covered = np.mean([one.low <= 0.5 <= one.high for one in found])
    assert covered > 0.9
    assert np.mean([one.high - one.low for one in found]) < 0.35


def test_noise_that_is_fitted_on_itself_would_be_seen():
    """What the test above would say of a threshold fitted on the pairs that it is measured on."""
    values = []
    for seed in range(100):
        given = noise(50, seed)
        threshold = balanced_fit(given.compared())["balanced"]
        values.append(((given.distances <= threshold) == given.same).mean())
    assert np.mean(values) > 0.55


def test_groups_that_cannot_be_stratified_are_told():
    # Five groups, each of pairs of both sorts in its own proportion.
    first = np.repeat([f"hub{i}" for i in range(5)], 8)
    second = [f"{hub}-{i}" for i, hub in enumerate(first)]
    same = np.concatenate([np.arange(8) < size for size in (1, 2, 4, 6, 7)])
    given = PrecomputedComparisons.of(same, np.random.default_rng(0).random(40), first, second)
    found = cross_fit(given, folds=5)
    assert not found.stratified
    assert found.accuracy is None
    assert found.balanced_accuracy.low is None  # five groups are no trials


def test_what_all_hangs_together_is_refused_by_name():
    names = [f"i{i}" for i in range(8)]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[:i]]
    first, second = zip(*pairs, strict=True)
    same = np.arange(len(pairs)) % 2
    given = PrecomputedComparisons.of(same, np.linspace(0, 1, len(pairs)), first, second)
    with pytest.raises(SplitError, match=r"1 such groups.*that of 'i0', holds 28 of the 28 pairs"):
        cross_fit(given)


def test_too_few_identities_for_the_folds():
    given = people(identities=6)
    with pytest.raises(SplitError, match=r"6 identities.*5 folds need 10 identities"):
        deal(given, 5)
    assert len(set(deal(given, 3).tolist())) == 3


@pytest.mark.parametrize("folds", [1, 0, -5, 101])
def test_a_number_of_folds_that_is_none(folds):
    with pytest.raises(BadArgument, match=r"2 to 100 are expected"):
        deal(noise(50, 0), folds)


def test_what_was_measured_without_a_model_prints_its_counts():
    found = cross_fit(people(), folds=5)
    told = f"{found.verification.counted}, equal error rate {found.verification.eer:.4f}"
    assert repr(found) == f"CrossFitted({told})"
    assert len(found.verification.histogram.same) == 60
    rows = found.rows()
    assert [row["point"] for row in rows] == [one.name for one in found.verification.points]
