"""Genuine and forged items, against plain loops over every pair."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from likewise.calibration import DecisionRequest
from likewise.calibration.fit import fit_calibration
from likewise.data.splits import split
from likewise.distances.euclidean import Euclidean
from likewise.errors import SplitError, TrainingError, UnknownName
from likewise.evaluation.verification import verify_all
from likewise.learn.samplers import FAMILY as SAMPLERS
from likewise.metrics.tally import Tally
from likewise.pairs.all_pairs import AllPairs, PairSet
from likewise.pairs.choose import choose_pairs
from likewise.pairs.forgeries import AGAINST, ForgeryPairs
from likewise.types import Claim, Items

NEW = Claim.NEW_IDENTITIES
SIZES = {"genuine": [3, 1, 4, 2, 5, 2] * 4, "forged": [2, 3, 0, 4, 1, 2] * 4}


def signatures(seed=0, *, sizes=SIZES, apart=0.8):
    """Genuine items about a centre each, forged ones a little beside it."""
    random = np.random.default_rng(seed)
    names, origins, vectors = [], [], []
    for who, (genuine, forged) in enumerate(zip(*sizes.values(), strict=True)):
        centre = 2 * random.normal(size=4)
        for origin, count, shift in (("genuine", genuine, 0.0), ("forged", forged, apart)):
            names += [f"writer{who:02}"] * count
            origins += [origin] * count
            vectors.append(centre + shift + 0.6 * random.normal(size=(count, 4)))
    order = random.permutation(len(names))
    items = Items.build(
        "signatures",
        [names[i] for i in order],
        "series",
        [f"place {i}" for i in order],
        lambda _: np.zeros((2, 1)),
        origins=[origins[i] for i in order],
    )
    return np.concatenate(vectors)[order].astype(np.float32), items


def by_loop(vectors, items):
    """The distances of every population, by what they weigh equally."""
    found = {"same": {}, "skilled": {}, "random": {}}
    table = zip(items.identities.tolist(), items.forged.tolist(), vectors, strict=True)
    for (a, fa, x), (b, fb, y) in itertools.combinations(table, 2):
        if (fa and fb) or ((fa or fb) and a != b):
            continue
        sort = "skilled" if fa or fb else "same" if a == b else "random"
        key = frozenset((a, b))
        found[sort].setdefault(key, []).append(float(np.linalg.norm(x.astype(float) - y)))
    return found


def share(groups, threshold):
    return float(np.mean([np.mean(np.array(group) <= threshold) for group in groups.values()]))


@pytest.mark.parametrize("threshold", [0.7, 1.4, 2.5])
def test_the_rates_of_every_population_equal_a_loop(threshold):
    vectors, items = signatures()
    loop = by_loop(vectors, items)
    wanted = {sort: share(loop[sort], threshold) for sort in ("skilled", "random")}
    wanted["both"] = (wanted["skilled"] + wanted["random"]) / 2
    frr = 1 - share(loop["same"], threshold)
    for against in AGAINST:
        compared = choose_pairs(vectors, items, Euclidean(), against)
        assert isinstance(compared, ForgeryPairs)
        assert isinstance(compared, PairSet)
        (rates,) = compared.rates([threshold], NEW)
        assert rates.far.value == pytest.approx(wanted[against])
        assert rates.frr.value == pytest.approx(frr)
        sorts = ("skilled", "random") if against == "both" else (against,)
        every = [d for sort in sorts for group in loop[sort].values() for d in group]
        assert (rates.far.errors, rates.far.trials) == (
            sum(d <= threshold for d in every),
            len(every),
        )
        assert compared.counts == (sum(map(len, loop["same"].values())), len(every))


@pytest.mark.parametrize("against", AGAINST)
def test_what_is_left_without_each_identity_equals_a_loop(against):
    vectors, items = signatures()
    threshold = 1.2
    far, _ = choose_pairs(vectors, items, Euclidean(), against).tallies([threshold], NEW)[0]
    names = np.unique(items.identities[~items.forged]).tolist()
    if against == "skilled":
        names = np.unique(items.identities[items.forged]).tolist()
    assert len(far.without) == len(names)
    for name, rate in zip(names, far.without, strict=True):
        left = np.flatnonzero(items.identities != name)
        loop = by_loop(vectors[left], items.take(left))
        rates = {sort: share(loop[sort], threshold) for sort in ("skilled", "random")}
        rates["both"] = (rates["skilled"] + rates["random"]) / 2
        assert rate == pytest.approx(rates[against]), name


@pytest.mark.parametrize("against", AGAINST)
def test_thresholds_and_area_are_those_of_the_population(against):
    vectors, items = signatures(apart=1.0)
    compared = choose_pairs(vectors, items, Euclidean(), against)
    loop = by_loop(vectors, items)
    halves = {"skilled": (1, 0), "random": (0, 1), "both": (0.5, 0.5)}[against]
    distances, truth, weights = [], [], []
    for sort, whole in zip(("same", "skilled", "random"), (1.0, *halves), strict=True):
        for group in loop[sort].values():
            distances += group
            truth += [sort == "same"] * len(group)
            weights += [whole / len(loop[sort]) / len(group)] * len(group)
    spread = compared.spread()
    assert spread.same.sum() == pytest.approx(1)
    assert spread.different.sum() == pytest.approx(1)
    area = roc_auc_score(truth, -np.array(distances), sample_weight=weights)
    assert spread.auc == pytest.approx(area, abs=2e-3)
    fitted = fit_calibration(compared, NEW)
    assert fitted.against == against
    # The largest threshold within the target, at which one pair more is too much.
    point = fitted.point(DecisionRequest(operating_point="eer"))
    target = next(p for p in fitted.points if p.target == 0.1)
    weight = np.array(weights) * ~np.array(truth)
    beyond = np.array(distances)[(weight > 0) & (np.array(distances) > target.threshold + 1e-6)]
    at, more = compared.rates([target.threshold, float(beyond.min()) + 1e-6], NEW)
    assert at.far.value <= 0.1 < more.far.value
    found = verify_all(compared, fitted.points, NEW)
    assert found.against == against
    assert set(found.populations) == set(found.population_eers) == {"skilled", "random"}
    assert found.population_eers["random"] < found.population_eers["skilled"]
    at = fitted.points.index(point)
    far = {name: rates[at].far.value for name, rates in found.populations.items()}
    expected = far["skilled"] * halves[0] + far["random"] * halves[1]
    assert found.points[at].test.far.value == pytest.approx(expected)


def test_forgeries_are_never_taken_for_genuine_ones():
    """Random pairs and same pairs are what they would be had nobody forged anything."""
    vectors, items = signatures()
    own = np.flatnonzero(~items.forged)
    alone = AllPairs.of(vectors[own], items.identities[own], Euclidean())
    (rates,) = choose_pairs(vectors, items, Euclidean(), "random").rates([1.3], NEW)
    assert rates == alone.rates([1.3], NEW)[0]
    assert isinstance(choose_pairs(vectors[own], items.take(own), Euclidean()), AllPairs)


def test_some_of_the_identities():
    vectors, items = signatures()
    compared = choose_pairs(vectors, items, Euclidean(), "both")
    kept = np.arange(len(compared.names)) % 2 == 0
    rows = np.flatnonzero(np.isin(items.identities, compared.names[kept]))
    alone = choose_pairs(vectors[rows], items.take(rows), Euclidean(), "both")
    some = compared.among(kept, NEW)
    assert some.rates([1.1], NEW) == alone.rates([1.1], NEW)
    assert (len(some.vectors), some.counts) == (len(rows), alone.counts)
    with pytest.raises(SplitError, match="None of 1 identities has genuine and forged"):
        compared.among(compared.names == "writer02", NEW)


def test_the_mistakes_name_forgeries_by_their_rows():
    vectors, items = signatures(apart=0.1)
    worst, shares = choose_pairs(vectors, items, Euclidean()).mistakes(1.2, 3)
    sorts = []
    for mistake in worst:
        one, other = mistake.first, mistake.second
        apart = float(np.linalg.norm(vectors[one] - vectors[other]))
        assert mistake.distance == pytest.approx(apart, abs=1e-5)
        assert (apart <= 1.2) != mistake.same
        alike = items.identities[one] == items.identities[other]
        forged = bool(items.forged[[one, other]].any())
        sorts.append("skilled" if forged else "same" if alike else "random")
        assert mistake.same == (sorts[-1] == "same")
    assert sorts.count("skilled") == 3
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert all(0 <= share <= 1 for share in shares.values())


def test_tallies_of_two_sets_join():
    halves = [signatures(seed) for seed in (1, 2)]
    for against in AGAINST:
        pair = [
            choose_pairs(vectors, items, Euclidean(), against).tallies([1.3], NEW)[0][0]
            for vectors, items in halves
        ]
        joined = Tally.join(pair)
        weights = [tally.weight for tally in pair]
        values = [tally.value for tally in pair]
        assert joined.value == pytest.approx(np.average(values, weights=weights))
        low, high = joined.rate().low, joined.rate().high
        assert low < joined.value < high


def test_what_cannot_be_measured_is_named():
    vectors, items = signatures()
    with pytest.raises(UnknownName, match="Did you mean 'skilled'"):
        choose_pairs(vectors, items, Euclidean(), "skiled")
    unsaid = items.take(np.arange(len(items)))
    unsaid.origins[:5] = ""
    with pytest.raises(SplitError, match=r"\d of \d+ items have no origin"):
        choose_pairs(vectors, unsaid, Euclidean())
    one = {"genuine": [3], "forged": [2]}
    with pytest.raises(SplitError, match="two identities with genuine items is missing"):
        choose_pairs(*signatures(sizes=one), Euclidean())
    apart = {"genuine": [3, 2, 0], "forged": [0, 0, 2]}
    with pytest.raises(SplitError, match="with genuine and with forged items is missing"):
        choose_pairs(*signatures(sizes=apart), Euclidean())
    single = {"genuine": [1, 1, 1], "forged": [1, 1, 1]}
    with pytest.raises(SplitError, match="an identity with two genuine items is missing"):
        choose_pairs(*signatures(sizes=single), Euclidean())
    with pytest.raises(SplitError, match="error rates on forgeries are measured on new identities"):
        split(items, Claim.KNOWN_CLASSES)


# ── learning ──────────────────────────────────────────────────────────────────────────────────


def coded(items):
    names, labels = np.unique(items.classes, return_inverse=True)
    place = {name: code for code, name in enumerate(names.tolist())}
    found = [place.get(name, len(names)) for name in items.identities.tolist()]
    return labels, np.where(items.forged, found, -1)


def test_the_pairs_learned_from_are_those_that_are_measured():
    _, items = signatures()
    labels, imitates = coded(items)
    sampler = SAMPLERS.build("genuine_forged(pairs=40, positive=0.5, skilled=0.25)")
    random = np.random.default_rng(0)
    counts = {"same": 0, "skilled": 0, "random": 0}
    batches = list(sampler.batches(labels, items.groups, random, None, imitates))
    for batch in batches:
        rows, pairs = batch.rows, batch.target
        for one, other, same in zip(rows[pairs.first], rows[pairs.second], pairs.same, strict=True):
            forged = items.forged[[one, other]].sum()
            alike = items.identities[one] == items.identities[other]
            assert forged < 2
            assert alike or not forged
            assert one != other
            sort = "skilled" if forged else "same" if alike else "random"
            assert same == (sort == "same")
            counts[sort] += 1
    assert counts == {"same": 20 * len(batches), "skilled": 5 * len(batches),
                      "random": 15 * len(batches)}  # fmt: skip
    assert sum(len(batch.rows) for batch in batches) >= len(items)


@pytest.mark.parametrize("spec", ["classes_by_items(classes=8, items=2)", "balanced_pairs"])
def test_a_forgery_is_of_another_class_than_what_it_imitates(spec):
    _, items = signatures()
    labels, imitates = coded(items)
    random = np.random.default_rng(0)
    for batch in SAMPLERS.build(spec).batches(labels, items.groups, random, None, imitates):
        for one, other in itertools.combinations(range(len(batch.rows)), 2):
            rows = batch.rows[[one, other]]
            if len(set(items.forged[rows].tolist())) == 2 and hasattr(batch.target, "labels"):
                assert batch.target.labels[one] != batch.target.labels[other]


def test_a_sampler_of_forgeries_without_any():
    sampler = SAMPLERS.build("genuine_forged")
    with pytest.raises(TrainingError, match="the training part has none"):
        sampler.batches(np.arange(4), np.full(4, ""), np.random.default_rng(0))
    with pytest.raises(ValueError, match="3 pairs or more"):
        SAMPLERS.build("genuine_forged(pairs=2)")
