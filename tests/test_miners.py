"""The miners against plain loops and pytorch-metric-learning."""

from itertools import product

import pytest
import torch
from torch import Tensor

from likewise.learn.miners import FAMILY
from likewise.learn.miners.base import Miner
from likewise.types import Pairs, Triplets

MARGIN = 0.6


def case(seed: int, rows: int = 14, columns: int | None = None, classes: int = 4) -> list[Tensor]:
    """Distances, and masks of same and different; square without the diagonal."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(rows, 3, generator=generator)
    labels = torch.randint(classes, (rows,), generator=generator)
    others, other_labels = points, labels
    if columns is not None:
        others = torch.randn(columns, 3, generator=generator)
        other_labels = torch.randint(classes, (columns,), generator=generator)
    same = labels[:, None] == other_labels
    different = ~same
    if columns is None:
        same.fill_diagonal_(False)
    return [torch.cdist(points, others), same, different]


CASES = {
    "square": case(0),
    "many": case(1, rows=40, classes=6),
    "wide": case(2, rows=6, columns=15),
    "tall": case(3, rows=15, columns=4),
    "few classes": case(4, classes=2),
    "one class": case(5, classes=1),
    "all distinct": [torch.rand(6, 6), torch.zeros(6, 6).bool(), ~torch.eye(6).bool()],
    "one row": case(6, rows=1),
    "no row": case(7, rows=0),
    "no column": case(8, rows=5, columns=0),
}


@pytest.fixture(params=CASES)
def given(request: pytest.FixtureRequest) -> list[Tensor]:
    return CASES[request.param]


def pair_list(pairs: Pairs) -> list[tuple[int, int, bool]]:
    columns = (pairs.first.tolist(), pairs.second.tolist(), pairs.same.tolist())
    found = list(zip(*columns, strict=True))
    assert len(set(found)) == len(found)
    return sorted(found)


def triplet_list(triplets: Triplets) -> list[tuple[int, int, int]]:
    columns = (triplets.anchor, triplets.positive, triplets.negative)
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    assert len(set(found)) == len(found)
    return sorted(found)


def loops(name: str, given: list[Tensor]) -> tuple[list[tuple], list[tuple]]:
    """What the miner's docstring says, in plain Python: pairs and triplets."""
    d, same, different = (tensor.tolist() for tensor in given)
    pairs, triplets = set(), set()
    for i in range(len(d)):
        positives = [j for j in range(len(d[i])) if same[i][j]]
        negatives = [j for j in range(len(d[i])) if different[i][j]]
        if name == "every":
            pairs |= {(i, j, True) for j in positives} | {(i, j, False) for j in negatives}
            triplets |= {(i, p, n) for p, n in product(positives, negatives)}
        elif name == "hard":
            near = [max(positives, key=lambda j, i=i: d[i][j])] if positives else []
            far = [min(negatives, key=lambda j, i=i: d[i][j])] if negatives else []
            pairs |= {(i, j, True) for j in near} | {(i, j, False) for j in far}
            triplets |= {(i, p, n) for p, n in product(near, far)}
        else:
            for p in positives:
                pairs.add((i, p, True))
                beyond = [j for j in negatives if d[i][j] > d[i][p]]
                if beyond:
                    nearest = min(beyond, key=lambda j, i=i: d[i][j])
                    pairs.add((i, nearest, False))
                    if d[i][nearest] < d[i][p] + MARGIN:
                        triplets.add((i, p, nearest))
    return sorted(pairs), sorted(triplets)


@pytest.mark.parametrize("name", ["every", "hard", "semi_hard"])
def test_it_takes_what_a_plain_loop_takes(name: str, given: list[Tensor]) -> None:
    miner: Miner = FAMILY.build(name)
    pairs, triplets = loops(name, given)
    assert pair_list(miner.pairs(*given)) == pairs
    assert triplet_list(miner.triplets(*given, MARGIN)) == triplets


def test_the_cases_are_not_empty() -> None:
    for name in ("every", "hard", "semi_hard"):
        for key in ("square", "many", "wide", "tall", "few classes"):
            assert all(loops(name, CASES[key])), (name, key)


@pytest.mark.parametrize("name", FAMILY.names())
def test_indices_are_int64_and_same_is_boolean(name: str, given: list[Tensor]) -> None:
    pairs = FAMILY.build(name).pairs(*given)
    triplets = FAMILY.build(name).triplets(*given, MARGIN)
    columns = (pairs.first, pairs.second, triplets.anchor, triplets.positive, triplets.negative)
    assert {column.dtype for column in columns} == {torch.int64}
    assert pairs.same.dtype == torch.bool


