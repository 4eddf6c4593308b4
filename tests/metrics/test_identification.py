import numpy as np
import pytest

from likewise.distances.euclidean import Euclidean
from likewise.metrics.identification import _distinct, identification, one_shot, rejecting
from likewise.metrics.retrieval import nearest_neighbour_error


def test_perfect_and_random_vectors():
    codes = np.repeat(np.arange(30), 4)
    perfect = np.eye(30, dtype=np.float32)[codes]
    assert one_shot(perfect, codes, Euclidean().rows).accuracy == 1.0
    noise = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float32)
    measured = one_shot(noise, codes, Euclidean().rows, ways=5, episodes=6000)
    assert measured.accuracy == pytest.approx(0.2, abs=0.05)
    assert measured.low < 0.2 < measured.high
    assert (measured.ways, measured.episodes, measured.identities) == (5, 6000, 30)


def test_ties_share_the_point():
    codes = np.repeat(np.arange(25), 3)
    same = np.zeros((75, 2), dtype=np.float32)
    assert one_shot(same, codes, Euclidean().rows, ways=20).accuracy == pytest.approx(1 / 20)


def test_the_question_is_never_its_own_example():
    # Two items an identity, far apart: were the question its own example, all would be right.
    codes = np.repeat(np.arange(10), 2)
    vectors = np.zeros((20, 2), dtype=np.float32)
    vectors[1::2, 0] = 100.0
    vectors[:, 1] = codes
    vectors[1::2, 1] = codes[1::2][::-1]
    assert one_shot(vectors, codes, Euclidean().rows, ways=10, episodes=500).accuracy < 0.2


def test_accuracy_is_that_of_a_plain_loop():
    random = np.random.default_rng(3)
    codes = np.repeat(np.arange(12), 5)
    vectors = (np.eye(12)[codes] + 0.6 * random.normal(size=(60, 12))).astype(np.float32)
    right = []
    for _ in range(8000):
        chosen = random.permutation(12)[:6]
        question, example = random.permutation(5)[:2]
        shown = [random.integers(5) for _ in chosen]
        shown[0] = example
        rows = vectors[chosen * 5 + shown]
        asked = vectors[chosen[0] * 5 + question]
        right.append(np.argmin(((rows - asked) ** 2).sum(1)) == 0)
    measured = one_shot(vectors, codes, Euclidean().rows, ways=6, episodes=8000)
    assert measured.accuracy == pytest.approx(np.mean(right), abs=0.025)


def test_one_identity_or_single_items_cannot_be_asked():
    vectors = np.zeros((4, 2), dtype=np.float32)
    assert one_shot(vectors, np.zeros(4, dtype=int), Euclidean().rows) is None
    assert one_shot(vectors, np.arange(4), Euclidean().rows) is None


def test_nearest_neighbour_error():
    distances = np.array([[0.1, 0.5], [0.9, 0.2], [0.3, 0.1]])
    truth, reference = np.array(["a", "a", "b"]), np.array(["a", "b"])
    assert nearest_neighbour_error(distances, truth, reference) == pytest.approx(1 / 3)


def clustered(count=12, each=6, spread=0.7, seed=0):
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(count), each)
    vectors = np.eye(count)[codes] + spread * random.normal(size=(len(codes), count))
    return vectors.astype(np.float32), codes


def test_more_examples_are_those_of_a_plain_loop():
    random = np.random.default_rng(3)
    vectors, codes = clustered(each=5)
    right = []
    for _ in range(2500):
        chosen = random.permutation(12)[:4]
        items = [random.permutation(5)[:3] for _ in chosen]
        own = random.permutation(5)
        items[0], question = own[:3], vectors[chosen[0] * 5 + own[3]]
        apart = [
            np.linalg.norm(vectors[who * 5 + some] - question, axis=1).min()
            for who, some in zip(chosen, items, strict=True)
        ]
        right.append(np.argmin(apart) == 0)
    found = one_shot(vectors, codes, Euclidean().rows, ways=4, shots=3, episodes=6000)
    assert found.accuracy == pytest.approx(np.mean(right), abs=0.04)
    assert (found.shots, found.ways) == (3, 4)
    assert found.accuracy > one_shot(vectors, codes, Euclidean().rows, ways=4).accuracy
    assert one_shot(vectors, codes, Euclidean().rows, shots=5) is None


