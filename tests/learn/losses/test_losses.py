"""The losses against plain loops, pytorch-metric-learning and what their papers say."""

import inspect
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.errors import BadArgument, UnknownName
from likewise.learn.losses.arcface import ArcFace
from likewise.learn.losses.base import Loss
from likewise.learn.losses.circle import Circle
from likewise.learn.losses.contrastive import Contrastive
from likewise.learn.losses.multi_similarity import MultiSimilarity
from likewise.learn.losses.none import NoLoss
from likewise.learn.losses.nt_xent import NTXent
from likewise.learn.losses.proxy_anchor import ProxyAnchor
from likewise.learn.losses.softmax import Softmax
from likewise.learn.losses.supcon import SupCon
from likewise.learn.losses.triplet import Triplet
from likewise.learn.ops import kernels
from likewise.types import Labels, Pairs, Target, Triplets

EUCLIDEAN = Euclidean()


def drawn(count: int, seed: int = 0, dim: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, dim, generator=generator, dtype=torch.float64)
    return (0.4 * points).requires_grad_()


def classes(count: int, number: int = 4) -> Tensor:
    return torch.arange(count) % number


def index(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def assert_same_with_gradient(one: Tensor, other: Tensor, embeddings: Tensor) -> None:
    torch.testing.assert_close(one, other)
    assert one > 0
    gradients = [torch.autograd.grad(value, embeddings)[0] for value in (one, other)]
    torch.testing.assert_close(*gradients)


def oracle_distance() -> Any:
    from pytorch_metric_learning.distances import LpDistance

    return LpDistance(normalize_embeddings=False)


# Contrastive


def contrastive_parts(
    embeddings: Tensor, labels: Tensor, others: Tensor, other_labels: Tensor, margin: float
) -> tuple[list[Tensor], list[Tensor]]:
    near, far = [], []
    for i, j in torch.cartesian_prod(torch.arange(len(embeddings)), torch.arange(len(others))):
        if others is embeddings and i == j:
            continue
        distance = (embeddings[i] - others[j]).square().sum().sqrt()
        if labels[i] == other_labels[j]:
            near.append(distance**2 / 2)
        else:
            far.append((margin - distance).clamp(min=0) ** 2 / 2)
    return near, far


@pytest.mark.parametrize("references", [False, True])
@pytest.mark.parametrize("balanced", [False, True])
def test_contrastive_is_hadsell_equation_4(balanced: bool, references: bool) -> None:
    embeddings, labels = drawn(11), classes(11)
    others, other_labels = (drawn(7, 1), classes(7)) if references else (embeddings, labels)
    loss = Contrastive(margin=0.9, balanced=balanced, distance=EUCLIDEAN)
    more = (others, Labels(other_labels)) if references else ()
    near, far = contrastive_parts(embeddings, labels, others, other_labels, 0.9)
    expected = (
        torch.stack(near).mean() + torch.stack(far).mean()
        if balanced
        else torch.stack(near + far).mean()
    )
    assert_same_with_gradient(loss(embeddings, Labels(labels), *more), expected, embeddings)


@pytest.mark.parametrize("miner", ["all", "hard"])
def test_contrastive_agrees_with_pytorch_metric_learning(miner: str) -> None:
    from pytorch_metric_learning.losses import ContrastiveLoss
    from pytorch_metric_learning.miners import BatchHardMiner
    from pytorch_metric_learning.reducers import DoNothingReducer

    embeddings, labels = drawn(24), classes(24)
    # Its costs are not squared, so that it gives them one by one and the rest is done here.
    oracle = ContrastiveLoss(neg_margin=0.9, distance=oracle_distance(), reducer=DoNothingReducer())
    mined = None
    if miner == "hard":
        anchor, positive, negative = BatchHardMiner(distance=oracle_distance())(embeddings, labels)
        mined = (anchor, positive, anchor, negative)
    parts = oracle(embeddings, labels, mined)
    expected = sum((parts[part]["losses"] ** 2 / 2).mean() for part in ("pos_loss", "neg_loss"))
    loss = Contrastive(margin=0.9, miner=miner, distance=EUCLIDEAN)
    assert_same_with_gradient(loss(embeddings, Labels(labels)), expected, embeddings)


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float32])
def test_contrastive_takes_binary_pairs(dtype: torch.dtype) -> None:
    embeddings, labels = drawn(9), classes(9)
    first, second = (~torch.eye(9).bool()).nonzero(as_tuple=True)
    pairs = Pairs(first, second, (labels[first] == labels[second]).to(dtype))
    loss = Contrastive(distance=EUCLIDEAN)
    assert_same_with_gradient(loss(embeddings, pairs), loss(embeddings, Labels(labels)), embeddings)


