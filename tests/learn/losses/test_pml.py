"""Losses borrowed from pytorch-metric-learning cost what they cost there."""

import sys

import pytest
import torch
from pytorch_metric_learning import losses
from torch import Tensor

from likewise.errors import BadArgument, MissingExtra, UnknownName
from likewise.learn.loop.train import begin_run
from likewise.learn.losses import FAMILY
from likewise.learn.ops.pml_adapter import pml_names
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Labels, Pairs
from tests.conftest import waves

CASES = {
    "TripletMarginLoss": {"margin": 0.3, "swap": True},
    "ContrastiveLoss": {"neg_margin": 0.7},
    "CircleLoss": {"m": 0.3},
    "NTXentLoss": {"temperature": 0.2},
    "FastAPLoss": {"num_bins": 5},
    "ArcFaceLoss": {"scale": 16},
    "SoftTripleLoss": {"centers_per_class": 2},
    "ProxyNCALoss": {},
}
WITHOUT = {"TripletMarginLoss", "FastAPLoss"}
"""Those that take no references: the first of them only where it swaps."""

BY_CLASS = {"ArcFaceLoss", "SoftTripleLoss", "ProxyNCALoss"}


def drawn(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 5, generator=generator).requires_grad_()


def classes(count: int) -> Tensor:
    return torch.arange(count) % 4


@pytest.mark.parametrize("name", CASES)
def test_it_costs_what_it_costs_there(name: str) -> None:
    spec = f"pml({name!r}, options={CASES[name]!r})"
    torch.manual_seed(0)
    loss = FAMILY.build(spec, classes=6, dim=5)
    assert loss.by_class == (name in BY_CLASS)
    torch.manual_seed(0)
    known = {"num_classes": 6, "embedding_size": 5} if loss.by_class else {}
    oracle = getattr(losses, name)(**known, **CASES[name])
    embeddings, labels = drawn(16), classes(16)
    value, expected = loss(embeddings, Labels(labels)), oracle(embeddings, labels)
    assert value > 0
    torch.testing.assert_close(value, expected, rtol=0, atol=0)
    own = [embeddings, *loss.parameters()]
    theirs = [embeddings, *oracle.parameters()]
    for one, other in zip(
        torch.autograd.grad(value, own), torch.autograd.grad(expected, theirs), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    nothing = loss(drawn(0), Labels(classes(0)))
    assert nothing == 0
    assert nothing.requires_grad


@pytest.mark.parametrize("name", [name for name in CASES if name not in BY_CLASS])
def test_it_compares_with_references(name: str) -> None:
    loss = FAMILY.build(f"pml({name!r}, options={CASES[name]!r})", classes=6, dim=5)
    embeddings, labels, others, more = drawn(9), classes(9), drawn(14, 3), classes(14)
    if name in WITHOUT:
        with pytest.raises(BadArgument, match=f"pml: {name} cannot learn from this batch: "):
            loss(embeddings, Labels(labels), others, Labels(more))
        return
    expected = getattr(losses, name)(**CASES[name])(embeddings, labels, None, others, more)
    torch.testing.assert_close(loss(embeddings, Labels(labels), others, Labels(more)), expected)
    itself = loss(embeddings, Labels(labels), embeddings, Labels(labels))
    torch.testing.assert_close(itself, loss(embeddings, Labels(labels)))
    assert loss(embeddings, Labels(labels), drawn(0), Labels(classes(0))) == 0


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # their own
def test_every_loss_there_can_be_built_or_says_what_it_lacks() -> None:
    built = []
    for name in pml_names("losses"):
        try:
            FAMILY.build(f"pml({name!r})", classes=6, dim=5)
        except BadArgument as error:
            assert f"{name} refuses the options {{}}" in str(error)
        else:
            built.append(name)
    assert len(built) > 25
    assert {"MultiSimilarityLoss", "CosFaceLoss", "SmoothAPLoss", "P2SGradLoss"} <= {*built}


@pytest.mark.parametrize(
    ("spec", "kind", "words"),
    [
        ("pml('TripletMarginLos')", UnknownName, "no loss.*Did you mean 'TripletMarginLoss'"),
        ("pml('CrossBatchMemory')", UnknownName, "no loss 'CrossBatchMemory'"),
        ("pml('CircleLoss', options={'mm': 1})", UnknownName, "CircleLoss .* no option 'mm'"),
        ("pml('CircleLoss', options={'reducer': 1})", UnknownName, "no option 'reducer'"),
        ("pml('ArcFaceLoss', options={'num_classes': 3})", UnknownName, "no option 'num_classes'"),
        ("pml('ManifoldLoss')", BadArgument, r"ManifoldLoss refuses the options \{\}: .*'l'"),
        ("pml('CircleLoss', rate=0.0)", BadArgument, r"pml: rate is 0\.0"),
        ("pml('CircleLoss', options=['m'])", BadArgument, r"options is \['m'\], and dict"),
        ("pml", BadArgument, r"pml lacks 'name'"),
    ],
)
def test_what_cannot_be_borrowed_is_refused(spec: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        FAMILY.build(spec, classes=6, dim=5)


def test_targets_that_do_not_fit_are_refused() -> None:
    loss = FAMILY.build("pml('CircleLoss')", classes=6, dim=5)
    proxies = FAMILY.build("pml('ProxyNCALoss')", classes=4, dim=5)
    index = torch.zeros(1).long()
    with pytest.raises(BadArgument, match=r"pml\('CircleLoss'\) was given Pairs as target"):
        loss(drawn(3), Pairs(index, index + 1, index))
    with pytest.raises(BadArgument, match=r"pml\('ProxyNCALoss'\) has a row.*the class 5"):
        proxies(drawn(3), Labels(torch.tensor([0, 5, 1])))
    with pytest.raises(BadArgument, match="memory=0"):
        proxies(drawn(3), Labels(classes(3)), drawn(4), Labels(classes(4)))


def test_it_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning.losses", None)
    with pytest.raises(MissingExtra, match=r"not installed\. Run: pip install 'likewise\[pml\]'"):
        FAMILY.build("pml('CircleLoss')", classes=6, dim=5)


@pytest.mark.parametrize("name", ["ProxyNCALoss", "MultiSimilarityLoss"])
def test_a_run_learns_by_it(name: str) -> None:
    series, names = waves(count=30, each=4)
    recipe = Recipe.for_kind("series").with_settings(
        [
            *(f"loss=pml({name!r})", "loss.rate=10.0", "encoder=lstm(hidden=4)"),
            *("precision=float32", "epochs=8", "learning_rate=0.01"),
        ]
    )
    assert recipe == Recipe.from_toml(recipe.to_toml())
    run = begin_run(recipe, Arrays.of(series, names, namespace="waves")).finish()
    assert run.epochs[-1].loss < run.epochs[0].loss
    own = [key for key in run.best if key.startswith("loss.")]
    assert bool(own) == (name == "ProxyNCALoss")
