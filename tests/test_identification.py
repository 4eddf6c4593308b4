import numpy as np
import pytest

from likewise.distances.euclidean import Euclidean
from likewise.metrics.identification import one_shot
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
