"""Pairs found by approximation and decided exactly, against the plain matrix of all distances."""

import threading
import warnings

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from likewise.distances.approximate import ApproximateDistance, bounds
from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.distances.manhattan import Manhattan
from likewise.errors import BadDistance
from likewise.metrics import retrieval as retrieval_module
from likewise.metrics import verification, workers
from likewise.metrics.retrieval import retrieval
from likewise.metrics.workers import in_order
from likewise.pairs import all_pairs as comparisons_module
from likewise.pairs.all_pairs import AllPairs
from likewise.pairs.tiles import accepted, pairs_in_ranges, tiles
from likewise.types import Claim

ROUGH = [Euclidean(), Cosine()]


def never():
    raise AssertionError("not all pairs should be compared one by one")


def clustered(sizes, *, dim=8, spread=0.5, seed=0, duplicates=0):
    """Vectors of some identities, of which some items are there twice, in an order by lot."""
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    vectors = random.normal(size=(len(sizes), dim))[codes]
    vectors = (vectors + spread * random.normal(size=vectors.shape)).astype(np.float32)
    again = random.integers(0, len(codes), duplicates)
    vectors[again[::2]] = vectors[again[1::2]]
    order = random.permutation(len(codes))
    return vectors[order], codes[order]


SIZES = [1, 2, 7, 3, 12, 2, 5, 1, 4, 30, 9, 1, 1, 6]


# ── what is approximated ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("distance", ROUGH)
@pytest.mark.parametrize(
    ("offset", "spread"), [(0, 1), (1e3, 1e-2), (-1e4, 10), (0, 1e-9), (0, 1e9), (0, 1e-11)]
)
def test_the_bound_of_the_error_holds(distance, offset, spread):
    random = np.random.default_rng(4)
    first, second = (
        (offset + spread * random.standard_normal((90, 40))).astype(np.float32) for _ in range(2)
    )
    told = distance.approximate(first, second)
    assert told is not None
    levels, error = told
    assert levels.dtype == np.float32
    wide = distance.rows(
        np.repeat(first, 90, axis=0).astype(np.float64), np.tile(second, (90, 1)).astype(np.float64)
    )
    wrong = np.abs(levels.ravel() - distance.level(wide)).max()
    assert wrong <= error
    assert error < 1e-4 * levels.max()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e19])
def test_what_float32_cannot_hold_is_not_told(bad):
    vectors = np.ones((5, 3), dtype=np.float32)
    vectors[2, 1] = bad
    with np.errstate(invalid="ignore"):
        assert Euclidean().approximate(vectors, vectors) is None
    assert Euclidean().approximate(np.ones((5, 3), np.float32), np.ones((5, 3), np.float32)) is None
    assert Euclidean().approximate(vectors[:0], vectors) is None
    assert not isinstance(Manhattan(), ApproximateDistance)


# ── decisions ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("distance", ROUGH)
@pytest.mark.parametrize("kind", ["few", "many", "at pairs", "beyond"])
def test_decisions_are_those_of_the_matrix(distance, kind):
    above, _ = clustered([150, 150], dim=16, seed=1)
    beside, _ = clustered([200, 100], dim=16, seed=1, duplicates=40)
    beside[:60] = above[20:80]
    matrix = distance.matrix(above, beside)
    random = np.random.default_rng(5)
    thresholds = {
        "few": [float(np.quantile(matrix, 0.1))],
        "many": np.quantile(matrix, random.random(76)).tolist(),
        # A threshold is the distance of a pair, the float just below, and the one just above.
        "at pairs": [
            float(near)
            for apart in random.choice(matrix.ravel(), 20)
            for near in (np.nextafter(apart, np.float32(0)), apart, np.nextafter(apart, apart + 1))
        ],
        "beyond": [-1.0, 0.0, 1e-30, 3.4e38],
    }[kind]
    thresholds = sorted(thresholds)
    exact = never if kind != "beyond" else lambda: distance.matrix(above, beside)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = accepted(distance, above, beside, thresholds, exact)
    limits = np.array(thresholds).astype(np.float32)
    first, second = np.nonzero(matrix <= limits[-1])
    np.testing.assert_array_equal(found.first, first)
    np.testing.assert_array_equal(found.second, second)
    np.testing.assert_array_equal(found.place, np.searchsorted(limits, matrix[first, second]))


