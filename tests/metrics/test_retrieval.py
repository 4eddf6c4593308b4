"""Retrieval against a plain loop and pytorch-metric-learning."""

import numpy as np
import pytest
import torch
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

from likewise.distances.euclidean import Euclidean
from likewise.metrics import retrieval as module
from likewise.metrics.retrieval import retrieval


def clustered(sizes, dim=4, spread=0.8, seed=0):
    random = np.random.default_rng(seed)
    codes = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = random.normal(size=(len(sizes), dim))
    vectors = centres[codes] + spread * random.normal(size=(len(codes), dim))
    return vectors.astype(np.float32), codes


SIZES = [1, 2, 7, 3, 12, 2, 5, 1, 4, 30]


@pytest.fixture(params=[4_000_000, 1000])
def blocks(request, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_ELEMENTS", request.param)


@pytest.mark.usefixtures("blocks")
def test_every_figure_is_that_of_a_plain_loop():
    vectors, codes = clustered(SIZES)
    found = retrieval(vectors, codes, Euclidean().matrix, recall_at=(1, 3, 40))
    figures = {}
    for i, code in enumerate(codes):
        apart = np.linalg.norm(vectors - vectors[i], axis=1)
        order = [j for j in np.argsort(apart) if j != i]
        right = codes[order] == code
        others = right.sum()
        if others:
            precision = np.cumsum(right) / np.arange(1, len(right) + 1)
            mean = (precision * right)[:others].sum() / others
            recall = [right[:k].any() for k in (1, 3, 40)]
            one = (right[0], right[:others].mean(), mean, *recall)
            figures.setdefault(code, []).append(one)
    expected = np.mean([np.mean(each, axis=0) for each in figures.values()], axis=0)
    shares = (found.precision_at_1, found.r_precision, found.map_at_r, *found.recall.values())
    assert [share.value for share in shares] == pytest.approx(expected.tolist())
    assert list(found.recall) == [1, 3, 40]
    assert (found.queries, found.items) == (sum(SIZES) - 2, sum(SIZES))
    assert {share.units for share in shares} == {8}


def test_it_agrees_with_pytorch_metric_learning():
    vectors, codes = clustered([6] * 12 + [3] * 20, seed=2)

    def nearest(query, k, reference, ref_includes_query):
        apart = torch.cdist(query.double(), reference.double())
        apart.fill_diagonal_(torch.inf)
        distances, indices = apart.topk(k, largest=False)
        return distances, indices

    names = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    calculator = AccuracyCalculator(
        include=names, avg_of_avgs=True, k=len(codes) - 1, knn_func=nearest,
        device=torch.device("cpu"),
    )  # fmt: skip
    theirs = calculator.get_accuracy(
        torch.from_numpy(vectors),
        torch.from_numpy(codes),
        torch.from_numpy(vectors),
        torch.from_numpy(codes),
        ref_includes_query=True,
    )
    ours = retrieval(vectors, codes, Euclidean().matrix)
    shares = (ours.precision_at_1, ours.r_precision, ours.map_at_r)
    assert [share.value for share in shares] == pytest.approx([theirs[name] for name in names])


@pytest.mark.usefixtures("blocks")
def test_distances_that_say_nothing_are_worth_chance():
    codes = np.repeat(np.arange(60), 5)
    found = retrieval(np.zeros((300, 3), np.float32), codes, Euclidean().matrix)
    # Four others among 299; the lots are the same for every question, so that some luck remains.
    assert found.precision_at_1.value < 0.05
    assert found.r_precision.value == pytest.approx(4 / 299, abs=0.02)
    assert found.map_at_r.value < 0.02


def test_one_item_each_cannot_be_asked_for():
    assert retrieval(np.eye(4, dtype=np.float32), np.arange(4), Euclidean().matrix) is None


def test_perfect_embeddings_are_perfect():
    codes = np.repeat(np.arange(25), 3)
    vectors = np.eye(25, dtype=np.float32)[codes]
    found = retrieval(vectors, codes, Euclidean().matrix)
    assert found.map_at_r.value == found.precision_at_1.value == found.recall[10].value == 1.0
    assert found.map_at_r.low == pytest.approx(0.05 ** (1 / 25))
