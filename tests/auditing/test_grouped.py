"""Sessions that were taken for people are noticed by how near they are to one another."""

import numpy as np
import pytest

from likewise.auditing.grouped import group_findings
from likewise.distances import FAMILY
from likewise.types import Items

DISTANCE = FAMILY.build("euclidean")


def drawn(groups: int, each: int, *, spread: float, seed: int = 0):
    """Vectors of groups, of identities that lie so far apart within them, of four items each."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(groups, 1, 1, 16)) * 3
    people = centres + random.normal(size=(groups, each, 1, 16)) * spread
    vectors = (people + random.normal(size=(groups, each, 4, 16)) * 0.5).reshape(-1, 16)
    named = [f"g{g}" for g in range(groups) for _ in range(4 * each)]
    who = [f"g{g}/i{i}" for g in range(groups) for i in range(each) for _ in range(4)]
    items = Items.build("x", who, "vector", who, vectors.__getitem__, groups=named)
    return vectors.astype(np.float32), items


@pytest.mark.parametrize(("groups", "each"), [(5, 2), (12, 3), (40, 5)])
def test_identities_that_are_occasions_of_their_group_are_an_alarm(groups, each):
    (found,) = group_findings(*drawn(groups, each, spread=0.0), DISTANCE)
    assert (found.kind, found.severity) == ("groups_as_identities", "alarm")
    assert found.figures["auc_identity"] == pytest.approx(0.5, abs=0.06)
    assert "--identity-level 1" in found.advice


@pytest.mark.parametrize("seed", range(5))
def test_identities_within_groups_are_none(seed):
    assert group_findings(*drawn(12, 3, spread=2.0, seed=seed), DISTANCE) == []
    # Groups that are no nearer than others, as alphabets.
    vectors, items = drawn(12, 3, spread=0.0, seed=seed)
    random = np.random.default_rng(seed)
    assert (
        group_findings(random.normal(size=vectors.shape).astype(np.float32), items, DISTANCE) == []
    )


def test_few_groups_or_none_say_nothing():
    assert group_findings(*drawn(4, 3, spread=0.0), DISTANCE) == []
    vectors, items = drawn(8, 1, spread=0.0)
    assert group_findings(vectors, items, DISTANCE) == []