@pytest.mark.parametrize("distance", [*ROUGH, Manhattan()])
def test_where_nothing_is_sure_all_pairs_are_compared(distance):
    vectors = np.repeat(np.eye(4, dtype=np.float32), 50, axis=0)
    called = []

    def exact():
        called.append(True)
        return distance.matrix(vectors, vectors)

    found = accepted(distance, vectors, vectors, [0.0, 0.5], exact)
    assert called
    assert len(found.first) == 4 * 50 * 50
    assert not found.place.any()


@pytest.mark.parametrize("distance", ROUGH)
def test_bins_hold_what_the_matrix_says(distance):
    above, _ = clustered([150, 150], dim=16, seed=2)
    beside, _ = clustered([200, 100], dim=16, seed=3)
    beside[:3] = above[:3]
    matrix = distance.matrix(above, beside)
    keys = verification.keys(matrix)
    middle = int(np.median(keys))
    for wanted in ([middle], [0, middle, middle + 1, middle + 7], [int(keys.max())]):
        first, second, apart = pairs_in_ranges(
            distance, above, beside, verification.ranges(wanted), never
        )
        inside = np.isin(verification.keys(apart), wanted)
        expected = np.nonzero(np.isin(keys, wanted))
        np.testing.assert_array_equal(np.stack([first, second])[:, inside], expected)
        np.testing.assert_array_equal(apart[inside], matrix[expected])


def test_ranges_are_the_ends_of_the_bins():
    every = [0, 1, 2, 5, 9, 10, 0x7F800]
    ends = verification.ranges(every)
    assert len(ends) == 4
    for key in every:
        assert sum((verification.keys(ends) == key).any(1)) <= 1
    assert verification.keys(ends).tolist() == [[0, 2], [5, 5], [9, 10], [0x7F800, 0x7F800]]
    assert ends[-1].tolist() == [np.inf, np.inf]


@pytest.mark.parametrize("masked", [False, True])
def test_a_block_is_counted_as_its_pairs_are(masked, monkeypatch):
    monkeypatch.setattr(verification, "_CHUNK", 100)
    random = np.random.default_rng(0)
    distances = (3 * random.random((37, 23))).astype(np.float32)
    distances[3, 4], distances[5, 6] = 0.0, -0.0
    left, right, which = random.random(37), random.random(23), random.random((37, 23)) < 0.5
    bins, plain = verification.DistanceHistograms.empty(), verification.DistanceHistograms.empty()
    counted = verification.Counted.of_block(distances, left, right, which if masked else None)
    counted.into(bins.different)
    weights = left[:, None] * right * (which if masked else 1.0)
    plain.add(verification.keys(distances), np.zeros_like(weights), weights)
    np.testing.assert_allclose(bins.different, plain.different, rtol=1e-12)
    assert ((bins.different > 0) == (plain.different > 0)).all()


@pytest.mark.parametrize("side", [3, 7, 100])
def test_tiles_hold_every_pair_once(side):
    seen = np.zeros((20, 20), dtype=int)
    for tile in tiles(20, side * side + 1):
        first, second = (grid.ravel() for grid in np.indices(seen[tile.rows, tile.columns].shape))
        once = tile.upper(first, second)
        np.add.at(seen, (first[once] + tile.rows.start, second[once] + tile.columns.start), 1)
    np.testing.assert_array_equal(seen, np.triu(np.ones((20, 20), dtype=int), 1))


# ── all together ──────────────────────────────────────────────────────────────────────────────


class Slow:
    """A comparator that is no distance, and approximates nothing."""

    def __init__(self, distance):
        self.distance, self.threads = distance, set()

    def rows(self, first, second):
        return self.distance.rows(first, second)

    def matrix(self, first, second):
        self.threads.add(threading.get_ident())
        return self.distance.matrix(first, second)


