"""The miners against plain loops and pytorch-metric-learning."""

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.distances.manhattan import Manhattan
from likewise.errors import BadArgument, MissingExtra, UnknownName
from likewise.learn.losses.triplet import Triplet
from likewise.learn.miners import FAMILY
from likewise.learn.miners.base import Miner
from likewise.types import Pairs, Triplets
from tests.learn.miners.batches import CASES, MARGIN


@pytest.fixture(params=CASES)
def given(request: pytest.FixtureRequest) -> list[Tensor]:
    return CASES[request.param]


def built(spec: str) -> Miner:
    return FAMILY.build(spec, distance=Euclidean(), dim=3)


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
        if name == "all":
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


@pytest.mark.parametrize("name", ["all", "hard", "semi_hard"])
def test_it_takes_what_a_plain_loop_takes(name: str, given: list[Tensor]) -> None:
    miner: Miner = FAMILY.build(name)
    pairs, triplets = loops(name, given)
    assert pair_list(miner.pairs(*given)) == pairs
    assert triplet_list(miner.triplets(*given, MARGIN)) == triplets


def test_the_cases_are_not_empty() -> None:
    for name in ("all", "hard", "semi_hard"):
        for key in ("square", "many", "wide", "tall", "few classes"):
            assert all(loops(name, CASES[key])), (name, key)


def test_every_takes_no_cubic_memory() -> None:
    labels = torch.arange(2000) // 2
    same = labels[:, None] == labels
    different = ~same
    same.fill_diagonal_(False)
    different[:, 5:] = False
    triplets = FAMILY.build("all").triplets(torch.zeros(2000, 2000), same, different, MARGIN)
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
    assert len(FAMILY.build("all").triplets(*given, 0.2).anchor) == 8
    assert len(FAMILY.build("hard").triplets(*given, 0.2).anchor) == 4
    assert len(FAMILY.build("semi_hard").triplets(*given, 0.2).anchor) == 0


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
    assert triplet_list(FAMILY.build("all").triplets(*given, MARGIN)) == triplet_list(expected)


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


# distance_weighted


