"""What every matcher promises, whoever adds one."""

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from likewise.errors import BadArgument, TrainingError
from likewise.learn.matchers import FAMILY
from likewise.learn.network import export as export_module
from likewise.learn.network.export import export_matcher
from likewise.learn.network.matching import SymmetricMatcher, matching_cost
from likewise.types import Labels

pytestmark = pytest.mark.exported_anew
DIM = 12
MAPS = (DIM, 2, 3)
# Spec, learning rate, steps and classes a step, where a matcher does not learn as most do.
LEARNS = {"relation": ("relation(width=16)", 0.003, 150, 24)}


@pytest.fixture(params=FAMILY.names(), scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def built(name: str) -> SymmetricMatcher:
    torch.manual_seed(0)
    return SymmetricMatcher(FAMILY.build(name, dim=DIM, maps=MAPS))


@pytest.fixture
def matcher(name: str) -> SymmetricMatcher:
    return built(name)


@pytest.fixture(scope="module")
def exported(name: str) -> bytes:
    matcher = built(name)
    return export_matcher(matcher, *(matcher.matcher.sizes or (DIM,)))


def given(
    matcher: SymmetricMatcher, count: int, seed: int = 0, dtype: torch.dtype = torch.float32
) -> Tensor:
    """What an encoder gives the matcher: embeddings or feature maps."""
    generator = torch.Generator().manual_seed(seed)
    sizes = MAPS if matcher.uses_feature_maps else (DIM,)
    return torch.randn(count, *sizes, generator=generator, dtype=dtype)


def prepared(matcher: SymmetricMatcher, rows: Tensor) -> Tensor:
    """What is compared of it."""
    return matcher.matcher.prepared(rows) if matcher.uses_feature_maps else rows


def drawn(matcher: SymmetricMatcher, count: int, seed: int = 0) -> Tensor:
    """What the matcher compares of some items."""
    return prepared(matcher, given(matcher, count, seed)).detach()


def test_what_it_compares_has_the_sizes_that_it_says(matcher: SymmetricMatcher) -> None:
    assert drawn(matcher, 2).shape == (2, *(matcher.matcher.sizes or (DIM,)))


def test_it_gives_one_logit_a_pair(matcher: SymmetricMatcher) -> None:
    for count in (0, 1, 9):
        pair = drawn(matcher, count), drawn(matcher, count, 1)
        assert matcher.matcher(*pair).shape == (count,)
        assert matcher(*pair).shape == (count,)


def test_wrapped_it_answers_the_same_in_both_orders(matcher: SymmetricMatcher) -> None:
    first, second = drawn(matcher, 20), drawn(matcher, 20, 1)
    torch.testing.assert_close(matcher(first, second), matcher(second, first), rtol=0, atol=0)


def test_a_pair_does_not_depend_on_the_others(matcher: SymmetricMatcher) -> None:
    first, second = drawn(matcher, 9), drawn(matcher, 9, 1)
    alone = [matcher(first[i : i + 1], second[i : i + 1]) for i in range(9)]
    torch.testing.assert_close(matcher(first, second), torch.cat(alone))


def test_identical_and_zero_embeddings_are_finite_with_a_gradient(
    matcher: SymmetricMatcher,
) -> None:
    some = given(matcher, 6)
    for rows in (some[:1].expand_as(some), torch.ones_like(some), torch.zeros_like(some)):
        embeddings = rows.clone().requires_grad_()
        cost = matching_cost(matcher, prepared(matcher, embeddings), Labels(torch.arange(6) % 2))
        cost.backward()
        assert cost.isfinite()
        assert embeddings.grad is not None
        assert embeddings.grad.isfinite().all()
        seen = prepared(matcher, rows)
        assert matcher(seen, seen).isfinite().all()


def test_every_parameter_learns_and_so_do_the_embeddings(matcher: SymmetricMatcher) -> None:
    embeddings = given(matcher, 12).requires_grad_()
    seen = prepared(matcher, embeddings)
    matching_cost(matcher, seen, Labels(torch.arange(12) % 4)).backward()
    assert embeddings.grad is not None
    assert (embeddings.grad.flatten(1).abs().sum(1) > 0).all()
    for name, parameter in matcher.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
        assert parameter.grad.isfinite().all(), name


def test_its_gradient_is_right(matcher: SymmetricMatcher) -> None:
    matcher = matcher.double()
    pair = [given(matcher, 2, seed, torch.float64).requires_grad_() for seed in (1, 2)]

    def compare(first: Tensor, second: Tensor) -> Tensor:
        return matcher(prepared(matcher, first), prepared(matcher, second))

    assert torch.autograd.gradcheck(compare, pair)


def test_export_agrees_with_torch_on_a_free_axis(
    matcher: SymmetricMatcher, exported: bytes
) -> None:
    session = onnxruntime.InferenceSession(exported)
    sizes = list(matcher.matcher.sizes or (DIM,))
    assert {i.name: i.shape[1:] for i in session.get_inputs()} == {"first": sizes, "second": sizes}
    for count in (1, 5, 33):
        first, second = 3 * drawn(matcher, count), 3 * drawn(matcher, count, 1)
        feed = {"first": first.numpy(), "second": second.numpy()}
        (theirs,) = session.run(["logit"], feed)
        np.testing.assert_allclose(theirs, matcher(first, second).detach(), rtol=1e-4, atol=1e-4)


def test_an_export_that_differs_is_refused(matcher: SymmetricMatcher, exported: bytes) -> None:
    with torch.no_grad():
        for parameter in matcher.parameters():
            parameter.add_(0.3)
    sizes = matcher.matcher.sizes or (DIM,)
    feeds = iter([export_module._random_pairs(*sizes, rows=4, seed=0)])
    with pytest.raises(TrainingError, match="exported matcher differs from torch"):
        export_module._agree(matcher, exported, feeds, "logit")


def classes(first: int, count: int, each: int = 3, *, maps: bool = False) -> tuple[Tensor, Tensor]:
    """Two numbers tell a class, at every place of a map; the others are larger, and say nothing."""
    rows, labels = [], []
    for identity in range(first, first + count):
        generator = torch.Generator().manual_seed(identity)
        places = MAPS[1:] if maps else ()
        centre = torch.randn(1, 2, *(1 for _ in places), generator=generator)
        telling = centre + 0.05 * torch.randn(each, 2, *places, generator=generator)
        rest = 2 * torch.randn(each, DIM - 2, *places, generator=generator)
        rows.append(torch.cat([telling, rest], dim=1))
        labels += [identity] * each
    return torch.cat(rows), torch.tensor(labels)


def test_it_learns_what_the_distance_cannot_tell(name: str) -> None:
    spec, rate, steps, shown = LEARNS.get(name, (name, 0.03, 100, 12))
    matcher = built(spec)
    embeddings, labels = classes(0, 100, maps=matcher.uses_feature_maps)
    optimiser = torch.optim.Adam(matcher.parameters(), lr=rate)
    random = torch.Generator().manual_seed(0)
    for _ in range(steps):
        chosen = torch.isin(labels, torch.randperm(100, generator=random)[:shown])
        optimiser.zero_grad()
        seen = prepared(matcher, embeddings[chosen])
        matching_cost(matcher, seen, Labels(labels[chosen])).backward()
        optimiser.step()
    strangers, labels = classes(1000, 40, maps=matcher.uses_feature_maps)
    first, second = torch.triu_indices(len(labels), len(labels), 1)
    same = labels[first] == labels[second]
    with torch.no_grad():
        seen = prepared(matcher, strangers)
        logits = matcher(seen[first], seen[second])
    apart = (strangers[first] - strangers[second]).flatten(1).norm(dim=1)
    assert roc_auc_score(same, -apart) < 0.65
    assert roc_auc_score(same, logits) > 0.95


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("weighted_l1", "dim is 0"),
        ("mlp", "dim 0 must be positive"),
        ("mlp(hidden=0)", "hidden 0"),
        ("mlp(depth=0)", "depth 0"),
        ("mlp(dropout=1.0)", "dropout is 1.0"),
        ("relation(hidden=0)", "hidden 0"),
        ("attention(width=0)", "width 0"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(spec: str, message: str) -> None:
    with pytest.raises(BadArgument, match=message):
        FAMILY.build(spec, dim=0 if "dim" in message else DIM, maps=MAPS)