def test_contrastive_of_one_sort_of_pairs_is_the_cost_of_that_sort() -> None:
    embeddings = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 0.6]], requires_grad=True)
    loss = Contrastive(margin=1.0, distance=EUCLIDEAN)
    same = Pairs(torch.tensor([0]), torch.tensor([1]), torch.tensor([1]))
    different = Pairs(torch.tensor([0, 0]), torch.tensor([1, 2]), torch.tensor([0, 0]))
    assert loss(embeddings, same).item() == pytest.approx(12.5)
    assert loss(embeddings, different).item() == pytest.approx(0.4**2 / 2 / 2)


@pytest.mark.parametrize("balanced", [False, True])
def test_contrastive_without_a_pair_is_zero(balanced: bool) -> None:
    embeddings = drawn(1)
    loss = Contrastive(balanced=balanced, distance=EUCLIDEAN)
    none = Pairs(index(), index(), index())
    for target in (Labels(index(0)), none):
        value = loss(embeddings, target)
        assert value == 0
        assert not torch.autograd.grad(value, embeddings)[0].any()


def test_triplet_without_a_triplet_is_zero() -> None:
    embeddings = drawn(3)
    for soft in (False, True):
        loss = Triplet(soft=soft, distance=EUCLIDEAN)
        for target in (Labels(index(0, 1, 2)), Triplets(index(), index(), index())):
            value = loss(embeddings, target)
            assert value == 0
            assert not torch.autograd.grad(value, embeddings)[0].any()