@pytest.mark.parametrize("distance", ROUGH)
@pytest.mark.parametrize("claim", list(Claim))
def test_fast_and_slow_measure_the_same(distance, claim, monkeypatch):
    monkeypatch.setattr(comparisons_module, "_BLOCK_ELEMENTS", 1600)
    monkeypatch.setattr(workers, "cores", lambda: 3)
    vectors, codes = clustered([*SIZES, *[4] * 20], duplicates=30)
    slow = Slow(distance)
    fast, plain = (AllPairs.of(vectors, codes, by) for by in (distance, slow))
    for one, other in zip(
        (fast.spread().same, fast.spread().different),
        (plain.spread().same, plain.spread().different),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    matrix = distance.matrix(vectors, vectors)[np.triu_indices(len(codes), 1)]
    wanted = [int(verification.keys(np.array([np.quantile(matrix, q)]))[0]) for q in (0.0, 0.3)]
    found, expected = fast.inside(wanted), plain.inside(wanted)
    for key in wanted:
        for one, other in zip(found[key], expected[key], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9)
    thresholds = [2.0, *np.random.default_rng(1).choice(matrix, 9).tolist(), -1.0, 0.0]
    for one, other in zip(
        fast.tallies(thresholds, claim), plain.tallies(thresholds, claim), strict=True
    ):
        for mine, theirs in zip(one, other, strict=True):
            assert (mine.errors, mine.trials) == (theirs.errors, theirs.trials)
            assert mine.total == pytest.approx(theirs.total, abs=1e-9)
            np.testing.assert_allclose(mine.without, theirs.without, atol=1e-9)
    ours, others = fast.mistakes(thresholds[1], 9), plain.mistakes(thresholds[1], 9)
    assert ours == others
    assert slow.threads == {threading.get_ident()}


def test_a_distance_that_is_no_number_is_named_from_a_thread(monkeypatch):
    monkeypatch.setattr(comparisons_module, "_BLOCK_ELEMENTS", 9)
    vectors, codes = clustered([4] * 5)
    vectors[np.flatnonzero(codes == 2)[1], 0] = np.nan
    compared = AllPairs.of(vectors, codes, Euclidean())
    for work in (compared.spread, lambda: compared.rates([1.0], Claim.NEW_IDENTITIES)):
        with pytest.raises(BadDistance, match=r"item \d+ \(of '2'\) .*is not a number"):
            work()


@pytest.mark.parametrize("distance", ROUGH)
@pytest.mark.parametrize("duplicates", [0, 60])
def test_retrieval_by_approximation_is_that_of_the_matrix(distance, duplicates, monkeypatch):
    monkeypatch.setattr(retrieval_module, "_BLOCK_ELEMENTS", 20_000)
    monkeypatch.setattr(retrieval_module, "_COLUMNS", 97)
    vectors, codes = clustered(SIZES * 8, duplicates=duplicates)
    plain = retrieval(vectors, codes, distance.matrix)
    fast = retrieval(vectors, codes, lambda *_: never(), approximate=distance)
    assert fast == plain
    assert 0 < plain.map_at_r.value < 1


def test_retrieval_among_many_ties_takes_the_matrix():
    codes = np.repeat(np.arange(60), 5)
    vectors = np.repeat(np.eye(3, dtype=np.float32), 100, axis=0)
    plain = retrieval(vectors, codes, Euclidean().matrix)
    assert retrieval(vectors, codes, Euclidean().matrix, approximate=Euclidean()) == plain


# ── threads ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_parts_come_in_order_whichever_is_done_first(alone, count, monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 3)
    seen = set()
    first = threading.Event()

    def work(part):
        seen.add(threading.get_ident())
        if part == 0 and count == 50 and not alone:
            assert first.wait(10)
        if part == 1:
            first.set()
        return part * part

    assert list(in_order(work, range(count), alone=alone)) == [(i, i * i) for i in range(count)]
    if count and (alone or count < 4):
        assert seen == {threading.get_ident()}
    elif count:
        assert threading.get_ident() not in seen


def test_an_error_in_a_thread_comes_in_its_turn(monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 2)

    def work(part):
        if part == 7:
            raise BadDistance("part 7")
        return part

    taken = []
    with pytest.raises(BadDistance, match="part 7"):
        taken.extend(part for part, _ in in_order(work, range(30)))
    assert taken == list(range(7))
    assert not [one for one in threading.enumerate() if one.name.startswith("likewise-blocks")]


def blas_threads():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_blas_gets_its_threads_back_even_where_two_work_at_once(monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 2)
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert set(before) == {2}
        one, other = (in_order(lambda _: blas_threads(), range(9)) for _ in range(2))
        assert set(next(one)[1]) == {1}
        next(other)
        assert len(list(one)) == 8
        assert len(list(other)) == 8
        assert blas_threads() == before


def test_bounds_hold_on_both_sides_of_zero():
    low, high = bounds(np.array([-1.0, 0.0, 2.0]), 1e-3)
    assert (low < [-1.0, 0.0, 2.0]).all()
    assert (high > [-1.0, 0.0, 2.0]).all()
