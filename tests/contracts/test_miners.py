"""What every miner promises, whoever adds one."""

import pytest
import torch
from torch import Tensor

from likewise.distances import FAMILY as DISTANCES
from likewise.learn.miners import FAMILY
from likewise.learn.miners.base import Miner
from tests.learn.miners.batches import CASES, MARGIN, case

# A borrowed miner is one of many; of each sort there is one here.
BORROWED = [
    "pml('BatchHardMiner')",
    "pml('BatchEasyHardMiner')",
    "pml('HDCMiner')",
    "pml('MultiSimilarityMiner', options={'epsilon': 0.2})",
    "pml('PairMarginMiner')",
    "pml('TripletMarginMiner', options={'type_of_triplets': 'semihard'})",
    "pml('UniformHistogramMiner', options={'num_bins': 5})",
]
SPECS = [spec for name in FAMILY.names() for spec in (BORROWED if name == "pml" else [name])]
OWN = [spec for spec in SPECS if spec not in BORROWED]


def built(spec: str) -> Miner:
    return FAMILY.build(spec, distance=DISTANCES.build("euclidean"), dim=3)


@pytest.fixture(params=CASES)
def given(request: pytest.FixtureRequest) -> list[Tensor]:
    return CASES[request.param]


@pytest.mark.parametrize("spec", SPECS)
def test_whatever_is_taken_is_what_it_is_called(spec: str, given: list[Tensor]) -> None:
    """Same pairs are same, negatives different, all of them rows and columns, given once each."""
    _, same, different = given
    before = [part.clone() for part in given]
    pairs, triplets = built(spec).pairs(*given), built(spec).triplets(*given, MARGIN)
    columns = (pairs.first, pairs.second, triplets.anchor, triplets.positive, triplets.negative)
    assert {column.dtype for column in columns} == {torch.int64}
    assert pairs.same.dtype == torch.bool
    assert torch.equal(same[pairs.first, pairs.second], pairs.same)
    assert torch.equal(different[pairs.first, pairs.second], ~pairs.same)
    assert same[triplets.anchor, triplets.positive].all()
    assert different[triplets.anchor, triplets.negative].all()
    for found in (columns[:2], columns[2:]):
        rows = torch.stack(found, dim=1)
        assert len(rows.unique(dim=0)) == len(rows)
    assert all(torch.equal(part, one) for part, one in zip(given, before, strict=True))


@pytest.mark.parametrize("spec", SPECS)
def test_the_same_seed_takes_the_same(spec: str) -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(4)
        pairs = built(spec).pairs(*CASES["many"])
        triplets = built(spec).triplets(*CASES["many"], MARGIN)
        found.append([*vars(pairs).values(), *vars(triplets).values()])
    for one, other in zip(*found, strict=True):
        assert one is other is None or torch.equal(one, other)


@pytest.mark.parametrize("spec", SPECS)
def test_it_takes_something_of_an_ordinary_batch(spec: str) -> None:
    torch.manual_seed(0)
    pairs = built(spec).pairs(*CASES["many"])
    assert pairs.same.any()
    assert not pairs.same.all()
    assert len(built(spec).triplets(*CASES["many"], MARGIN).anchor)


@pytest.mark.parametrize("spec", OWN)
def test_distances_that_are_not_numbers_leave_the_error_to_the_loss(spec: str) -> None:
    distances, same, different = case(0)
    for value in (torch.nan, torch.inf):
        triplets = built(spec).triplets(distances * value, same, different, MARGIN)
        for column in (triplets.anchor, triplets.positive, triplets.negative):
            assert ((column >= 0) & (column < len(same))).all()