def test_balance_keeps_many_different_pairs_from_drowning_the_same() -> None:
    embeddings = drawn(40)
    few = Labels(torch.arange(40) // 2)
    torch.testing.assert_close(
        Contrastive(margin=1e-9, distance=EUCLIDEAN)(embeddings, few),
        39 * Contrastive(margin=1e-9, balanced=False, distance=EUCLIDEAN)(embeddings, few),
    )


# Triplet


@pytest.mark.parametrize("references", [False, True])
@pytest.mark.parametrize("miner", ["all", "hard", "semi_hard"])
@pytest.mark.parametrize("soft", [False, True])
def test_triplet_is_the_mean_over_what_was_mined(soft: bool, miner: str, references: bool) -> None:
    embeddings, labels = drawn(14), classes(14)
    others, other_labels = (drawn(9, 1), classes(9)) if references else (embeddings, labels)
    loss = Triplet(0.4, miner, soft, distance=EUCLIDEAN)
    same = labels[:, None] == other_labels
    different = ~same
    if not references:
        same.fill_diagonal_(False)
    distances = torch.cdist(embeddings, others).detach()
    mined = loss.miner.triplets(distances, same, different, 0.4)
    costs = []
    for a, p, n in zip(mined.anchor, mined.positive, mined.negative, strict=True):
        gap = (embeddings[a] - others[p]).norm() - (embeddings[a] - others[n]).norm()
        cost = torch.log1p(gap.exp()) if soft else (gap + 0.4).clamp(min=0)
        if cost > 0:
            costs.append(cost)
    more = (others, Labels(other_labels)) if references else ()
    value = loss(embeddings, Labels(labels), *more)
    assert_same_with_gradient(value, torch.stack(costs).mean(), embeddings)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("miner", ["all", "hard"])
def test_triplet_agrees_with_pytorch_metric_learning(miner: str, soft: bool) -> None:
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.miners import BatchHardMiner

    embeddings, labels = drawn(24), classes(24)
    # Its soft form keeps the margin, ours is that of the paper and has none. It averages over the
    # costs that are not zero by itself.
    oracle = TripletMarginLoss(
        margin=0.0 if soft else 0.3, smooth_loss=soft, distance=oracle_distance()
    )
    mined = BatchHardMiner(distance=oracle_distance())(embeddings, labels)
    expected = oracle(embeddings, labels, mined if miner == "hard" else None)
    loss = Triplet(0.3, miner, soft, distance=EUCLIDEAN)
    assert_same_with_gradient(loss(embeddings, Labels(labels)), expected, embeddings)


def test_triplet_takes_triplets() -> None:
    embeddings = torch.tensor([[0.0], [1.0], [1.1], [9.0]], requires_grad=True)
    loss = Triplet(0.5, distance=EUCLIDEAN)
    triplets = Triplets(torch.tensor([0, 0]), torch.tensor([1, 1]), torch.tensor([2, 3]))
    value = loss(embeddings, triplets)
    assert value.item() == pytest.approx(0.4)
    (gradient,) = torch.autograd.grad(value, embeddings)
    torch.testing.assert_close(gradient.flatten(), torch.tensor([0.0, 1.0, -1.0, 0.0]))


def test_triplets_that_are_all_far_enough_cost_zero() -> None:
    embeddings = torch.tensor([[0.0], [1.0], [9.0]], requires_grad=True)
    value = Triplet(0.5, distance=EUCLIDEAN)(
        embeddings, Triplets(torch.tensor([0]), torch.tensor([1]), torch.tensor([2]))
    )
    (gradient,) = torch.autograd.grad(value, embeddings)
    assert value == 0
    assert not gradient.any()


# SupCon


@pytest.mark.parametrize("references", [False, True])
def test_supcon_is_khosla_equation_2(references: bool) -> None:
    embeddings, labels = drawn(11), classes(11)
    labels[3] = 99
    others, other_labels = (drawn(7, 1), classes(7)) if references else (embeddings, labels)
    unit, other = functional.normalize(embeddings), functional.normalize(others)
    costs = []
    for i in range(11):
        rest = [j for j in range(len(other)) if references or j != i]
        positives = [j for j in rest if other_labels[j] == labels[i]]
        if positives:
            total = sum((unit[i] @ other[a] / 0.2).exp() for a in rest)
            logs = [((unit[i] @ other[p] / 0.2).exp() / total).log() for p in positives]
            costs.append(-sum(logs) / len(positives))
    assert len(costs) < 11
    loss = SupCon(0.2, distance=EUCLIDEAN)
    more = (others, Labels(other_labels)) if references else ()
    value = loss(embeddings, Labels(labels), *more)
    assert_same_with_gradient(value, torch.stack(costs).mean(), embeddings)


@pytest.mark.parametrize("references", [False, True])
def test_supcon_agrees_with_pytorch_metric_learning(references: bool) -> None:
    from pytorch_metric_learning.losses import SupConLoss

    embeddings, labels = drawn(24), classes(24)
    labels[[2, 5]] = torch.tensor([50, 51])
    oracle, loss = SupConLoss(temperature=0.3), SupCon(0.3, distance=EUCLIDEAN)
    others, other_labels = drawn(13, 4), classes(13)
    more = {"ref_emb": others, "ref_labels": other_labels} if references else {}
    ours = (others, Labels(other_labels)) if references else ()
    expected = oracle(embeddings, labels, **more)
    assert_same_with_gradient(loss(embeddings, Labels(labels), *ours), expected, embeddings)


def test_supcon_is_the_same_whatever_the_distance_and_the_length() -> None:
    embeddings, target = drawn(16), Labels(classes(16))
    value = SupCon(distance=EUCLIDEAN)(embeddings, target)
    torch.testing.assert_close(SupCon(distance=Cosine())(embeddings, target), value)
    torch.testing.assert_close(SupCon(distance=EUCLIDEAN)(7 * embeddings, target), value)


def test_supcon_of_all_distinct_is_zero_and_so_is_one_pair() -> None:
    loss = SupCon(distance=EUCLIDEAN)
    embeddings = drawn(6)
    value = loss(embeddings, Labels(torch.arange(6)))
    assert value == 0
    assert not torch.autograd.grad(value, embeddings)[0].any()
    assert loss(embeddings[:2], Labels(torch.zeros(2).long())).item() == pytest.approx(0)


def test_supcon_does_not_overflow_at_a_low_temperature() -> None:
    embeddings = drawn(12).detach().float().requires_grad_()
    value = SupCon(1e-3, distance=EUCLIDEAN)(embeddings, Labels(classes(12)))
    assert value.isfinite()
    assert torch.autograd.grad(value, embeddings)[0].isfinite().all()


# NTXent


def views(count: int) -> Tensor:
    return torch.arange(count) % (count // 2)


@pytest.mark.parametrize("references", [False, True])
def test_nt_xent_is_chen_equation_1(references: bool) -> None:
    embeddings, labels = drawn(10), torch.arange(10) if references else views(10)
    others, other_labels = (drawn(14, 1), torch.arange(14)) if references else (embeddings, labels)
    costs = []
    for i in range(10):
        rest = [k for k in range(len(others)) if references or k != i]
        (j,) = [k for k in rest if other_labels[k] == labels[i]]
        cosines = {
            k: embeddings[i] @ others[k] / embeddings[i].norm() / others[k].norm() for k in rest
        }
        total = sum((cosine / 0.3).exp() for cosine in cosines.values())
        costs.append(-((cosines[j] / 0.3).exp() / total).log())
    loss = NTXent(0.3, distance=EUCLIDEAN)
    more = (others, Labels(other_labels)) if references else ()
    value = loss(embeddings, Labels(labels), *more)
    assert_same_with_gradient(value, torch.stack(costs).mean(), embeddings)


def test_nt_xent_agrees_with_pytorch_metric_learning_and_with_supcon() -> None:
    from pytorch_metric_learning.losses import NTXentLoss

    embeddings, labels = drawn(24), views(24)[torch.randperm(24)]
    value = NTXent(0.3, distance=EUCLIDEAN)(embeddings, Labels(labels))
    assert_same_with_gradient(value, NTXentLoss(temperature=0.3)(embeddings, labels), embeddings)
    supcon = SupCon(0.3, distance=EUCLIDEAN)(embeddings, Labels(labels))
    torch.testing.assert_close(value, supcon)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 0, 0, 1, 1], "row 0 has 2 others of its class.*supcon"),
        ([0, 0, 1], "row 2 has 0 others of its class.*two_views"),
        ([4], "row 0 has 0 others"),
    ],
)
def test_nt_xent_takes_two_views_of_each(labels: list[int], words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        NTXent(distance=EUCLIDEAN)(drawn(len(labels)), Labels(torch.tensor(labels)))


def test_nt_xent_does_not_overflow_at_a_low_temperature() -> None:
    embeddings = drawn(12).detach().float().requires_grad_()
    value = NTXent(1e-3, distance=EUCLIDEAN)(embeddings, Labels(views(12)))
    assert value.isfinite()
    assert torch.autograd.grad(value, embeddings)[0].isfinite().all()


# MultiSimilarity


def compared(references: bool, count: int = 24) -> tuple[Tensor, Tensor, tuple, dict]:
    """A batch, and what to compare it with: as ours and as pytorch-metric-learning take it."""
    embeddings, labels = drawn(count), classes(count)
    labels[3] = 99
    others, other_labels = drawn(13, 4), classes(13)
    ours = (others, Labels(other_labels)) if references else ()
    theirs = {"ref_emb": others, "ref_labels": other_labels} if references else {}
    return embeddings, labels, ours, theirs


@pytest.mark.parametrize("references", [False, True])
@pytest.mark.parametrize("epsilon", [None, 0.1])
def test_multi_similarity_agrees_with_pytorch_metric_learning(
    epsilon: float | None, references: bool
) -> None:
    from pytorch_metric_learning.losses import MultiSimilarityLoss
    from pytorch_metric_learning.miners import MultiSimilarityMiner

    embeddings, labels, ours, theirs = compared(references)
    oracle = MultiSimilarityLoss(alpha=3, beta=11, base=0.4)
    mined = None if epsilon is None else MultiSimilarityMiner(epsilon)(embeddings, labels, **theirs)
    expected = oracle(embeddings, labels, mined, **theirs)
    loss = MultiSimilarity(3.0, 11.0, 0.4, epsilon)
    assert_same_with_gradient(loss(embeddings, Labels(labels), *ours), expected, embeddings)
    if epsilon is not None:
        assert len(mined[0]) < int((labels[:, None] == labels).sum()) - 24 or references
        assert expected != oracle(embeddings, labels, **theirs)


def test_multi_similarity_of_pairs_that_do_not_overlap_is_zero() -> None:
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], requires_grad=True)
    value = MultiSimilarity()(embeddings, Labels(index(0, 0, 1, 1)))
    assert value == 0
    assert not torch.autograd.grad(value, embeddings)[0].any()
    assert MultiSimilarity(epsilon=None)(embeddings, Labels(index(0, 0, 1, 1))) > 0


