"""The cost of a matcher against a plain loop, and what each matcher computes."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.matchers.base import Matcher
from likewise.learn.matchers.mlp import MlpMatcher
from likewise.learn.matchers.weighted_l1 import WeightedL1
from likewise.learn.network.matching import SymmetricMatcher, matching_cost
from likewise.types import Labels, Pairs


class Uneven(Matcher):
    """The order matters to it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 10, dtype=torch.float64))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.cat([first, second], dim=1) @ self.weight.to(first.dtype) + first[:, 0] ** 2


MATCHER = SymmetricMatcher(Uneven())


def drawn(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 5, generator=generator, dtype=torch.float64).requires_grad_()


def index(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def loop(embeddings: Tensor, labels: list[int]) -> float:
    """The mean of what a same and what a different pair costs on average."""
    costs: dict[bool, list[float]] = {True: [], False: []}
    for i in range(len(labels)):
        for j in range(i + 1, len(labels)):
            pair = embeddings[i : i + 1], embeddings[j : j + 1]
            logit = (MATCHER.matcher(*pair).item() + MATCHER.matcher(*pair[::-1]).item()) / 2
            same = labels[i] == labels[j]
            probability = 1 / (1 + math.exp(-logit))
            costs[same].append(-math.log(probability if same else 1 - probability))
    means = [sum(values) / len(values) for values in costs.values() if values]
    return sum(means) / len(means)


@pytest.mark.parametrize("labels", [[0, 1, 0, 2, 1, 1, 0], [0, 0, 0], [3, 1, 2], [5, 5], [5, 6]])
def test_it_is_what_a_plain_loop_gives(labels: list[int]) -> None:
    embeddings = drawn(len(labels))
    cost = matching_cost(MATCHER, embeddings, Labels(torch.tensor(labels)))
    assert cost.item() == pytest.approx(loop(embeddings, labels))


def test_it_is_the_cross_entropy_of_torch_with_gradients() -> None:
    embeddings = drawn(8)
    first, second = index(0, 1, 2, 3, 7), index(4, 5, 6, 0, 7)
    same = torch.tensor([1, 0, 0, 1, 1])
    logits = MATCHER(embeddings[first], embeddings[second])
    weights = torch.tensor([1 / 6, 1 / 4, 1 / 4, 1 / 6, 1 / 6], dtype=torch.float64)
    oracle = functional.binary_cross_entropy_with_logits(
        logits, same.double(), weight=weights, reduction="sum"
    )
    cost = matching_cost(MATCHER, embeddings, Pairs(first, second, same))
    torch.testing.assert_close(cost, oracle)
    inputs = [embeddings, *MATCHER.parameters()]
    torch.testing.assert_close(
        torch.autograd.grad(cost, inputs), torch.autograd.grad(oracle, inputs)
    )


def test_labels_stand_for_all_distinct_pairs() -> None:
    embeddings, labels = drawn(9), torch.arange(9) % 4
    first, second = torch.triu_indices(9, 9, 1)
    pairs = Pairs(first, second, (labels[first] == labels[second]).long())
    assert matching_cost(MATCHER, embeddings, Labels(labels)) == matching_cost(
        MATCHER, embeddings, pairs
    )


@pytest.mark.parametrize(
    ("count", "target"),
    [
        (0, Labels(index())),
        (1, Labels(index(4))),
        (3, Pairs(index(), index(), index())),
    ],
)
def test_nothing_to_learn_from_costs_zero_with_a_gradient(
    count: int, target: Labels | Pairs
) -> None:
    embeddings = drawn(count)
    cost = matching_cost(MATCHER, embeddings, target)
    assert cost == 0
    found = torch.autograd.grad(cost, [embeddings, *MATCHER.parameters()])
    assert [gradient.any().item() for gradient in found] == [False, False]


def test_sure_and_wrong_is_dear_and_finite() -> None:
    matcher = WeightedL1(dim=5)
    with torch.no_grad():
        matcher.alpha.fill_(-1e6)
    embeddings = torch.eye(5)[:2].requires_grad_()
    same = Pairs(index(0), index(1), index(1))
    cost = matching_cost(SymmetricMatcher(matcher), embeddings, same)
    assert cost.item() == pytest.approx(2e6)
    different = Pairs(index(0), index(1), index(0))
    assert matching_cost(SymmetricMatcher(matcher), embeddings, different) == 0


def test_it_is_computed_in_float32_under_autocast() -> None:
    matcher = SymmetricMatcher(MlpMatcher(dim=5))
    half = drawn(12).detach().bfloat16().requires_grad_()
    target = Labels(torch.arange(12) % 3)
    plain = matching_cost(matcher, half.float(), target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cost = matching_cost(matcher, half, target)
    assert cost.dtype == torch.float32
    torch.testing.assert_close(cost, plain)


def test_weighted_l1_is_kochs_formula_and_starts_with_nearer_is_likelier() -> None:
    matcher = WeightedL1(dim=3)
    with torch.no_grad():
        matcher.alpha.copy_(torch.tensor([1.0, -2.0, 0.5]))
        matcher.bias.fill_(0.25)
    first, second = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[1.0, -1.0, -2.0]])
    assert matcher(first, second).item() == 1 * 1 - 2 * 2 + 0.5 * 4 + 0.25
    fresh = WeightedL1(dim=16)
    assert ((fresh.alpha <= 0) & (fresh.alpha >= -0.25)).all()
    steps = torch.linspace(0, 3, 7)[:, None].expand(7, 16)
    assert (fresh(torch.zeros(7, 16), steps).diff() < 0).all()


def test_mlp_sees_both_their_difference_and_their_product() -> None:
    matcher = MlpMatcher(hidden=8, depth=3, dim=2).double()
    assert [layer.in_features for layer in matcher.layers[::2]] == [8, 8, 8, 8]
    with torch.no_grad():
        for parameter in matcher.parameters():
            parameter.zero_()
        matcher.layers[0].weight[0] = 10.0 ** torch.arange(8)
        for layer in matcher.layers[2::2]:
            layer.weight[0, 0] = 1
    first, second = torch.tensor([[1.0, 2.0]]).double(), torch.tensor([[3.0, 5.0]]).double()
    both, difference, product = 1 + 20 + 300 + 5e3, 2e4 + 3e5, 3e6 + 10e7
    assert matcher(first, second).item() == both + difference + product


def test_dropout_acts_in_training_alone() -> None:
    matcher = SymmetricMatcher(MlpMatcher(dropout=0.5, dim=5))
    first, second = drawn(50).float(), drawn(50, 1).float()
    assert (matcher(first, second) != matcher(first, second)).any()
    matcher.eval()
    assert (matcher(first, second) == matcher(first, second)).all()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Labels(index(0, 1)), r"target of the shape \[2\] for 4 rows"),
        (Pairs(index(0), index(4), index(1)), "rows 0 to 3"),
        (Pairs(index(0), index(1), torch.tensor([0.5])), "grade 0.5"),
    ],
)
def test_targets_that_do_not_fit_are_refused(target: Labels | Pairs, message: str) -> None:
    with pytest.raises(BadArgument, match=message):
        matching_cost(MATCHER, drawn(4), target)
