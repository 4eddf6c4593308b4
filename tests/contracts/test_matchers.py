"""What every matcher promises, whoever adds one."""

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from likewise.errors import BadArgument, TrainingError
from likewise.learn import export as export_module
from likewise.learn.export import export_matcher
from likewise.learn.matchers import FAMILY
from likewise.learn.matching import SymmetricMatcher, matching_cost
from likewise.types import Labels

DIM = 12


@pytest.fixture(params=FAMILY.names(), scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def built(name: str) -> SymmetricMatcher:
    torch.manual_seed(0)
    return SymmetricMatcher(FAMILY.build(name, dim=DIM))


@pytest.fixture
def matcher(name: str) -> SymmetricMatcher:
    return built(name)


@pytest.fixture(scope="module")
def exported(name: str) -> bytes:
    return export_matcher(built(name), DIM)


def drawn(count: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, DIM, generator=generator, dtype=dtype)


def test_it_gives_one_logit_a_pair(matcher: SymmetricMatcher) -> None:
    for count in (0, 1, 9):
        assert matcher.matcher(drawn(count), drawn(count, 1)).shape == (count,)
        assert matcher(drawn(count), drawn(count, 1)).shape == (count,)


def test_wrapped_it_answers_the_same_in_both_orders(matcher: SymmetricMatcher) -> None:
    first, second = drawn(20), drawn(20, 1)
    torch.testing.assert_close(matcher(first, second), matcher(second, first), rtol=0, atol=0)


def test_a_pair_does_not_depend_on_the_others(matcher: SymmetricMatcher) -> None:
    first, second = drawn(9), drawn(9, 1)
    alone = [matcher(first[i : i + 1], second[i : i + 1]) for i in range(9)]
    torch.testing.assert_close(matcher(first, second), torch.cat(alone))


def test_identical_and_zero_embeddings_are_finite_with_a_gradient(
    matcher: SymmetricMatcher,
) -> None:
    for rows in (drawn(6), torch.ones(6, DIM), torch.zeros(6, DIM)):
        embeddings = rows.clone().requires_grad_()
        cost = matching_cost(matcher, embeddings, Labels(torch.arange(6) % 2))
        cost.backward()
        assert cost.isfinite()
        assert embeddings.grad is not None
        assert embeddings.grad.isfinite().all()
        assert matcher(rows, rows).isfinite().all()


def test_every_parameter_learns_and_so_do_the_embeddings(matcher: SymmetricMatcher) -> None:
    embeddings = drawn(12).requires_grad_()
    matching_cost(matcher, embeddings, Labels(torch.arange(12) % 4)).backward()
    assert embeddings.grad is not None
    assert (embeddings.grad.abs().sum(1) > 0).all()
    for name, parameter in matcher.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
        assert parameter.grad.isfinite().all(), name


def test_its_gradient_is_right(matcher: SymmetricMatcher) -> None:
    pair = [drawn(2, seed, torch.float64).requires_grad_() for seed in (1, 2)]
    assert torch.autograd.gradcheck(matcher.double(), pair)


def test_export_agrees_with_torch_on_a_free_axis(
    matcher: SymmetricMatcher, exported: bytes
) -> None:
    session = onnxruntime.InferenceSession(exported)
    assert {i.name: i.shape[1] for i in session.get_inputs()} == {"first": DIM, "second": DIM}
    for count in (1, 5, 33):
        first, second = 3 * drawn(count), 3 * drawn(count, 1)
        feed = {"first": first.numpy(), "second": second.numpy()}
        (theirs,) = session.run(["logit"], feed)
        np.testing.assert_allclose(theirs, matcher(first, second).detach(), rtol=1e-4, atol=1e-4)


def test_an_export_that_differs_is_refused(matcher: SymmetricMatcher, exported: bytes) -> None:
    with torch.no_grad():
        for parameter in matcher.parameters():
            parameter.add_(0.3)
    feeds = iter([export_module._random_pairs(DIM, rows=4, seed=0)])
    with pytest.raises(TrainingError, match="exported matcher differs from torch"):
        export_module._agree(matcher, exported, feeds, "logit")


def classes(first: int, count: int, each: int = 3) -> tuple[Tensor, Tensor]:
    """Two numbers tell a class; the other ten say nothing, and are larger."""
    rows, labels = [], []
    for identity in range(first, first + count):
        generator = torch.Generator().manual_seed(identity)
        centre = torch.randn(1, 2, generator=generator)
        telling = centre + 0.05 * torch.randn(each, 2, generator=generator)
        rest = 2 * torch.randn(each, DIM - 2, generator=generator)
        rows.append(torch.cat([telling, rest], dim=1))
        labels += [identity] * each
    return torch.cat(rows), torch.tensor(labels)


def test_it_learns_what_the_distance_cannot_tell(matcher: SymmetricMatcher) -> None:
    embeddings, labels = classes(0, 100)
    optimiser = torch.optim.Adam(matcher.parameters(), lr=0.03)
    random = torch.Generator().manual_seed(0)
    for _ in range(100):
        chosen = torch.isin(labels, torch.randperm(100, generator=random)[:12])
        optimiser.zero_grad()
        matching_cost(matcher, embeddings[chosen], Labels(labels[chosen])).backward()
        optimiser.step()
    strangers, labels = classes(1000, 40)
    first, second = torch.triu_indices(len(labels), len(labels), 1)
    same = labels[first] == labels[second]
    with torch.no_grad():
        logits = matcher(strangers[first], strangers[second])
    apart = (strangers[first] - strangers[second]).norm(dim=1)
    assert roc_auc_score(same, -apart) < 0.6
    assert roc_auc_score(same, logits) > 0.95


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("weighted_l1", "dim is 0"),
        ("mlp", "dim 0 must be positive"),
        ("mlp(hidden=0)", "hidden 0"),
        ("mlp(depth=0)", "depth 0"),
        ("mlp(dropout=1.0)", "dropout is 1.0"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(spec: str, message: str) -> None:
    with pytest.raises(BadArgument, match=message):
        FAMILY.build(spec, dim=0 if "dim" in message else DIM)