# Circle


@pytest.mark.parametrize("references", [False, True])
@pytest.mark.parametrize("relaxation", [0.25, 0.4])
def test_circle_agrees_with_pytorch_metric_learning(relaxation: float, references: bool) -> None:
    from pytorch_metric_learning.losses import CircleLoss

    embeddings, labels, ours, theirs = compared(references)
    expected = CircleLoss(m=relaxation, gamma=30)(embeddings, labels, **theirs)
    loss = Circle(relaxation, 30.0)
    assert_same_with_gradient(loss(embeddings, Labels(labels), *ours), expected, embeddings)


def test_circle_is_sun_equation_6_and_its_weights_have_no_gradient() -> None:
    embeddings, labels = drawn(9), classes(9, 3)
    with torch.no_grad():
        unit = functional.normalize(embeddings)
        fixed = unit @ unit.T

    def equation(points: Tensor) -> Tensor:
        unit = functional.normalize(points)
        costs = []
        for i in range(9):
            near, far = torch.zeros(()).double(), torch.zeros(()).double()
            for j in range(9):
                cosine, weighed = unit[i] @ unit[j], fixed[i, j]
                if i != j and labels[i] == labels[j]:
                    near = near + (-8 * (1.25 - weighed).clamp(min=0) * (cosine - 0.75)).exp()
                elif labels[i] != labels[j]:
                    far = far + (8 * (weighed + 0.25).clamp(min=0) * (cosine - 0.25)).exp()
            costs.append((1 + near * far).log())
        return torch.stack(costs).mean()

    assert torch.autograd.gradcheck(equation, (embeddings,))
    value = Circle(0.25, 8.0)(embeddings, Labels(labels))
    assert_same_with_gradient(value, equation(embeddings), embeddings)


