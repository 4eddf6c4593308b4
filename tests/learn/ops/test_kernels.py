"""The fast matrix forms against the definition, values and gradients."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor

from likewise.distances import FAMILY
from likewise.distances.base import Distance
from likewise.errors import BadArgument
from likewise.learn.ops import kernels


class Canberra(Distance):
    """A distance that kernels.py has never heard of."""

    def rows(self, first: Any, second: Any) -> Any:
        return (abs(first - second) / (1 + abs(first) + abs(second))).sum(-1)

    def matrix(self, first: Any, second: Any) -> Any:
        raise NotImplementedError


@pytest.fixture(params=[*FAMILY.names(), "foreign"])
def distance(request: pytest.FixtureRequest) -> Distance:
    return Canberra() if request.param == "foreign" else FAMILY.build(request.param)


def drawn(seed: int, count: int, dim: int = 10, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, dim, generator=generator, dtype=dtype)


def by_rows(distance: Distance, first: Tensor, second: Tensor) -> Tensor:
    rows = [distance.rows(first, row.expand_as(first)) for row in second]
    return torch.stack(rows, dim=1)


def gradients(function: Any, first: Tensor, second: Tensor) -> tuple[Tensor, ...]:
    first, second = first.clone().requires_grad_(), second.clone().requires_grad_()
    result = function(first, second)
    weights = drawn(9, *result.shape, dtype=result.dtype)
    return torch.autograd.grad((result * weights).sum(), (first, second))


@pytest.mark.parametrize("offset", [0.0, 100.0, 1e4])
def test_it_agrees_with_rows(distance: Distance, offset: float) -> None:
    first, second = drawn(0, 17) + offset, drawn(1, 11) + offset
    torch.testing.assert_close(
        kernels.torch_matrix(distance, first, second),
        by_rows(distance, first, second),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("name", FAMILY.names())
def test_rounding_never_leads_below_zero(name: str) -> None:
    rows = drawn(8, 300, 6)
    matrix = kernels.torch_matrix(FAMILY.build(name), rows, torch.cat([rows, -rows]))
    assert (matrix >= 0).all()
    assert matrix.diagonal().max() < 1e-6


def test_rounding_never_leads_cosine_beyond_two() -> None:
    rows = drawn(8, 300, 6)
    matrix = kernels.torch_matrix(FAMILY.build("cosine"), rows, -rows)
    assert matrix.max() == 2


def test_its_gradient_agrees_with_that_of_rows(distance: Distance) -> None:
    first, second = drawn(2, 9, dtype=torch.float64), drawn(3, 7, dtype=torch.float64)
    fast = gradients(lambda a, b: kernels.torch_matrix(distance, a, b), first, second)
    slow = gradients(lambda a, b: by_rows(distance, a, b), first, second)
    torch.testing.assert_close(fast, slow)


def test_its_gradient_is_right(distance: Distance) -> None:
    pair = [drawn(s, 4, 3, torch.float64).requires_grad_() for s in (4, 5)]
    assert torch.autograd.gradcheck(lambda a, b: kernels.torch_matrix(distance, a, b), pair)


def test_identical_rows_have_no_gradient(distance: Distance) -> None:
    rows = drawn(6, 1).expand(5, 10).clone().requires_grad_()
    kernels.torch_matrix(distance, rows, rows).sum().backward()
    assert rows.grad is not None
    torch.testing.assert_close(rows.grad, torch.zeros_like(rows), rtol=0, atol=1e-6)


def test_rows_that_are_all_zero_have_a_finite_gradient(distance: Distance) -> None:
    rows = torch.cat([torch.zeros(2, 10), drawn(7, 3)]).requires_grad_()
    result = kernels.torch_matrix(distance, rows, rows)
    result.sum().backward()
    assert rows.grad is not None
    assert result.isfinite().all()
    assert rows.grad.isfinite().all()
    torch.testing.assert_close(
        result, by_rows(distance, rows.detach(), rows.detach()), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", FAMILY.names())
def test_it_is_computed_in_float32_under_autocast(name: str) -> None:
    distance = FAMILY.build(name)
    first, second = drawn(0, 6, 64).bfloat16(), drawn(1, 5, 64).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = kernels.torch_matrix(distance, first, second)
        from_float32 = kernels.torch_matrix(distance, first.float(), second.float())
    assert result.dtype == torch.float32
    exact = by_rows(distance, first.double(), second.double()).float()
    torch.testing.assert_close(result, exact, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(from_float32, exact, rtol=1e-5, atol=1e-6)


def test_it_takes_what_is_not_contiguous(distance: Distance) -> None:
    first, second = drawn(0, 10, 6).T.requires_grad_(), drawn(1, 20)[::2, :10]
    kernels.torch_matrix(distance, first, second).sum().backward()
    torch.testing.assert_close(
        kernels.torch_matrix(distance, first, second),
        kernels.torch_matrix(distance, first.contiguous(), second.contiguous()),
    )


@pytest.mark.parametrize(("count", "other"), [(0, 0), (0, 4), (4, 0)])
def test_there_may_be_no_rows(distance: Distance, count: int, other: int) -> None:
    first, second = drawn(0, count).requires_grad_(), drawn(1, other).requires_grad_()
    result = kernels.torch_matrix(distance, first, second)
    assert result.shape == (count, other)
    result.sum().backward()
    assert first.grad is not None
    assert not first.grad.any()


def test_lengths_that_differ_are_refused() -> None:
    distance = FAMILY.build("euclidean")
    with pytest.raises(BadArgument, match=r"euclidean.*lengths 3 and 4"):
        inspect.unwrap(kernels.torch_matrix)(distance, torch.ones(2, 3), torch.ones(2, 4))