def spread(
    seed: int, rows: int = 40, dim: int = 6, classes: int = 5
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Points of length one, their classes, and what a miner is given of them."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(classes, dim, generator=generator)
    labels = torch.arange(rows) % classes
    noise = torch.randn(rows, dim, generator=generator, dtype=torch.float64)
    points = functional.normalize(centres[labels] + noise)
    same = labels[:, None] == labels
    given = [torch.cdist(points, points), same & ~torch.eye(rows).bool(), ~same]
    return points, labels, given


@pytest.mark.parametrize("dim", [3, 6, 64])
def test_distance_weighted_draws_with_the_chances_of_pytorch_metric_learning(
    dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytorch_metric_learning.miners import DistanceWeightedMiner, distance_weighted_miner

    points, labels, given = spread(3, dim=dim)
    seen = []

    def kept(labels: Tensor, ref_labels: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        seen.append(weights)
        return labels[:0], labels[:0], labels[:0]

    monkeypatch.setattr(distance_weighted_miner.lmu, "get_random_triplet_indices", kept)
    DistanceWeightedMiner(cutoff=0.6, nonzero_loss_cutoff=1.3)(points, labels)
    miner = FAMILY.build("distance_weighted(0.6, 1.3)", distance=Euclidean(), dim=dim)
    chances = miner.chances(given[0], given[2])
    reached = chances.any(dim=1)
    assert reached.sum() > 20
    torch.testing.assert_close(chances[reached], seen[0][reached], rtol=1e-4, atol=1e-7)


def test_distance_weighted_draws_as_often_as_the_published_formula_says() -> None:
    _, _, (distances, same, different) = spread(4, rows=12, dim=8, classes=3)
    miner = FAMILY.build("distance_weighted(0.5, 1.9)", distance=Euclidean(), dim=8)
    chances = torch.zeros(12, 12, dtype=torch.float64)
    for a, n in product(range(12), range(12)):
        d = max(float(distances[a, n]), 0.5)
        if different[a, n] and d < 1.9:
            chances[a, n] = 1 / (d**6 * (1 - d**2 / 4) ** 2.5)
    chances = chances / chances.sum(dim=1, keepdim=True)
    counts = torch.zeros(12, 12, dtype=torch.float64)
    torch.manual_seed(0)
    rounds = 3000
    for _ in range(rounds):
        drawn = miner.triplets(distances, same, different, MARGIN)
        assert len(drawn.anchor) == int(same.sum())
        counts.index_put_((drawn.anchor, drawn.negative), torch.ones(()).double(), accumulate=True)
    total = 3 * rounds  # each anchor has three same ones
    deviation = (total * chances * (1 - chances)).sqrt().clamp(min=1)
    assert ((counts - total * chances).abs() / deviation).max() < 5


def test_distance_weighted_reads_the_cosine_distance_as_well() -> None:
    points, _, (distances, _, different) = spread(5)
    cosines = (1 - points @ points.T).clamp(min=0)
    by_cosine = FAMILY.build("distance_weighted", distance=Cosine(), dim=6)
    torch.testing.assert_close(
        by_cosine.chances(cosines, different), built_of(6).chances(distances, different)
    )


def built_of(dim: int) -> Miner:
    return FAMILY.build("distance_weighted", distance=Euclidean(), dim=dim)


def test_distance_weighted_gives_nothing_where_all_are_too_far() -> None:
    points = torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [-1.0, 0, 0], [-1.0, 0, 0]])
    same = torch.tensor([0, 0, 1, 1])[:, None] == torch.tensor([0, 0, 1, 1])
    given = (torch.cdist(points, points), same & ~torch.eye(4).bool(), ~same)
    assert triplet_list(built_of(3).triplets(*given, MARGIN)) == []
    assert {same for *_, same in pair_list(built_of(3).pairs(*given))} == {True}


def test_distance_weighted_draws_all_distances_alike() -> None:
    """Of points all over a sphere, uniform draws are at the root of two; these are not."""
    _, _, given = spread(6, rows=600, dim=4, classes=300)
    drawn = built_of(4).triplets(*given, MARGIN)
    found = given[0][drawn.anchor, drawn.negative]
    counts = torch.histogram(found.float(), bins=6, range=(0.5, 1.4)).hist
    assert counts.min() > 0.6 * counts.max()


@pytest.mark.parametrize(
    ("spec", "context", "words"),
    [
        ("distance_weighted(cutoff=0)", {"distance": Euclidean(), "dim": 3}, "cutoff is 0.*< 2"),
        ("distance_weighted(0.5, 2.5)", {"distance": Euclidean(), "dim": 3}, "farthest 2.5"),
        (
            "distance_weighted",
            {"distance": Manhattan(), "dim": 3},
            "was given manhattan.*euclidean",
        ),
        ("distance_weighted", {"distance": Euclidean()}, "length of an embedding.*given None"),
    ],
)
def test_distance_weighted_is_refused_what_it_knows_nothing_of(
    spec: str, context: dict[str, object], words: str
) -> None:
    with pytest.raises(BadArgument, match=words):
        FAMILY.build(spec, **context)


def test_distance_weighted_is_for_embeddings_of_length_one() -> None:
    _, _, (distances, same, different) = spread(7)
    with pytest.raises(BadArgument, match=r"distance is .* at most 2\. Set normalize=true"):
        built_of(6).triplets(3 * distances, same, different, MARGIN)
    loss = Triplet(miner="distance_weighted", distance=Euclidean(), dim=6)
    assert loss.miner.dim == 6


# pml


@pytest.mark.parametrize("columns", [None, 17])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("BatchHardMiner", {}),
        ("BatchEasyHardMiner", {"pos_strategy": "easy", "neg_strategy": "hard"}),
        ("HDCMiner", {"filter_percentage": 0.3}),
        ("MultiSimilarityMiner", {"epsilon": 0.2}),
        ("PairMarginMiner", {"pos_margin": 0.3, "neg_margin": 1.2}),
        ("TripletMarginMiner", {"margin": 0.4, "type_of_triplets": "hard"}),
    ],
)
def test_a_borrowed_miner_takes_what_it_takes_there(
    name: str, options: dict[str, object], columns: int | None
) -> None:
    from pytorch_metric_learning import miners

    generator = torch.Generator().manual_seed(8)
    points = torch.randn(25, 4, generator=generator)
    labels = torch.randint(6, (25,), generator=generator)
    others, other_labels = points, labels
    if columns is not None:
        others = torch.randn(columns, 4, generator=generator)
        other_labels = torch.randint(8, (columns,), generator=generator)
    more = () if columns is None else (others, other_labels)
    taken = getattr(miners, name)(**options, distance=oracle_distance())(points, labels, *more)
    same = labels[:, None] == other_labels
    different = ~same
    if columns is None:
        same.fill_diagonal_(False)
    miner = FAMILY.build(f"pml({name!r}, options={options!r})")
    given = (torch.cdist(points, others), same, different)
    assert len(taken[0]) > 0
    if len(taken) == 3:
        assert triplet_list(miner.triplets(*given, MARGIN)) == triplet_list(Triplets(*taken))
        near, far = (
            set(zip(*(c.tolist() for c in taken[:2]), strict=True)),
            set(zip(taken[0].tolist(), taken[2].tolist(), strict=True)),
        )
    else:
        near = set(zip(taken[0].tolist(), taken[1].tolist(), strict=True))
        far = set(zip(taken[2].tolist(), taken[3].tolist(), strict=True))
        both = [(a, p, n) for a, p in near for b, n in far if a == b]
        assert triplet_list(miner.triplets(*given, MARGIN)) == sorted(both)
    expected = sorted([(*pair, True) for pair in near] + [(*pair, False) for pair in far])
    assert pair_list(miner.pairs(*given)) == expected


@pytest.mark.parametrize(
    ("spec", "kind", "words"),
    [
        ("pml('TripletMarginMinner')", UnknownName, "no miner.*Did you mean 'TripletMarginMiner'"),
        (
            "pml('AngularMiner')",
            BadArgument,
            "AngularMiner looks at embeddings.*TripletMarginMiner",
        ),
        (
            "pml('HDCMiner', options={'filter_percentge': 1})",
            UnknownName,
            "HDCMiner of pytorch-metric-learning has no option.*'filter_percentage'",
        ),
        (
            "pml('BatchEasyHardMiner', options={'pos_strategy': 'x'})",
            BadArgument,
            "BatchEasyHardMiner refuses the options.*pos_strategy",
        ),
        ("pml('HDCMiner', options=3)", BadArgument, r"options is 3, and dict\[str, Any\]"),
    ],
)
def test_a_miner_that_cannot_be_borrowed_is_refused(
    spec: str, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        FAMILY.build(spec)


def test_a_borrowed_miner_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pytorch_metric_learning.miners", None)
    with pytest.raises(MissingExtra, match=r"pip install 'likewise\[pml\]'"):
        FAMILY.build("pml('HDCMiner')")