# Softmax, ArcFace and ProxyAnchor


def assert_same_with_gradients(
    one: Tensor, other: Tensor, ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]
) -> None:
    torch.testing.assert_close(one, other)
    assert one > 0
    for mine, oracle in zip(
        torch.autograd.grad(one, ours), torch.autograd.grad(other, theirs), strict=True
    ):
        torch.testing.assert_close(mine, oracle if mine.shape == oracle.shape else oracle.T)


def test_softmax_is_the_cross_entropy_of_a_linear_layer() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    embeddings, labels = drawn(40), classes(40, 6)
    loss = Softmax(classes=6, dim=5).double()
    value = loss(embeddings, Labels(labels))
    layer = LogisticRegression()
    layer.classes_ = labels.unique().numpy()
    layer.coef_ = loss.head.weight.detach().numpy()
    layer.intercept_ = loss.head.bias.detach().numpy()
    shares = layer.predict_proba(embeddings.detach().numpy())
    assert value.item() == pytest.approx(log_loss(labels, shares))


def test_softmax_of_directions_agrees_with_pytorch_metric_learning() -> None:
    from pytorch_metric_learning.losses import NormalizedSoftmaxLoss

    embeddings, labels = drawn(24), classes(24, 6)
    oracle = NormalizedSoftmaxLoss(6, 5, temperature=0.25).double()
    loss = Softmax(classes=6, dim=5).double()
    with torch.no_grad():
        loss.head.weight.copy_(functional.normalize(oracle.W.double(), dim=0).T / 0.25)
        loss.head.bias.zero_()
    unit = functional.normalize(embeddings)
    value, expected = loss(unit, Labels(labels)), oracle(embeddings, labels)
    assert_same_with_gradient(value, expected, embeddings)


