"""Exact search: what a plain scan finds, whatever the sizes, the ties and the gaps."""

import numpy as np
import pytest

from likewise.distances import FAMILY as DISTANCES
from likewise.stores import exact


def scanned(queries, vectors, k, distance, allowed):
    """The k nearest by the definition, ties by row, one query after the other."""
    found = []
    for query in queries:
        far = distance.rows(np.repeat(query[None], len(vectors), axis=0), vectors)
        order = [row for row in np.lexsort((np.arange(len(vectors)), far)) if allowed[row]][:k]
        found.append((order, far[order].tolist()))
    return found


# Blocks are looked at by the leasts of up to 32 values: sizes that leave some over, and none.
@pytest.mark.parametrize("count", [1, 5, 31, 33, 120, 127, 159, 1000, 1024, 4099])
@pytest.mark.parametrize("k", [1, 3, 10, 200])
@pytest.mark.parametrize("spec", ["euclidean", "cosine", "manhattan"])
def test_it_is_a_plain_scan(count, k, spec):
    random = np.random.default_rng(count + k)
    vectors = random.standard_normal((count, 6)).astype(np.float32)
    # Copies, whose order only their rows give, and one without direction.
    vectors[random.integers(count, size=count // 4)] = vectors[0]
    vectors[-1] = 0
    distance, squares = DISTANCES.build(spec), exact.squares_of(vectors)
    queries = np.concatenate([vectors[:1], random.standard_normal((3, 6)).astype(np.float32)])
    holes = np.flatnonzero(random.random(count) < 0.3)
    for asked in (queries[:1], queries):
        for gaps in (None, holes):
            allowed = np.ones(count, dtype=bool)
            if gaps is not None:
                allowed[gaps] = False
            found = exact.nearest_rows(asked, vectors, squares, k, distance, holes=gaps)
            told = [(rows.tolist(), far.tolist()) for rows, far in found]
            assert told == scanned(asked, vectors, k, distance, allowed)


@pytest.mark.parametrize("spec", ["euclidean", "cosine"])
def test_blocks_together_are_a_plain_scan(monkeypatch, spec):
    monkeypatch.setattr(exact, "_ROWS", 300)
    random = np.random.default_rng(0)
    # The later, the nearer: the bound of the first block says little of the last.
    vectors = random.standard_normal((2000, 6)) * np.linspace(9, 0.1, 2000)[:, None]
    vectors = vectors.astype(np.float32)
    distance = DISTANCES.build(spec)
    queries = random.standard_normal((5, 6)).astype(np.float32)
    found = exact.nearest_rows(queries, vectors, exact.squares_of(vectors), 10, distance)
    told = [(rows.tolist(), far.tolist()) for rows, far in found]
    assert told == scanned(queries, vectors, 10, distance, np.ones(2000, dtype=bool))


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_vector_that_is_no_number_hides_no_other():
    vectors = np.random.default_rng(0).standard_normal((1000, 6)).astype(np.float32)
    sound, distance = vectors.copy(), DISTANCES.build("euclidean")
    vectors[::40] = np.nan
    allowed = np.ones(1000, dtype=bool)
    allowed[::40] = False
    squares = exact.squares_of(sound)
    found = exact.nearest_rows(sound[:50], vectors, squares, 10, distance)
    told = [(rows.tolist(), far.tolist()) for rows, far in found]
    assert told == scanned(sound[:50], sound, 10, distance, allowed)
