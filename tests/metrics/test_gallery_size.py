"""Rank-1 and FNIR against the size of the gallery, held against a plain loop."""

import json
import re
import time

import numpy as np
import pytest

from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.metrics.gallery_size import by_size
from likewise.report.growth import growth_figure
from likewise.results.ranking import AtSize, Share


def clustered(count: int, each: int, spread: float, seed: int = 0):
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(count), each)
    centres = random.standard_normal((count, 6))
    vectors = centres[codes] + spread * random.standard_normal((len(codes), 6))
    return vectors.astype(np.float32), codes


def plainly(vectors, codes, size, fpir, rounds, seed):
    """Gallery by gallery, item by item; identities weigh equally."""
    random = np.random.default_rng(seed)
    names = sorted(set(codes.tolist()))
    first, lost = {}, {}
    for _ in range(rounds):
        known = random.choice(names, size, replace=False).tolist()
        example = {who: int(random.choice(np.flatnonzero(codes == who))) for who in known}
        apart = {
            at: {
                who: float(np.linalg.norm(vectors[at] - vectors[one]))
                for who, one in example.items()
            }
            for at in range(len(codes))
            if at not in example.values()
        }
        weights = sorted(
            (min(apart[at].values()), 1 / int((codes == codes[at]).sum()))
            for at in apart
            if codes[at] not in example
        )
        total, taken, threshold = sum(weight for _, weight in weights), 0.0, -1.0
        for far, weight in weights:
            taken += weight
            if taken / total > fpir + 1e-9:
                break
            threshold = far
        for at, row in apart.items():
            who = int(codes[at])
            if who in example:
                hit = min(row, key=row.get) == who
                first.setdefault(who, []).append(hit)
                lost.setdefault(who, []).append(not (hit and row[who] <= threshold))
    return tuple(float(np.mean([np.mean(v) for v in of.values()])) for of in (first, lost))


@pytest.fixture(scope="module")
def uneven():
    """Embeddings of which one identity has one item and one three, and what is found of them."""
    vectors, codes = clustered(45, 4, 0.7)
    keep = np.ones(len(codes), dtype=bool)
    keep[[1, 2, 3, 5]] = False
    vectors, codes = vectors[keep], codes[keep]
    return vectors, codes, by_size(vectors, codes, Euclidean().matrix, fpir=0.1, galleries=250)


@pytest.mark.parametrize("size", [2, 5, 20])
def test_it_is_a_plain_loop(size, uneven):
    vectors, codes, every = uneven
    found = next(one for one in every if one.size == size)
    rank_1, fnir = plainly(vectors, codes, size, 0.1, 250, seed=9)
    assert found.rank_1.value == pytest.approx(rank_1, abs=0.03)
    assert found.fnir.value == pytest.approx(fnir, abs=0.04)
    assert found.rank_1.low < found.rank_1.value < found.rank_1.high
    assert (found.strangers, found.galleries, found.fpir) == (45 - size, 250, 0.1)


def test_sizes_go_up_to_all_and_strangers_are_enough():
    vectors, codes = clustered(75, 3, 0.5)
    found = by_size(vectors, codes, Euclidean().matrix)
    assert [one.size for one in found] == [2, 5, 10, 20, 50, 75]
    assert [one.fnir is None for one in found] == [False] * 5 + [True]
    ranks = [one.rank_1.value for one in found]
    assert ranks == sorted(ranks, reverse=True)
    lost = [one.fnir.value for one in found[:-1]]
    assert lost[0] < lost[-1]
    assert all(one.rank_1.units <= 75 for one in found)


def test_the_extremes():
    codes = np.repeat(np.arange(30), 3)
    noise = np.random.default_rng(0).normal(scale=0.01, size=(90, 30))
    perfect = (np.eye(30)[codes] + noise).astype(np.float32)
    for one in by_size(perfect, codes, Cosine().matrix):
        assert one.rank_1.value == 1
        assert one.fnir is None or one.fnir.value == 0
    for one in by_size(np.ones((90, 2), np.float32), codes, Euclidean().matrix):
        assert one.rank_1.value == pytest.approx(1 / one.size)
        assert one.fnir is None or one.fnir.value == 1
    assert by_size(perfect[:3], codes[:3], Cosine().matrix) == ()
    assert by_size(np.eye(5, dtype=np.float32), np.arange(5), Cosine().matrix) == ()


@pytest.mark.slow
def test_it_is_the_same_twice_and_bounded_in_time():
    vectors, codes = clustered(6000, 3, 0.5)
    begun = time.process_time()
    found = by_size(vectors, codes, Euclidean().matrix)
    assert time.process_time() - begun < 120
    assert [one.size for one in found][-3:] == [2000, 5000, 6000]
    some = (vectors[:300], codes[:300], Euclidean().matrix)
    assert by_size(*some) == by_size(*some)


def test_the_figure_says_what_it_shows():
    shares = [Share(0.9, 30, 0.8, 0.95), Share(0.7, 30, None, None)]
    at = [
        AtSize(2, 20, shares[0], 0.1, shares[1], 28),
        AtSize(30, 20, shares[1], 0.1, None, 0),
    ]
    figure = growth_figure(at)
    assert "Rank-1 is 0.900 among 2 identities and 0.700 among 30." in figure.gist
    drawn = json.loads(figure.content)["data"]
    assert [len(trace["x"]) for trace in drawn] == [2, 1]
    assert drawn[0]["error_y"]["array"] == pytest.approx([0.05, 0.0])


def test_it_stands_in_the_report_and_in_json(likewise_json, image_model, strangers, tmp_path):
    page = tmp_path / "page.html"
    told = likewise_json("evaluate", image_model.folder, strangers, "--report", page)
    at = told["identification"]["by_size"]
    assert [one["size"] for one in at] == [2, 5, 10, 20, 25]
    assert [one["fnir"] is None for one in at] == [False, False, True, True, True]
    assert at[0]["rank_1"]["value"] >= at[-1]["rank_1"]["value"]
    text = page.read_text()
    assert "As the gallery grows" in text
    assert re.search(r"Rank-1 is [01]\.\d+ among 2 identities", text)