@pytest.mark.parametrize("margin", [0.0, 0.5, 2.5])
def test_arcface_agrees_with_pytorch_metric_learning(margin: float) -> None:
    from pytorch_metric_learning.losses import ArcFaceLoss

    torch.manual_seed(0)
    embeddings, labels = drawn(24), classes(24, 6)
    oracle = ArcFaceLoss(7, 5, margin=math.degrees(margin), scale=20).double()
    loss = ArcFace(margin, 20.0, classes=7, dim=5).double()
    with torch.no_grad():
        loss.directions.copy_(oracle.W.T)
        own = functional.cosine_similarity(embeddings, loss.directions[labels])
        passed = own.acos() + margin > math.pi
        # Both branches are compared.
        assert margin < 2 or (passed.any() and not passed.all())
    value, expected = loss(embeddings, Labels(labels)), oracle(embeddings, labels)
    assert_same_with_gradients(
        value, expected, (embeddings, loss.directions), (embeddings, oracle.W)
    )


def test_arcface_has_a_gradient_where_an_item_lies_on_its_direction() -> None:
    loss = ArcFace(classes=2, dim=2)
    with torch.no_grad():
        loss.directions.copy_(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    embeddings = torch.tensor([[3.0, 0.0], [0.0, -1.0]], requires_grad=True)
    value = loss(embeddings, Labels(index(0, 1)))
    assert torch.autograd.grad(value, embeddings)[0].isfinite().all()


@pytest.mark.parametrize("count", [24, 4])
def test_proxy_anchor_agrees_with_pytorch_metric_learning(count: int) -> None:
    from pytorch_metric_learning.losses import ProxyAnchorLoss

    embeddings, labels = drawn(count), classes(count, 6)
    oracle = ProxyAnchorLoss(8, 5, margin=0.2, alpha=9).double()
    loss = ProxyAnchor(0.2, 9.0, classes=8, dim=5).double()
    with torch.no_grad():
        loss.proxies.copy_(oracle.proxies)
    value, expected = loss(embeddings, Labels(labels)), oracle(embeddings, labels)
    assert_same_with_gradients(
        value, expected, (embeddings, loss.proxies), (embeddings, oracle.proxies)
    )


# NoLoss


@pytest.mark.parametrize("count", [0, 1, 12])
@pytest.mark.parametrize("target", ["labels", "pairs", "triplets"])
def test_no_loss_costs_nothing_whatever_it_is_given(count: int, target: str) -> None:
    embeddings, none = drawn(count), index()
    given = {
        "labels": Labels(classes(count)),
        "pairs": Pairs(none, none, none),
        "triplets": Triplets(none, none, none),
    }[target]
    value = NoLoss(distance=EUCLIDEAN)(embeddings, given)
    assert value == 0
    assert not torch.autograd.grad(value, embeddings)[0].any()


# All of them

LOSSES = [
    Contrastive(distance=EUCLIDEAN),
    Contrastive(miner="semi_hard", distance=Cosine()),
    Triplet(margin=1.0, distance=EUCLIDEAN),
    SupCon(distance=EUCLIDEAN),
    MultiSimilarity(epsilon=None),
    Circle(scale=5.0),
    Softmax(classes=4, dim=5).double(),
    ArcFace(classes=4, dim=5),
    ProxyAnchor(classes=4, dim=5),
]
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)