def test_examples_are_different_items_and_never_the_question():
    random = np.random.default_rng(0)
    sizes = np.array([[4, 9, 3]] * 500)
    own = np.array([[False, False, True], [True, False, False]] * 250)
    question = np.array([2, 3] * 250)
    drawn = _distinct(sizes, own, question, 2, random)
    assert drawn.shape == (500, 3, 2)
    assert (drawn[..., 0] != drawn[..., 1]).all()
    assert (drawn >= 0).all()
    assert (drawn < sizes[..., None]).all()
    assert not (drawn[own] == question[:, None]).any()
    counts = np.bincount(drawn[:, 1].ravel(), minlength=9)
    assert counts.min() > 70  # of 1000 draws of nine items


def test_among_all_identities_it_is_a_plain_loop():
    vectors, codes = clustered(each=4)
    vectors, codes = vectors[:-3], codes[:-3]  # the last identity has one item
    found = identification(vectors, codes, Euclidean().matrix, 1.5, ranks=5)
    lots = np.random.default_rng(0).permutation(len(codes))
    example = {}
    for i in lots:
        example.setdefault(codes[i], i)
    ranks = {}
    for i, code in enumerate(codes):
        if i != example[code] and code != 11:
            apart = {k: np.linalg.norm(vectors[i] - vectors[at]) for k, at in example.items()}
            ranks.setdefault(code, []).append(sum(d < apart[code] for d in apart.values()) + 1)
    expected = [np.mean([np.mean(np.array(r) <= k) for r in ranks.values()]) for k in range(1, 6)]
    assert list(found.cmc) == pytest.approx(expected)
    assert found.rank_1.value == found.cmc[0]
    assert (found.enrolled, found.probes, found.known, found.strangers) == (12, 33, 5, 7)


def test_strangers_and_known_ones_are_a_plain_loop():
    vectors, codes = clustered(20, 5, spread=0.3)
    threshold = 1.9
    found = identification(vectors, codes, Euclidean().matrix, threshold)
    random = np.random.default_rng(0)
    lots = random.permutation(len(codes))
    example = {}
    for i in lots:
        example.setdefault(codes[i], i)
    known = sorted(random.permutation(20)[:10].tolist())
    rows = [example[k] for k in known]
    taken, missed = {}, {}
    for i, code in enumerate(codes):
        apart = np.linalg.norm(vectors[rows] - vectors[i], axis=1)
        if code not in known:
            taken.setdefault(code, []).append(apart.min() <= threshold)
        elif i != example[code]:
            best = known[int(np.argmin(apart))] == code and apart.min() <= threshold
            missed.setdefault(code, []).append(not best)
    assert found.fpir.value == pytest.approx(np.mean([np.mean(x) for x in taken.values()]))
    assert found.fnir.value == pytest.approx(np.mean([np.mean(x) for x in missed.values()]))
    assert 0 < found.fpir.value < 1
    assert 0 < found.fnir.value < 1
    assert found.fnir_at[0.01] >= found.fnir_at[0.1]
    never = identification(vectors, codes, Euclidean().matrix, -1.0)
    assert (never.fpir.value, never.fnir.value) == (0.0, 1.0)


def test_therejecting_threshold_keeps_the_share_of_strangers():
    closest, each = np.array([1.0, 2, 2, 3, 4, 5]), np.ones(6)
    assert rejecting(closest, each, 0.5) == 2.0
    assert rejecting(closest, each, 0.4) == 1.0
    assert rejecting(closest, each, 0.1) == -1.0


def test_equal_distances_identify_nobody():
    codes = np.repeat(np.arange(8), 3)
    found = identification(np.zeros((24, 2), np.float32), codes, Euclidean().matrix, 0.5)
    assert found.rank_1.value == pytest.approx(1 / 8)
    assert found.cmc == pytest.approx([k / 8 for k in range(1, 9)])
    assert found.fpir.value == 1.0
    one = identification(
        np.zeros((4, 2), np.float32), np.array([0, 0, 1, 2]), Euclidean().matrix, 1
    )
    assert one is None
