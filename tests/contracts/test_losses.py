"""What every loss promises, whoever adds one."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from likewise.distances import FAMILY as DISTANCES
from likewise.errors import BadArgument
from likewise.learn.losses import FAMILY
from likewise.learn.losses.base import Loss
from likewise.types import Labels

TWO_VIEWS = {"nt_xent"}
"""Losses of exactly two rows a class."""

WEIGHED = {"circle"}
"""Losses with weights of their pairs through which, by their papers, no gradient flows."""

Target = Callable[..., Labels]


APART = {"none", "cosent", "cosine_mse", "pml"}
"""One that promises to teach nothing, and those with tests of their own for the same promises
(tests/learn/losses/test_graded.py, tests/learn/losses/test_pml.py)."""


@pytest.fixture(params=[name for name in FAMILY.names() if name not in APART])
def name(request: pytest.FixtureRequest) -> str:
    """All that learn from `Labels`."""
    return request.param


@pytest.fixture(params=DISTANCES.names())
def loss(name: str, request: pytest.FixtureRequest) -> Loss:
    torch.manual_seed(0)
    return FAMILY.build(name, distance=DISTANCES.build(request.param), classes=12, dim=8)


def drawn(count: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (0.4 * torch.randn(count, 8, generator=generator, dtype=dtype)).requires_grad_()


@pytest.fixture
def labels(name: str) -> Target:
    """Classes that the loss can learn from."""

    def made(count: int, classes: int = 5) -> Labels:
        return Labels(torch.arange(count) % (count // 2 if name in TWO_VIEWS else classes))

    return made


def gradient(value: Tensor, embeddings: Tensor) -> Tensor:
    assert value.shape == ()
    assert value.isfinite()
    (found,) = torch.autograd.grad(value, embeddings)
    assert found.isfinite().all()
    return found


def test_an_ordinary_batch_costs_something_and_has_a_gradient(loss: Loss, labels: Target) -> None:
    embeddings = drawn(20)
    value = loss(embeddings, labels(20))
    assert value > 0
    assert gradient(value, embeddings).any()


def test_a_batch_with_nothing_to_learn_from_costs_zero_with_a_gradient(
    loss: Loss, name: str, labels: Target
) -> None:
    none = Labels(torch.zeros(0, dtype=torch.int64))
    cases = [(drawn(0), none)]
    # One item alone is something to learn from where classes have rows of their own.
    if name not in TWO_VIEWS and not loss.by_class:
        cases += [(drawn(1), labels(1)), (drawn(6), labels(6), drawn(0), none)]
    for embeddings, *rest in cases:
        value = loss(embeddings, *rest)
        assert value == 0
        assert not gradient(value, embeddings).any()


@pytest.mark.parametrize("classes", [1, 12])
def test_one_class_and_all_distinct_are_finite_or_refused(
    loss: Loss, name: str, classes: int
) -> None:
    embeddings, target = drawn(12), Labels(torch.arange(12) % classes)
    if name in TWO_VIEWS:
        with pytest.raises(BadArgument, match=f"{name} takes two views"):
            loss(embeddings, target)
    else:
        gradient(loss(embeddings, target), embeddings)


def test_identical_and_zero_embeddings_are_finite(loss: Loss, labels: Target) -> None:
    for row in (torch.ones(1, 8), torch.zeros(1, 8)):
        embeddings = row.repeat(10, 1).requires_grad_()
        gradient(loss(embeddings, labels(10)), embeddings)
    embeddings = torch.cat([drawn(10).detach(), torch.zeros(2, 8), drawn(10).detach()])
    embeddings.requires_grad_()
    gradient(loss(embeddings, labels(22)), embeddings)


def test_the_order_of_the_rows_does_not_matter(loss: Loss, labels: Target) -> None:
    embeddings, target = drawn(24), labels(24)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
    shuffled = embeddings.detach()[order].requires_grad_()
    value, other = loss(embeddings, target), loss(shuffled, Labels(target.labels[order]))
    torch.testing.assert_close(value, other)
    torch.testing.assert_close(
        gradient(value, embeddings)[order], gradient(other, shuffled), rtol=1e-4, atol=1e-6
    )


def test_which_number_a_class_has_does_not_matter(loss: Loss, labels: Target) -> None:
    embeddings = drawn(20)
    other = Labels(7 - 10**9 * labels(20).labels)
    if loss.by_class:
        with pytest.raises(BadArgument, match=r"each of the 12 classes.*0 to 11, and was given"):
            loss(embeddings, other)
        return
    torch.testing.assert_close(loss(embeddings, labels(20)), loss(embeddings, other))


def test_references_that_are_the_batch_itself_change_nothing(loss: Loss, labels: Target) -> None:
    embeddings, target = drawn(20), labels(20)
    if loss.by_class:
        with pytest.raises(BadArgument, match=r"was given references\. Set memory=0"):
            loss(embeddings, target, embeddings, target)
        return
    torch.testing.assert_close(
        loss(embeddings, target, embeddings, target), loss(embeddings, target)
    )


def test_references_are_what_rows_are_compared_with(loss: Loss, name: str) -> None:
    if loss.by_class:
        return
    embeddings, memory = drawn(9), drawn(15, seed=3)
    numbers = torch.arange(15) % (15 if name in TWO_VIEWS else 5)
    value = loss(embeddings, Labels(numbers[:9]), memory, Labels(numbers))
    each = [
        loss(embeddings[i : i + 3], Labels(numbers[i : i + 3]), memory, Labels(numbers))
        for i in (0, 3, 6)
    ]
    assert gradient(value, embeddings).any()
    assert min(each) <= value <= max(each)
    value = loss(embeddings, Labels(numbers[:9]), memory, Labels(numbers))
    assert torch.autograd.grad(value, memory)[0].any()


def test_autocast_changes_nothing(loss: Loss, labels: Target) -> None:
    half = drawn(20).detach().bfloat16().requires_grad_()
    plain = loss(half.float(), labels(20))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(half, labels(20))
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, plain)
    assert gradient(value, half).dtype == torch.bfloat16


def test_its_gradient_is_right(loss: Loss, name: str, labels: Target) -> None:
    embeddings = drawn(10, seed=2, dtype=torch.float64)
    own = list(loss.double().parameters())
    if name not in WEIGHED:
        given = (embeddings, *own)
        assert torch.autograd.gradcheck(lambda e, *_: loss(e, labels(10, 3)), given)


def test_what_a_loss_has_of_its_own_is_learned(loss: Loss, name: str, labels: Target) -> None:
    own = list(loss.parameters())
    assert bool(own) == loss.by_class
    if own:
        gradients = torch.autograd.grad(loss(drawn(20), labels(20)), own)
        assert all(found.isfinite().all() and found.any() for found in gradients)
        assert loss.rate > 0


def test_following_it_brings_the_same_together(loss: Loss, labels: Target) -> None:
    embeddings = nn.Parameter(drawn(16).detach())
    target = labels(16)
    same = (target.labels[:, None] == target.labels) & ~torch.eye(16).bool()

    def overlap() -> float:
        unit = nn.functional.normalize(embeddings.detach())
        distances = torch.cdist(unit, unit)
        return float(
            distances[same].mean() / distances[target.labels[:, None] != target.labels].mean()
        )

    before = overlap()
    optimiser = torch.optim.Adam([embeddings], lr=0.02)
    if loss.by_class:
        optimiser.add_param_group({"params": [*loss.parameters()], "lr": 0.02 * loss.rate})
    # Where each class has a row, that has to be found first.
    for _ in range(90 if loss.by_class else 60):
        optimiser.zero_grad()
        loss(embeddings, target).backward()
        optimiser.step()
    assert overlap() < 0.7 * before