@each_loss
def test_the_distance_matrix_is_computed_once(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    true_matrix = kernels.torch_matrix

    def counted(*arguments: Any) -> Tensor:
        made.append(true_matrix(*arguments))
        return made[-1]

    monkeypatch.setattr(kernels, "torch_matrix", counted)
    handed = []
    mines = isinstance(loss, Contrastive | Triplet)
    if mines:
        for method in ("pairs", "triplets"):
            true = getattr(type(loss.miner), method)
            monkeypatch.setattr(
                type(loss.miner),
                method,
                lambda self, distances, *rest, true=true: (
                    handed.append(distances) or true(self, distances, *rest)
                ),
            )
    loss(drawn(12), Labels(classes(12)))
    assert len(made) == (not isinstance(loss, Softmax))
    assert all(torch.equal(distances, made[0]) for distances in handed)
    assert all(not distances.requires_grad for distances in handed)
    assert bool(handed) == mines


@each_loss
def test_embeddings_that_are_not_numbers_never_look_learned(loss: Loss) -> None:
    assert loss(drawn(12) * math.nan, Labels(classes(12))).isnan()


@each_loss
def test_labels_may_be_numpy(loss: Loss) -> None:
    embeddings, labels = drawn(12), classes(12)
    assert loss(embeddings, Labels(labels.numpy())) == loss(embeddings, Labels(labels))


@each_loss
def test_another_tensor_than_the_batch_is_other_items(loss: Loss) -> None:
    embeddings, target = drawn(12), Labels(classes(12))
    itself = loss(embeddings, target)
    if loss.by_class:
        return
    assert loss(embeddings, target, embeddings.clone(), target) != itself


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Contrastive(margin=0.0, distance=EUCLIDEAN), "contrastive: margin is 0.*positive"),
        (lambda: Contrastive(margin=math.nan, distance=EUCLIDEAN), "margin is nan"),
        (lambda: Triplet(margin=-1.0, distance=EUCLIDEAN), r"triplet: margin is -1\.0.*positive"),
        (lambda: Triplet(margin=math.inf, distance=EUCLIDEAN), "margin is inf"),
        (lambda: SupCon(0.0, distance=EUCLIDEAN), "supcon: temperature is 0.*positive"),
        (lambda: SupCon(math.inf, distance=EUCLIDEAN), "temperature is inf"),
        (lambda: NTXent(0.0, distance=EUCLIDEAN), "nt_xent: temperature is 0.*positive"),
        (lambda: NTXent(math.inf, distance=EUCLIDEAN), "nt_xent: temperature is inf"),
        (lambda: MultiSimilarity(alpha=0.0), r"multi_similarity: alpha is 0\.0.*positive"),
        (lambda: MultiSimilarity(base=math.nan), "multi_similarity: base is nan.*finite"),
        (lambda: MultiSimilarity(epsilon=math.inf), "multi_similarity: epsilon is inf"),
        (lambda: Circle(scale=-1.0), r"circle: scale is -1\.0.*positive"),
        (lambda: Circle(relaxation=math.nan), "circle: relaxation is nan"),
        (lambda: Softmax(rate=0.0, classes=2, dim=2), r"softmax: rate is 0\.0.*positive"),
        (lambda: ArcFace(28.6, classes=2, dim=2), r"arcface: margin_radians is 28\.6.*in radians"),
        (lambda: ArcFace(scale=0.0, classes=2, dim=2), "arcface: scale is 0"),
        (lambda: ProxyAnchor(alpha=0.0, classes=2, dim=2), "proxy_anchor: alpha is 0"),
        (lambda: ProxyAnchor(delta=math.inf, classes=2, dim=2), "proxy_anchor: delta is inf"),
        (lambda: Triplet(miner="hard(3)", distance=EUCLIDEAN), "gives 1 arguments"),
    ],
)
def test_arguments_that_cannot_be_are_refused(make: Any, words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        make()


@pytest.mark.parametrize("loss", [Contrastive, Triplet])
def test_a_misspelt_miner_is_refused_at_once(loss: type) -> None:
    with pytest.raises(UnknownName, match=r"no miner is named 'semihard'.*'semi_hard'"):
        loss(miner="semihard", distance=EUCLIDEAN)


CONTRASTIVE, _, TRIPLET, SUPCON, *_ = LOSSES
ARCFACE = LOSSES[-2]
THREE = Labels(index(0, 0, 1))
MEMORY = torch.zeros(2, 5, dtype=torch.float64)
REFUSED: list[tuple[Loss, tuple[Target | Tensor | None, ...], str]] = [
    (CONTRASTIVE, (Triplets(index(0), index(1), index(2)),), "contrastive was given Triplets"),
    (TRIPLET, (Pairs(index(0), index(1), index(1)),), "triplet was given Pairs.*Labels"),
    (SUPCON, (Pairs(index(0), index(1), index(1)),), "supcon was given Pairs.*Labels"),
    (SUPCON, (Labels(index(0, 1)),), r"target of the shape \[2\] for 3 rows"),
    (ARCFACE, (Pairs(index(0), index(1), index(1)),), "arcface was given Pairs.*classes_by_items"),
    (ARCFACE, (Labels(index(0, 4, 1)),), "arcface has a row for each of the 4 classes.*class 4"),
    (ARCFACE, (Labels(index(0, -1, 1)),), "and was given the class -1.*Train anew"),
    (ARCFACE, (THREE, MEMORY, Labels(index(0, 1))), "arcface compares.*Set memory=0"),
    (TRIPLET, (THREE, MEMORY), "references without their classes"),
    (TRIPLET, (THREE, None, THREE), "classes of references without the references"),
    (SUPCON, (THREE, MEMORY, THREE), r"reference_target of the shape \[3\] for 2 rows"),
    (
        SUPCON,
        (THREE, MEMORY, Pairs(index(0), index(1), index(1))),
        "Pairs as reference_target, and Labels",
    ),
    (CONTRASTIVE, (Pairs(index(0), index(3), index(1)),), "indices from 3 to 3.*rows 0 to 2"),
    (CONTRASTIVE, (Pairs(index(0), index(-1), index(1)),), "indices from -1 to -1"),
    (
        CONTRASTIVE,
        (Pairs(index(0, 1), index(1, 2), torch.tensor([1.0, 0.25])),),
        "same .1. or different .0., and was given the grade 0.25",
    ),
    (
        CONTRASTIVE,
        (Pairs(index(0), index(1), index(1)), MEMORY, THREE),
        "references beside Pairs",
    ),
    (
        TRIPLET,
        (Triplets(index(0), index(1), index(2)), MEMORY, THREE),
        "references beside Triplets",
    ),
]


@pytest.mark.parametrize(("loss", "given", "words"), REFUSED)
def test_targets_that_do_not_fit_are_refused(loss: Loss, given: Any, words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        loss(drawn(3), *given)


def test_columns_of_unequal_length_are_refused() -> None:
    from likewise.learn.losses import targets

    with pytest.raises(BadArgument, match=r"shapes \[\[2\], \[1\]\]"):
        targets.indices("triplet", drawn(3), index(0, 1), index(1))
    with pytest.raises(BadArgument, match=r"indices of rows, not torch\.float32"):
        targets.indices("triplet", drawn(3), torch.tensor([0.0]))
    wrong = inspect.unwrap(targets.binary)
    pairs = Pairs(index(0), index(1), index(1))
    object.__setattr__(pairs, "same", index(1, 0))
    with pytest.raises(BadArgument, match=r"1 pairs and the shape \[2\]"):
        wrong("contrastive", drawn(3), pairs)
