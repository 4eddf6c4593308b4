"""The distances against independent references, and at the edges of floating point."""

import inspect
import math
import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch

from likewise.distances import FAMILY
from likewise.distances.base import Distance
from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.distances.manhattan import Manhattan
from likewise.errors import BadArgument

RANDOM = np.random.default_rng(7)
FIRST = RANDOM.standard_normal((30, 12)).astype(np.float32)
SECOND = RANDOM.standard_normal((21, 12)).astype(np.float32)


def unchecked(method: Any) -> Any:
    """The method as users have it, without the shape checks of the tests."""
    return inspect.unwrap(method)


def angle_distance(a: np.ndarray, b: np.ndarray) -> float:
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    return 1 - dot / math.hypot(*map(float, a)) / math.hypot(*map(float, b))


def block_distance(a: np.ndarray, b: np.ndarray) -> float:
    return math.fsum(abs(float(x) - float(y)) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    ("distance", "plain"),
    [(Euclidean(), math.dist), (Manhattan(), block_distance), (Cosine(), angle_distance)],
)
def test_rows_and_matrix_are_what_a_plain_loop_gives(distance: Distance, plain: Any) -> None:
    expected = [[plain(a.astype(float), b.astype(float)) for b in SECOND] for a in FIRST]
    np.testing.assert_allclose(distance.matrix(FIRST, SECOND), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(
        distance.rows(FIRST[:21], SECOND), np.diag(np.asarray(expected)), rtol=1e-6, atol=1e-7
    )


def test_scikit_learn_agrees() -> None:
    from sklearn.metrics.pairwise import (
        cosine_distances,
        euclidean_distances,
        manhattan_distances,
    )

    a, b = FIRST.astype(np.float64), SECOND.astype(np.float64)
    np.testing.assert_allclose(Euclidean().matrix(a, b), euclidean_distances(a, b), rtol=1e-6)
    np.testing.assert_allclose(Manhattan().matrix(a, b), manhattan_distances(a, b), rtol=1e-6)
    np.testing.assert_allclose(Cosine().matrix(a, b), cosine_distances(a, b), rtol=1e-6)


@pytest.mark.parametrize("offset", [1e3, 1e4])
def test_tiny_differences_far_from_the_origin_are_right(offset: float) -> None:
    items = (offset + 1e-2 * RANDOM.standard_normal((60, 64))).astype(np.float32)
    exact = np.sqrt(((items[:, None].astype(np.float64) - items[None]) ** 2).sum(axis=2))
    naive = (items**2).sum(axis=1)[:, None] + (items**2).sum(axis=1) - 2 * items @ items.T
    assert np.abs(np.sqrt(np.maximum(naive, 0)) - exact).max() > 0.1
    np.testing.assert_allclose(Euclidean().matrix(items, items), exact, rtol=1e-6)


def test_tight_clusters_far_from_each_other_are_right() -> None:
    centres = np.repeat([[-1e4] * 16, [1e4] * 16, [3e3] * 16], 10, axis=0)
    items = (centres + 1e-2 * RANDOM.standard_normal((30, 16))).astype(np.float32)
    exact = np.sqrt(((items[:, None].astype(np.float64) - items[None]) ** 2).sum(axis=2))
    np.testing.assert_allclose(Euclidean().matrix(items, items), exact, rtol=1e-6)


def test_identical_rows_anywhere_are_exactly_zero_in_the_matrix() -> None:
    items = (1e3 + RANDOM.standard_normal((40, 48))).astype(np.float32)
    shuffled = RANDOM.permutation(40)
    for distance in (Euclidean(), Cosine()):
        matrix = distance.matrix(items, items[shuffled])
        assert not matrix[shuffled, np.arange(40)].any()
        assert np.count_nonzero(matrix) == 40 * 39


@pytest.mark.parametrize("name", FAMILY.names())
def test_a_collapsed_network_costs_no_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    distance = FAMILY.build(name)
    items = np.tile(FIRST[:1], (2000, 1))

    def never(*_: Any) -> None:
        raise AssertionError("nothing should be recomputed")

    monkeypatch.setattr(type(distance), "rows", never)
    assert not distance.matrix(items, items).any()


@pytest.mark.parametrize("name", FAMILY.names())
@pytest.mark.parametrize("case", ["many", "long", "duplicates"])
def test_temporary_memory_is_bounded(name: str, case: str) -> None:
    shape = {"many": (4000, 8), "long": (40, 100_000), "duplicates": (1200, 64)}[case]
    items = RANDOM.standard_normal(shape).astype(np.float32)
    if case == "duplicates":
        items = np.repeat(items[:4], 300, axis=0)
    tracemalloc.start()
    result = FAMILY.build(name).matrix(items, items)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - result.nbytes < 64 * 2**20


def test_a_vector_that_is_not_finite_spoils_only_its_own_distances() -> None:
    items = FIRST.copy()
    items[3, 2] = np.nan
    for distance in (Euclidean(), Cosine()):
        good = distance.matrix(np.delete(items, 3, axis=0), SECOND)
        np.testing.assert_allclose(
            np.delete(distance.matrix(items, SECOND), 3, axis=0), good, rtol=1e-6
        )
        assert np.isnan(distance.matrix(items, SECOND)[3]).all()


def test_cosine_reaches_from_zero_to_two() -> None:
    for scale in (1.0, 1e-6, 1e6, 1e20, 3e-12):
        a = FIRST * np.float32(scale)
        np.testing.assert_allclose(Cosine().rows(a, -FIRST), 2, rtol=1e-6)
        assert (Cosine().rows(a, -FIRST) <= 2).all()
        assert (Cosine().matrix(a, -FIRST) <= 2).all()
        np.testing.assert_allclose(Cosine().rows(a, FIRST), 0, atol=1e-7)


def test_cosine_puts_a_zero_vector_at_a_right_angle_to_all_but_zero() -> None:
    zero = np.zeros((2, 12), dtype=np.float32)
    zero[1] = 1e-20
    expected = [1.0, 1.0]
    np.testing.assert_allclose(Cosine().rows(zero, FIRST[:2]), expected, rtol=1e-6)
    np.testing.assert_allclose(Cosine().rows(FIRST[:2], zero), expected, rtol=1e-6)
    np.testing.assert_allclose(Cosine().matrix(FIRST[:2], zero), [expected] * 2, rtol=1e-6)
    assert not Cosine().matrix(zero, zero).any()


def test_cosine_gives_a_zero_vector_no_gradient() -> None:
    zero = torch.zeros(2, 12, requires_grad=True)
    Cosine().rows(zero, torch.from_numpy(FIRST[:2])).sum().backward()
    assert zero.grad is not None
    assert not zero.grad.any()


def test_euclidean_has_a_gradient_of_length_one_next_to_zero() -> None:
    for step in (1e-3, 1e-9, 1e-15):
        first = torch.zeros(1, 3, requires_grad=True)
        Euclidean().rows(first, torch.tensor([[step, 0.0, 0.0]])).sum().backward()
        torch.testing.assert_close(first.grad, torch.tensor([[-1.0, 0.0, 0.0]]))


MISTAKES = [
    (np.ones((2, 3), dtype=np.int64), np.ones((2, 3)), r"floats, and was given int64.*float32"),
    (np.ones(3), np.ones((1, 3)), r"in rows.*shape \[3\].*\[1 dim\]"),
    (np.ones((2, 0)), np.ones((2, 0)), r"dim at least 1.*shape \[2, 0\]"),
    (np.ones((2, 3)), np.ones((2, 4)), r"lengths 3 and 4.*same model"),
    ([[1.0]], np.ones((1, 1)), r"given list and ndarray.*Convert"),
    (torch.ones(2, 3), np.ones((2, 3)), r"given Tensor and ndarray.*Convert"),
]


@pytest.mark.parametrize("name", FAMILY.names())
@pytest.mark.parametrize(("first", "second", "words"), MISTAKES)
def test_what_cannot_be_compared_is_refused(name: str, first: Any, second: Any, words: str) -> None:
    distance = FAMILY.build(name)
    for method in ("rows", "matrix"):
        with pytest.raises(BadArgument, match=f"{name} compares.*{words}"):
            unchecked(getattr(type(distance), method))(distance, first, second)


@pytest.mark.parametrize("name", FAMILY.names())
def test_rows_of_unequal_number_are_refused(name: str) -> None:
    distance = FAMILY.build(name)
    with pytest.raises(BadArgument, match=r"row by row.*2 and 3 rows"):
        unchecked(type(distance).rows)(distance, np.ones((2, 4)), np.ones((3, 4)))


def test_the_shape_check_of_the_tests_refuses_a_wrong_shape() -> None:
    from jaxtyping import TypeCheckError

    with pytest.raises(TypeCheckError, match="second"):
        Euclidean().rows(np.ones((2, 4)), np.ones((3, 4)))


def test_numpy_is_served_without_torch() -> None:
    code = (
        "import sys, numpy as np; from likewise.distances import FAMILY\n"
        "for name in FAMILY.names():\n"
        "    d = FAMILY.build(name); x = np.eye(3); d.rows(x, x); d.matrix(x, x)\n"
        "assert not {'torch', 'scipy', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": ""}, timeout=60)
