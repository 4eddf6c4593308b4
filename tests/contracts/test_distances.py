"""What every distance promises, whoever adds one."""

import numpy as np
import pytest
import torch

from likewise.distances import FAMILY
from likewise.distances.base import Distance


@pytest.fixture(params=FAMILY.names())
def distance(request: pytest.FixtureRequest) -> Distance:
    return FAMILY.build(request.param)


def drawn(count: int, dim: int = 24, offset: float = 0.0, spread: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(count + dim)
    return (offset + spread * random.standard_normal((count, dim))).astype(np.float32)


def every_pair(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(first, len(second), axis=0), np.tile(second, (len(first), 1))


def test_it_is_symmetric(distance: Distance) -> None:
    first, second = drawn(40), drawn(40, offset=0.5)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(distance.rows(first, second), distance.rows(second, first))
    np.testing.assert_allclose(
        distance.matrix(first, second), distance.matrix(second, first).T, rtol=1e-6
    )


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e4, 1e9])
def test_an_item_and_itself_is_exactly_zero(distance: Distance, scale: float) -> None:
    items = drawn(30, dim=33) * np.float32(scale)
    assert not distance.rows(items, items.copy()).any()
    assert not np.diag(distance.matrix(items, items.copy())).any()
    tensor = torch.from_numpy(items)
    assert not distance.rows(tensor, tensor.clone()).any()


def test_it_is_never_negative_and_different_items_are_apart(distance: Distance) -> None:
    items = drawn(50)
    matrix = distance.matrix(items, items)
    assert (matrix >= 0).all()
    assert (matrix[~np.eye(50, dtype=bool)] > 0).all()


@pytest.mark.parametrize(
    ("offset", "spread"), [(0, 1), (1e3, 1e-2), (1e4, 1.0), (-1e4, 1e-1), (0, 1e-6), (0, 1e6)]
)
def test_the_matrix_agrees_with_rows(distance: Distance, offset: float, spread: float) -> None:
    first = drawn(45, offset=offset, spread=spread)
    second = np.concatenate([drawn(23, offset=offset, spread=spread), first[:5]])
    rows = distance.rows(*every_pair(first, second)).reshape(45, 28)
    matrix = distance.matrix(first, second)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, rows, rtol=1e-6, atol=1e-7)


def test_the_matrix_agrees_with_rows_across_blocks(distance: Distance) -> None:
    first, second = drawn(700, dim=5), drawn(1100, dim=5)
    rows = distance.rows(*every_pair(first, second)).reshape(700, 1100)
    np.testing.assert_allclose(distance.matrix(first, second), rows, rtol=1e-6, atol=1e-7)


def test_numpy_and_torch_give_the_same(distance: Distance) -> None:
    first, second = drawn(60), drawn(60, offset=0.1)
    by_torch = distance.rows(torch.from_numpy(first), torch.from_numpy(second))
    assert isinstance(by_torch, torch.Tensor)
    np.testing.assert_allclose(by_torch, distance.rows(first, second), rtol=1e-6, atol=1e-7)


def test_a_row_does_not_depend_on_the_others(distance: Distance) -> None:
    first, second = drawn(9), drawn(9, offset=0.3)
    whole = distance.rows(first, second)
    alone = [distance.rows(first[i : i + 1], second[i : i + 1])[0] for i in range(9)]
    np.testing.assert_allclose(whole, alone, rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(distance: Distance, dtype: torch.dtype) -> None:
    first, second = (torch.from_numpy(x).to(dtype) for x in (drawn(20), drawn(20, offset=0.2)))
    half = distance.rows(first, second)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, distance.rows(first.float(), second.float()))


def test_float16_of_numpy_is_computed_in_float32(distance: Distance) -> None:
    first, second = (60 * drawn(20)).astype(np.float16), drawn(20, offset=0.2).astype(np.float16)
    wide = distance.rows(first.astype(np.float32), second.astype(np.float32))
    assert distance.rows(first, second).dtype == np.float32
    np.testing.assert_array_equal(distance.rows(first, second), wide)
    np.testing.assert_allclose(np.diag(distance.matrix(first, second)), wide, rtol=1e-6, atol=1e-7)


def test_float64_stays(distance: Distance) -> None:
    first, second = drawn(6).astype(np.float64), drawn(6, offset=0.2).astype(np.float64)
    assert distance.rows(first, second).dtype == np.float64


def test_there_may_be_no_rows(distance: Distance) -> None:
    none, some = drawn(3)[:0], drawn(3)
    assert distance.rows(none, none).shape == (0,)
    assert distance.matrix(none, some).shape == (0, 3)
    assert distance.matrix(some, none).shape == (3, 0)


def test_the_gradient_of_identical_rows_is_zero(distance: Distance) -> None:
    first = torch.from_numpy(np.concatenate([drawn(4), np.zeros((1, 24), np.float32)]))
    first.requires_grad_()
    second = first.detach().clone().requires_grad_()
    distance.rows(first, second).sum().backward()
    assert first.grad is not None
    assert second.grad is not None
    assert not first.grad.any()
    assert not second.grad.any()


def test_the_gradient_is_right(distance: Distance) -> None:
    first, second = (
        torch.from_numpy(x.astype(np.float64)).requires_grad_()
        for x in (drawn(5, 4), drawn(5, 3 + 1))
    )
    assert torch.autograd.gradcheck(
        distance.rows, (first, (second + 0.5).detach().requires_grad_())
    )
