"""The losses of graded pairs against plain loops, and what every loss promises."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.loop.train import begin_run
from likewise.learn.losses import FAMILY
from likewise.learn.losses.base import Loss
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Labels, Pairs, Triplets
from tests.conftest import waves

NAMES = ["cosent", "cosine_mse"]


@pytest.fixture(params=NAMES)
def loss(request: pytest.FixtureRequest) -> Loss:
    return FAMILY.build(request.param, classes=3, dim=5)


def drawn(count: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randn(count, 5, generator=generator, dtype=dtype).requires_grad_()


def index(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def pairs(count: int, rows: int = 8) -> Pairs:
    generator = torch.Generator().manual_seed(count)
    first = torch.randint(rows, (count,), generator=generator)
    second = (first + torch.randint(1, rows, (count,), generator=generator)) % rows
    grades = torch.randint(5, (count,), generator=generator) / 4
    return Pairs(first, second, grades)


def cosine(embeddings: Tensor, target: Pairs, i: int) -> Tensor:
    one, other = embeddings[target.first[i]], embeddings[target.second[i]]
    return one @ other / one.norm() / other.norm()


def expected(name: str, embeddings: Tensor, target: Pairs) -> Tensor:
    count = len(target.first)
    cosines = [cosine(embeddings, target, i) for i in range(count)]
    if name == "cosine_mse":
        costs = [(c - g) ** 2 for c, g in zip(cosines, target.same.double(), strict=True)]
        return torch.stack(costs).mean()
    total = torch.ones(())
    for i in range(count):
        for j in range(count):
            if target.same[i] > target.same[j]:
                total = total + (20 * (cosines[j] - cosines[i])).exp()
    return total.log()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("binary", [False, True])
def test_it_is_its_equation(name: str, binary: bool) -> None:
    embeddings, target = drawn(8), pairs(12)
    if binary:
        target = Pairs(target.first, target.second, (target.same > 0.5).long())
    value, other = FAMILY.build(name)(embeddings, target), expected(name, embeddings, target)
    torch.testing.assert_close(value, other)
    assert value > 0
    ours, theirs = (torch.autograd.grad(cost, embeddings)[0] for cost in (value, other))
    torch.testing.assert_close(ours, theirs)


def test_its_gradient_is_right(loss: Loss) -> None:
    assert torch.autograd.gradcheck(lambda e: loss(e, pairs(12)), (drawn(8),))


def test_cosent_reads_the_order_alone_and_of_equal_grades_nothing() -> None:
    loss, embeddings, target = FAMILY.build("cosent"), drawn(8), pairs(12)
    squeezed = Pairs(target.first, target.second, target.same / 3 + 0.1)
    torch.testing.assert_close(loss(embeddings, squeezed), loss(embeddings, target))
    value = loss(embeddings, Pairs(target.first, target.second, torch.full((12,), 0.5)))
    assert value == 0
    assert not torch.autograd.grad(value, embeddings)[0].any()


def test_no_pairs_cost_zero_with_a_gradient(loss: Loss) -> None:
    for count in (0, 3):
        embeddings = drawn(count)
        value = loss(embeddings, Pairs(index(), index(), torch.zeros(0)))
        assert value == 0
        assert not torch.autograd.grad(value, embeddings)[0].any()


def test_identical_zero_and_impossible_embeddings(loss: Loss) -> None:
    for row in (torch.ones(1, 5), torch.zeros(1, 5)):
        embeddings = row.repeat(8, 1).requires_grad_()
        value = loss(embeddings, pairs(12))
        assert value.isfinite()
        assert torch.autograd.grad(value, embeddings)[0].isfinite().all()
    assert loss(drawn(8) * math.nan, pairs(12)).isnan()


def test_autocast_changes_nothing(loss: Loss) -> None:
    half = drawn(8).detach().bfloat16().requires_grad_()
    plain = loss(half.float(), pairs(12))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(half, pairs(12))
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, plain)


def test_following_it_brings_cosines_into_the_order_of_the_grades(loss: Loss) -> None:
    embeddings, target = drawn(8), pairs(8)
    optimiser = torch.optim.Adam([embeddings], lr=0.02)
    for _ in range(200):
        optimiser.zero_grad()
        loss(embeddings, target).backward()
        optimiser.step()
    cosines = torch.stack([cosine(embeddings, target, i) for i in range(8)]).detach()
    higher = target.same[:, None] > target.same
    assert higher.any()
    assert (cosines[:, None] > cosines)[higher].double().mean() > 0.9


FIRST, SECOND = index(0, 1), index(1, 2)
REFUSED: list[tuple[tuple[Any, ...], str]] = [
    ((Labels(index(0, 0, 1)),), "was given Labels, and Pairs with grades.*balanced_pairs"),
    ((Triplets(index(0), index(1), index(2)),), "was given Triplets, and Pairs"),
    ((Pairs(FIRST, SECOND, torch.tensor([0.5, 1.5])),), r"from 0 .* to 1 .*was given 1\.5\. Scale"),
    ((Pairs(FIRST, SECOND, torch.tensor([-0.5, 1.0])),), r"was given -0\.5"),
    ((Pairs(FIRST, SECOND, torch.tensor([math.nan, 1.0])),), "was given nan"),
    ((Pairs(FIRST, index(1, 3), torch.tensor([0.5, 1.0])),), "indices from 1 to 3.*rows 0 to 2"),
    (
        (Pairs(FIRST, SECOND, torch.ones(2)), torch.zeros(2, 5).double(), Labels(index(0, 1))),
        "references beside Pairs",
    ),
]


@pytest.mark.parametrize(("given", "words"), REFUSED)
def test_what_has_no_grades_is_refused(loss: Loss, given: Any, words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        loss(drawn(3), *given)


def test_a_scale_that_is_not_positive_is_refused() -> None:
    with pytest.raises(BadArgument, match=r"cosent: scale is 0\.0\. Give a positive number"):
        FAMILY.build("cosent(scale=0.0)")


@pytest.mark.parametrize("name", ["contrastive", "triplet", "supcon", "circle"])
def test_the_others_refuse_grades(name: str) -> None:
    from likewise.distances.euclidean import Euclidean

    loss = FAMILY.build(name, distance=Euclidean())
    words = "cosent" if name == "contrastive" else "given Pairs as target"
    with pytest.raises(BadArgument, match=words):
        loss(drawn(3), Pairs(FIRST, SECOND, torch.tensor([0.5, 1.0])))


@pytest.mark.parametrize("name", NAMES)
def test_a_run_learns_from_pairs(name: str) -> None:
    series, names = waves(count=30, each=4)
    settings = ["encoder=lstm(hidden=4)", "sampler=balanced_pairs(16)", "precision=float32"]
    recipe = Recipe.for_kind("series").with_settings(
        [*settings, f"loss={name}", "epochs=6", "learning_rate=0.01", "ema_decay=0"]
    )
    run = begin_run(recipe, Arrays.of(series, names, namespace="waves")).finish()
    costs = [epoch.loss for epoch in run.epochs]
    assert np.mean(costs[-2:]) < 0.9 * np.mean(costs[:2])