@pytest.mark.parametrize("name", FAMILY.names())
def test_whatever_is_taken_is_what_it_is_called(name: str, given: list[Tensor]) -> None:
    _, same, different = given
    pairs = FAMILY.build(name).pairs(*given)
    triplets = FAMILY.build(name).triplets(*given, MARGIN)
    assert torch.equal(same[pairs.first, pairs.second], pairs.same)
    assert torch.equal(different[pairs.first, pairs.second], ~pairs.same)
    assert same[triplets.anchor, triplets.positive].all()
    assert different[triplets.anchor, triplets.negative].all()


def test_every_takes_no_cubic_memory() -> None:
    labels = torch.arange(2000) // 2
    same = labels[:, None] == labels
    different = ~same
    same.fill_diagonal_(False)
    different[:, 5:] = False
    triplets = FAMILY.build("every").triplets(torch.zeros(2000, 2000), same, different, MARGIN)
    assert len(triplets.anchor) == int((same.sum(1) * different.sum(1)).sum())


def test_semi_hard_leaves_out_ties_with_the_same_pair_and_with_the_margin() -> None:
    distances = torch.tensor([[0.0, 0.5, 0.5, 0.75, 1.0]])
    same = torch.tensor([[False, True, False, False, False]])
    different = torch.tensor([[False, False, True, True, True]])
    miner = FAMILY.build("semi_hard")
    assert triplet_list(miner.triplets(distances, same, different, 0.5)) == [(0, 1, 3)]
    assert triplet_list(miner.triplets(distances, same, different, 0.25)) == []
    assert pair_list(miner.pairs(distances, same, different)) == [(0, 1, True), (0, 3, False)]


def test_identical_items_are_mined_without_a_complaint() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    same = (labels[:, None] == labels) & ~torch.eye(4).bool()
    different = labels[:, None] != labels
    given = (torch.zeros(4, 4), same, different)
    assert len(FAMILY.build("every").triplets(*given, 0.2).anchor) == 8
    assert len(FAMILY.build("hard").triplets(*given, 0.2).anchor) == 4
    assert len(FAMILY.build("semi_hard").triplets(*given, 0.2).anchor) == 0


@pytest.mark.parametrize("name", FAMILY.names())
def test_distances_that_are_not_numbers_leave_the_error_to_the_loss(name: str) -> None:
    distances, same, different = case(0)
    for value in (torch.nan, torch.inf):
        triplets = FAMILY.build(name).triplets(distances * value, same, different, MARGIN)
        assert all(0 <= row < len(same) for found in triplet_list(triplets) for row in found)


@pytest.fixture
def embedded() -> tuple[Tensor, Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(11)
    points = torch.randn(36, 3, generator=generator)
    labels = torch.arange(36) % 6
    same = labels[:, None] == labels
    given = [torch.cdist(points, points), same & ~torch.eye(36).bool(), ~same]
    return points, labels, given


def oracle_distance() -> object:
    from pytorch_metric_learning.distances import LpDistance

    return LpDistance(normalize_embeddings=False)


def test_batch_hard_agrees_with_pytorch_metric_learning(
    embedded: tuple[Tensor, Tensor, list[Tensor]],
) -> None:
    from pytorch_metric_learning.miners import BatchHardMiner

    points, labels, given = embedded
    expected = Triplets(*BatchHardMiner(distance=oracle_distance())(points, labels))
    assert triplet_list(FAMILY.build("hard").triplets(*given, MARGIN)) == triplet_list(expected)


def test_every_agrees_with_pytorch_metric_learning(
    embedded: tuple[Tensor, Tensor, list[Tensor]],
) -> None:
    from pytorch_metric_learning.utils.loss_and_miner_utils import get_all_triplets_indices

    _, labels, given = embedded
    expected = Triplets(*get_all_triplets_indices(labels))
    assert triplet_list(FAMILY.build("every").triplets(*given, MARGIN)) == triplet_list(expected)


def test_semi_hard_is_the_nearest_of_those_of_pytorch_metric_learning(
    embedded: tuple[Tensor, Tensor, list[Tensor]],
) -> None:
    from pytorch_metric_learning.miners import TripletMarginMiner

    points, labels, given = embedded
    oracle = TripletMarginMiner(MARGIN, "semihard", distance=oracle_distance())
    nearest: dict[tuple[int, int], int] = {}
    for a, p, n in triplet_list(Triplets(*oracle(points, labels))):
        if (a, p) not in nearest or given[0][a, n] < given[0][a, nearest[a, p]]:
            nearest[a, p] = n
    found = triplet_list(FAMILY.build("semi_hard").triplets(*given, MARGIN))
    assert len(found) > 20
    assert found == sorted((a, p, n) for (a, p), n in nearest.items())
