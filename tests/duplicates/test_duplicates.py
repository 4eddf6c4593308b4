"""Every pair within a threshold and no other; groups; false pairs by chance; reviews."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist

from likewise.calibration.calibration import Calibration
from likewise.distances.base import Distance
from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.distances.manhattan import Manhattan
from likewise.duplicates import chance, pair_search
from likewise.duplicates.chance import CalibrationMemory, expecting
from likewise.duplicates.groups import grouped
from likewise.duplicates.hamming import Hamming
from likewise.duplicates.pair_search import NearPairs, pairs_within
from likewise.duplicates.review import Stratum, precision
from likewise.errors import BadArgument, BadDistance, UnknownName, UnsupportedRate
from likewise.model.drift_reference import DriftReference
from likewise.results import Criterion
from likewise.results.evaluation import OperatingPoint
from likewise.results.rates import ErrorRates, Rate
from likewise.types import Claim

COMPARATORS = [Euclidean(), Cosine(), Manhattan()]


def plain(vectors, comparator, threshold) -> list[tuple[int, int, float]]:
    """Every pair of a plain double loop, by rows."""
    pairs = [(i, j) for i in range(len(vectors)) for j in range(i + 1, len(vectors))]
    first, second = np.array(pairs).T
    far = comparator.rows(vectors[first], vectors[second]).tolist()
    found = [(*pair, one) for pair, one in zip(pairs, far, strict=True) if one <= threshold]
    return sorted(found, key=lambda pair: (pair[2], pair[0], pair[1]))


def listed(found: NearPairs) -> list[tuple[int, int, float]]:
    return list(
        zip(found.first.tolist(), found.second.tolist(), found.distances.tolist(), strict=True)
    )


def spread(count: int, dim: int, seed: int = 0, *, unit: bool = True) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dim))
    if unit:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


# ── every pair within a threshold ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("comparator", COMPARATORS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("shift", [0.0, 100.0])
@pytest.mark.parametrize("share", [0.0, 0.002, 0.3, 1.0])
def test_the_pairs_are_those_of_a_plain_loop(comparator, shift, share, monkeypatch):
    monkeypatch.setattr(pair_search, "ROWS", 16)
    monkeypatch.setattr(pair_search, "COLUMNS", 32)
    vectors = spread(90, 7, unit=False) + np.float32(shift)
    vectors[50:55] = vectors[3]  # identical ones
    vectors[60] = vectors[4] * np.float32(1 + 2e-7)
    every = sorted(far for *_, far in plain(vectors, comparator, np.inf))
    threshold = every[int(share * (len(every) - 1))]
    found = pairs_within(vectors, comparator, threshold)
    assert listed(found) == plain(vectors, comparator, threshold)
    assert len(found.first) >= (15 if share == 0.0 else int(share * (len(every) - 1)))


def test_a_threshold_that_is_a_distance_accepts_it_and_just_below_it_does_not():
    vectors = spread(200, 64)
    for comparator in (Euclidean(), Cosine()):
        for first, second, far in plain(vectors, comparator, np.inf)[:30]:
            below = float(np.nextafter(np.float32(far), np.float32(0)))
            assert (first, second) in [
                pair[:2] for pair in listed(pairs_within(vectors, comparator, far))
            ]
            assert (first, second) not in [
                pair[:2] for pair in listed(pairs_within(vectors, comparator, below))
            ]


def test_bits_are_counted_as_a_plain_loop_does():
    bits = (np.random.default_rng(0).random((150, 64)) < 0.5).astype(np.float32)
    bits[70] = bits[3]
    bits[71] = 1 - bits[3]
    assert listed(pairs_within(bits, Hamming(), 22.0)) == plain(bits, Hamming(), 22.0)
    matrix = Hamming().matrix(bits, bits)
    assert (matrix == (bits[:, None] != bits[None]).sum(2)).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-13, 1e11, 1e17])
def test_vectors_of_any_size_are_compared(scale):
    vectors = spread(60, 5) * np.float32(scale)
    vectors[9] = vectors[2]
    threshold = 0.3 * scale
    with np.errstate(over="ignore"):
        assert listed(pairs_within(vectors, Euclidean(), threshold)) == plain(
            vectors, Euclidean(), threshold
        )


def test_one_vector_far_out_spoils_nothing():
    vectors = spread(120, 6)
    vectors[7] *= 1e6
    assert listed(pairs_within(vectors, Euclidean(), 0.5)) == plain(vectors, Euclidean(), 0.5)


def test_a_distance_is_held_against_the_threshold_as_verify_does():
    """In float32 .3 is a little more than .3."""
    vectors = np.array([[0.0], [0.3]], np.float32)
    assert len(pairs_within(vectors, Euclidean(), 0.3).first) == 0
    assert len(pairs_within(vectors, Euclidean(), float(np.float32(0.3))).first) == 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_vectors(count):
    vectors = np.ones((count, 3), np.float32)
    assert len(pairs_within(vectors, Euclidean(), 0.0).first) == (count == 2)


def test_far_too_many_pairs_are_refused():
    with pytest.raises(BadArgument, match=r"More than 100 of the 1,225 pairs .*--expect-false"):
        pairs_within(np.ones((50, 4), np.float32), Euclidean(), 0.1, most=100)


@pytest.mark.parametrize("threshold", [-0.1, np.nan, np.inf])
def test_a_threshold_that_is_none_is_refused(threshold):
    with pytest.raises(BadArgument, match="a number of at least 0 is expected"):
        pairs_within(spread(5, 3), Euclidean(), threshold)


class _Broken(Distance):
    """Gives no number for a pair."""

    def rows(self, first, second):  # noqa: ARG002 - a pair's distance is what matrix says
        return np.zeros(len(first), np.float32)

    def matrix(self, first, second):
        found = np.ones((len(first), len(second)), np.float32)
        found[1, 3] = np.nan
        return found


def test_a_distance_that_is_no_number_is_refused_by_the_items():
    with pytest.raises(BadDistance, match="between items 2 and 4 is not a number"):
        pairs_within(spread(6, 3), _Broken(), 0.5)


def test_memory_does_not_grow_with_the_pairs():
    """A matrix of all pairs would take 400 MB."""
    vectors = spread(10_000, 16)
    tracemalloc.start()
    try:
        seen: list[tuple[int, int]] = []
        pairs_within(vectors, Euclidean(), 0.05, progress=lambda *one: seen.append(one))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80_000_000
    assert seen[-1] == (10_000, 10_000)


# ── groups ────────────────────────────────────────────────────────────────────────────────────


def near_of(vectors: np.ndarray, threshold: float) -> NearPairs:
    return pairs_within(vectors.astype(np.float32), Euclidean(), threshold)


def partition(labels) -> set[frozenset[int]]:
    groups: dict[int, set[int]] = {}
    for item, label in enumerate(labels):
        if label >= 0:
            groups.setdefault(int(label), set()).add(item)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


def test_a_chain_is_one_component_and_no_complete_group():
    chain = np.arange(5)[:, None] * 1.0
    found = near_of(chain, 1.1)
    assert grouped(np.arange(5), found, "components").tolist() == [0, 0, 0, 0, 0]
    assert grouped(np.arange(5), found, "complete").tolist() == [0, 0, 1, 1, -1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.floats(0.05, 1.5))
def test_groups_are_those_of_scipy(seed, count, threshold):
    vectors = np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)
    found = near_of(vectors, threshold)
    ends = (found.first, found.second)
    graph = coo_matrix((np.ones(len(found.first)), ends), shape=(count, count))
    _, components = connected_components(graph, directed=False)
    here = grouped(np.arange(count), found, "components")
    assert partition(here) == partition(components)
    complete = grouped(np.arange(count), found, "complete")
    reference = fcluster(linkage(pdist(vectors), "complete"), threshold, "distance")
    assert partition(complete) == partition(reference)
    # All of a complete group are within the threshold, and groups of either kind are numbered by
    # their first items.
    pairs = set(zip(*(end.tolist() for end in ends), strict=True))
    for group in partition(complete):
        assert {(a, b) for a in group for b in group if a < b} <= pairs
    for labels in (here, complete):
        firsts = [int(np.flatnonzero(labels == number)[0]) for number in range(labels.max() + 1)]
        assert firsts == sorted(firsts)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), max_size=25))
def test_groups_hold_where_distances_are_equal(drawn):
    """Ties may be joined in either order, but a complete group is complete, and none is missed."""
    pairs = {(min(a, b), max(a, b)): float(far) for a, b, far in drawn if a != b}
    ordered = sorted(pairs.items(), key=lambda one: (one[1], one[0]))
    found = NearPairs(
        np.array([a for (a, _), _ in ordered], np.int64),
        np.array([b for (_, b), _ in ordered], np.int64),
        np.array([far for _, far in ordered], np.float32),
    )
    labels = grouped(np.arange(10), found, "complete")
    clusters = [set(group) for group in partition(labels)]
    clusters += [{item} for item in np.flatnonzero(labels < 0).tolist()]
    for group in clusters:
        assert all((a, b) in pairs for a in group for b in group if a < b)
    for i, one in enumerate(clusters):  # no two groups could still be joined
        for other in clusters[i + 1 :]:
            assert any((min(a, b), max(a, b)) not in pairs for a in one for b in other)


def test_items_of_the_same_content_are_together_whatever_else_is():
    contents = np.array([0, 1, 0, 3, 3, 5, 1])
    found = NearPairs(np.array([0]), np.array([5]), np.array([0.1], np.float32))
    assert grouped(contents, found, "complete").tolist() == [0, 1, 0, 2, 2, 0, 1]


def test_an_unknown_way_to_group_is_refused():
    found = near_of(spread(3, 2), 0.1)
    with pytest.raises(UnknownName, match="no way to group is named 'complet'"):
        grouped(np.arange(3), found, "complet")


# ── how many are false by chance ──────────────────────────────────────────────────────────────


def actual(vectors: np.ndarray, threshold: float) -> int:
    return len(pairs_within(vectors, Euclidean(), threshold).first)


def test_what_is_extrapolated_holds_where_items_are_spread_evenly():
    """Of a known dimension: four numbers, so that the share of pairs grows with the fourth power.

    Ten runs of 1,000 items, 20 false pairs expected in each.
    """
    counts = []
    for seed in range(10):
        vectors = np.random.default_rng(seed).normal(size=(1000, 4)).astype(np.float32)
        found = expecting(20, vectors, Euclidean(), None)
        assert found.how == "extrapolated"
        assert found.low is not None
        assert found.high is not None
        assert found.low < 20 == found.expected_false < found.high
        counts.append(actual(vectors, found.value))
    assert 15 < np.mean(counts) < 25


def test_duplicates_never_raise_what_is_extrapolated():
    """They lie left of the distances that it is fitted to, and can only make it more careful."""
    vectors = np.random.default_rng(1).normal(size=(2000, 6)).astype(np.float32)
    clean = expecting(10, vectors, Euclidean(), None).value
    noise = np.random.default_rng(2).normal(size=(400, 6)).astype(np.float32)
    vectors[1600:] = vectors[:400] + np.float32(1e-3) * noise
    careful = expecting(10, vectors, Euclidean(), None).value
    assert 0.85 * clean < careful <= clean
    assert 400 < actual(vectors, careful) <= 400 + 4 * 10


@pytest.mark.parametrize(
    ("wanted", "vectors", "message"),
    [
        (1, spread(999, 4), r"of 999 different items are too few .* 1,000 are expected"),
        (0.001, spread(1200, 4), r"times below the rate .* At least 1 can be extrapolated"),
        (10, np.ones((1500, 4), np.float32), "most items look alike to this model"),
        (2e6, spread(1000, 4), r"1,000 items make 499,500 pairs, and 2e\+06 false ones"),
    ],
)
def test_what_cannot_be_foreseen_is_refused(wanted, vectors, message):
    with pytest.raises(UnsupportedRate, match=message):
        expecting(wanted, vectors, Euclidean(), None)


def calibrated(
    points: tuple[OperatingPoint, ...] = (), claim: Claim = Claim.NEW_IDENTITIES
) -> Calibration:
    parameters = {"intercept": 1.0, "slope": 1.0, "low": -3.0, "high": 3.0}
    return Calibration(claim, "logistic", parameters, points, 50)


def reference(units: int, each: int = 5) -> DriftReference:
    codes = np.repeat(np.arange(units), each)
    centres = np.random.default_rng(3).normal(size=(units, 4))
    noise = np.random.default_rng(4).normal(size=(len(codes), 4))
    return DriftReference((centres[codes] + 0.05 * noise).astype(np.float32), codes)


def test_what_the_identities_calibrated_on_support_is_measured_on_them():
    kept = reference(100)
    vectors = np.random.default_rng(5).normal(size=(300, 4)).astype(np.float32)
    pairs = 300 * 299 // 2
    found = expecting(50, vectors, Euclidean(), CalibrationMemory(calibrated(), kept))
    assert found.how == "measured"
    assert "different ones of the 100 identities calibrated on" in found.words
    # Its rate, by a plain loop over the different pairs that were calibrated on.
    far = Euclidean().matrix(kept.vectors, kept.vectors)
    upper = np.triu(kept.units[:, None] != kept.units[None])
    assert (far[upper] <= found.value).mean() * pairs == pytest.approx(50, rel=0.05)
    assert found.low is not None
    assert found.low < found.expected_false < found.high
    # The collection is spread as they are.
    assert 20 < actual(vectors, found.value) < 120
    least = chance.supports(CalibrationMemory(calibrated(), kept)) * pairs
    assert least == pytest.approx(30 / upper.sum() * pairs)
    with pytest.raises(UnsupportedRate, match=r"calibrated on supports 11 false pairs or more"):
        expecting(least / 2, vectors, Euclidean(), CalibrationMemory(calibrated(), kept))


def test_few_identities_support_nothing():
    vectors = spread(300, 4)
    with pytest.raises(UnsupportedRate, match="calibrated on supports no rate at all"):
        expecting(50, vectors, Euclidean(), CalibrationMemory(calibrated(), reference(9)))


def test_without_embeddings_of_them_the_operating_points_are_gone_by():
    def point(name, threshold, value, supported=True) -> OperatingPoint:
        far = Rate(value, 5, 1000, 50, value / 2, value * 2)
        rates = ErrorRates(far, far)
        return OperatingPoint(Criterion.parse(name), threshold, supported, "", rates, rates)

    points = (point("far=0.001", 0.1, 0.001), point("far=0.01", 0.3, 0.01), point("eer", 0.9, 0.2))
    known = CalibrationMemory(calibrated(points), None)
    vectors = spread(100, 4)
    found = expecting(100, vectors, Euclidean(), known)  # of 4,950, a rate of .02
    assert (found.value, found.how) == (0.3, "measured")
    assert found.expected_false == pytest.approx(49.5)
    assert (found.low, found.high) == pytest.approx((24.75, 99))
    with pytest.raises(UnsupportedRate, match="supports 5 false pairs or more"):
        expecting(1, vectors, Euclidean(), known)


# ── reviews ───────────────────────────────────────────────────────────────────────────────────


def test_the_precision_weighs_strata_by_their_pairs():
    found = precision((Stratum(90, 10, 10), Stratum(10, 10, 2)))
    assert found.value == pytest.approx(0.9 * 1.0 + 0.1 * 0.2)
    # The second is known to the last pair, so that the interval is the first one's alone.
    trials = 10 * 89 / 80
    z = 1.959964
    assert found.low == pytest.approx(0.92 - 0.9 * (1 - 1 / (1 + z**2 / trials)))
    assert found.high == pytest.approx(0.92)


def test_an_interval_covers_the_share_of_all_pairs():
    """Strata of a known share, drawn again and again."""
    sizes, same = (400, 400, 400, 400, 400), (400, 396, 372, 260, 120)
    true = sum(same) / sum(sizes)
    random = np.random.default_rng(0)
    covered, values = [], []
    for _ in range(3000):
        drawn = tuple(
            Stratum(size, 20, int(random.hypergeometric(one, size - one, 20)))
            for size, one in zip(sizes, same, strict=True)
        )
        found = precision(drawn)
        values.append(found.value)
        covered.append(found.low <= true <= found.high)
    assert np.mean(values) == pytest.approx(true, abs=0.003)
    assert 0.94 <= np.mean(covered) <= 0.985


def test_a_stratum_without_a_label_is_refused():
    with pytest.raises(UnsupportedRate, match="No pair of stratum 2 is labelled"):
        precision((Stratum(5, 1, 1), Stratum(5, 0, 0)))
