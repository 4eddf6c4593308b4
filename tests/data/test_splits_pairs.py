"""Splits of pairs: components of the pair graph stay whole, and every part can be measured on."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from likewise.data.splits import Shares, split
from likewise.errors import SplitError
from likewise.sources.tabular.pair_graph import components, edges
from likewise.types import Claim, Items, Pairs, Role, Split

NEW, KNOWN = Claim.NEW_IDENTITIES, Claim.KNOWN_CLASSES
USED = (Role.TRAIN, Role.CALIBRATE, Role.TEST)
GREEDY: Shares = {Role.TRAIN: 0.8, Role.CALIBRATE: 0.1, Role.TEST: 0.1}
Edge = tuple[int, int, int]

quiet = settings(deadline=None, max_examples=40, derandomize=True)
seeds = st.integers(0, 2**32)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    """Items and pairs without contradictions: several small graphs side by side."""
    sizes = draw(st.lists(st.integers(2, 6), min_size=1, max_size=9))
    pairs: list[Edge] = []
    start = 0
    for size in sizes:
        ends = st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True)
        named = draw(st.lists(ends, min_size=1, max_size=8, unique_by=frozenset))
        sorts = draw(st.lists(st.integers(0, 1), min_size=len(named), max_size=len(named)))
        pairs += [(start + a, start + b, same) for (a, b), same in zip(named, sorts, strict=True)]
        start += size
    return start, pairs


def table(count: int, pairs: Sequence[Edge]) -> Items:
    """A table as a source of pairs makes it; items that no pair names are left out."""
    used = sorted({end for one, other, _ in pairs for end in (one, other)})
    number = {item: row for row, item in enumerate(used)}
    first, second, same = (
        np.array([column[at] for column in pairs], dtype=np.int64) for at in range(3)
    )
    first, second = (np.array([number[end] for end in ends.tolist()]) for ends in (first, second))
    roots = components(len(used), first, second)
    return Items.build(
        "toy",
        [f"{root}.png" for root in roots.tolist()],
        "image",
        [f"{item}.png" for item in used],
        lambda _: b"",
        pairs=Pairs(first, second, same),
    )


def chains(count: int, *, length: int = 4) -> list[Edge]:
    """Components of one same pair, one different one, then same ones."""
    sorts = [1, 0, *[1] * length][: length - 1]
    return [
        (length * chain + at, length * chain + at + 1, sorts[at])
        for chain in range(count)
        for at in range(length - 1)
    ]


def sorts_of(items: Items, made: Split) -> dict[Role, list[int]]:
    """For each part how many different and how many same pairs it holds."""
    found = {}
    for role, rows in made:
        part = items.take(rows)
        assert part.pairs is not None
        found[role] = np.bincount(part.pairs.same, minlength=2).tolist()
    return found


# What hangs together


@quiet
@given(graphs(), st.randoms(use_true_random=False))
def test_components_are_those_of_scipy(graph: tuple[int, list[Edge]], random: object) -> None:
    count, pairs = graph
    random.shuffle(pairs)  # type: ignore[attr-defined]
    first, second = np.array([pair[:2] for pair in pairs]).T
    joined = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    _, expected = connected_components(joined, directed=False)
    found = components(count, first, second)
    assert len(set(zip(found.tolist(), expected.tolist(), strict=True))) == len(set(expected))
    assert len(set(found.tolist())) == len(set(expected.tolist()))
    for item, root in enumerate(found.tolist()):
        assert root == np.flatnonzero(expected == expected[item]).min()


def test_a_long_chain_in_any_order_is_one_component() -> None:
    order = np.random.default_rng(0).permutation(20_001)
    assert set(components(20_001, order[:-1], order[1:]).tolist()) == {0}
    assert set(components(20_001, order[1:], order[:-1])[::-1].tolist()) == {0}


def test_a_pair_is_one_edge_in_either_order() -> None:
    first, second = np.array([3, 1, 0, 3, 1]), np.array([1, 0, 2, 1, 3])
    rows, of = edges(4, first, second)
    assert rows.tolist() == [0, 1, 2]
    assert of.tolist() == [0, 1, 2, 0, 0]


# Shared out


def can_be_shared_out(weights: np.ndarray) -> bool:
    """Whether any of all ways to share out components [sort, component] carries three parts."""
    ways = np.array(list(itertools.product(range(3), repeat=weights.shape[1])))
    held = np.stack([(ways == part).astype(int) @ weights.T for part in range(3)], axis=1)
    enough = held.sum(2) >= 0.5 * np.array([0.56, 0.22, 0.22]) * weights.sum()
    return bool((enough & (held > 0).all(2)).all(1).any())


@quiet
@given(graphs(), seeds)
def test_no_component_is_in_two_parts(graph: tuple[int, list[Edge]], seed: int) -> None:
    items = table(*graph)
    assert items.pairs is not None
    names, of = np.unique(items.identities, return_inverse=True)
    ends = [of[items.pairs.first[items.pairs.same == same]] for same in (0, 1)]
    weights = np.stack([np.bincount(sort, minlength=len(names)) for sort in ends])
    feasible = can_be_shared_out(weights)
    try:
        made = split(items, NEW, seed=seed)
    except SplitError:
        assert not feasible
        return
    assert feasible
    rows = np.concatenate([rows for _, rows in made])
    assert sorted(rows.tolist()) == list(range(len(items)))
    held = [set(items.identities[rows].tolist()) for _, rows in made]
    assert sum(map(len, held)) == len(names)
    found = sorts_of(items, made)
    assert all(min(found[role]) >= 1 for role in USED)
    # Nothing is lost: a pair never has its ends in two parts.
    assert sum(map(sum, found.values())) == len(items.pairs.first)
    for role, share in zip(USED, (0.56, 0.22, 0.22), strict=True):
        assert sum(found[role]) >= 0.5 * share * len(items.pairs.first)


@settings(quiet, max_examples=20)
@given(seeds, seeds)
def test_order_of_the_table_does_not_matter(seed: int, shuffle: int) -> None:
    items = table(80, chains(20))
    assert items.pairs is not None
    random = np.random.default_rng(shuffle)
    mixed = random.permutation(len(items.pairs.first))
    pairs = Pairs(*(v[mixed] for v in (items.pairs.second, items.pairs.first, items.pairs.same)))
    shuffled = replace(items, pairs=pairs).take(random.permutation(len(items)))
    first, other = split(items, NEW, seed=seed), split(shuffled, NEW, seed=seed)
    for role in Role:
        one, two = items.rows[first.indices[role]], shuffled.rows[other.indices[role]]
        assert sorted(one.tolist()) == sorted(two.tolist())


def test_another_seed_is_another_split() -> None:
    items = table(80, chains(20))
    tests = {tuple(split(items, NEW, seed=seed).indices[Role.TEST].tolist()) for seed in range(5)}
    assert len(tests) == 5


def test_parts_follow_the_shares_by_pairs() -> None:
    """Components of 1 to 30 pairs; parts as told to within the heaviest component."""
    random = np.random.default_rng(3)
    pairs: list[Edge] = []
    start = 0
    for length in random.integers(2, 32, size=90).tolist():
        pairs += [(start + at, start + at + 1, at % 2) for at in range(length - 1)]
        start += length
    items = table(start, pairs)
    for seed in range(10):
        for shares in (None, GREEDY):
            found = sorts_of(items, split(items, NEW, fractions=shares, seed=seed))
            wanted = (0.56, 0.22, 0.22) if shares is None else (0.8, 0.1, 0.1)
            for role, share in zip(USED, wanted, strict=True):
                assert abs(sum(found[role]) - share * len(pairs)) <= 30


def test_scarce_sorts_are_dealt_to_every_part() -> None:
    """Three components with a different pair among 500 without: never left to chance."""
    pairs: list[Edge] = [(2 * at, 2 * at + 1, int(at >= 3)) for at in range(503)]
    items = table(1006, pairs)
    for seed in range(10):
        found = sorts_of(items, split(items, NEW, seed=seed))
        assert [found[role][0] for role in USED] == [1, 1, 1]
        assert found[Role.SELECT] == [0, 0]


def test_select_needs_a_hundred_components_that_carry_it() -> None:
    assert sorts_of(table(396, chains(99)), split(table(396, chains(99)), NEW))[Role.SELECT] == [
        0,
        0,
    ]
    items = table(400, chains(100))
    made = split(items, NEW)
    assert made.how == (
        "Components of the pair graph shared out at random (seed 0), no component in two parts: "
        "train 46 components (184 items, 92 same and 46 different pairs), "
        "select 10 components (40 items, 20 same and 10 different pairs), "
        "calibrate 22 components (88 items, 44 same and 22 different pairs), "
        "test 22 components (88 items, 44 same and 22 different pairs)."
    )


def test_a_large_component_goes_where_it_fits() -> None:
    hub = [(0, at, at % 2) for at in range(1, 61)]
    items = table(200, [*hub, *((100 + a, 100 + b, same) for a, b, same in chains(13))])
    for seed in range(10):
        made = split(items, NEW, seed=seed)
        assert "0.png" in items.places[made.indices[Role.TRAIN]]


def test_groups_and_the_sources_own_test_hold_for_pairs_too() -> None:
    items = table(80, chains(20))
    number = np.array([int(place[:-4]) // 4 for place in items.places.tolist()])
    grouped = replace(items, groups=np.array([f"g{one // 4}" for one in number.tolist()]))
    made = split(grouped, NEW, by="group")
    assert sum(len(set(grouped.groups[rows].tolist())) for _, rows in made) == 5
    assert "Components of the pair graph shared out by whole groups" in made.how
    own = replace(items, parts=np.where(number < 14, "train", "test"))
    made = split(own, NEW)
    assert set(number[made.indices[Role.TEST]].tolist()) == set(range(14, 20))
    assert all(min(sorts) for role, sorts in sorts_of(own, made).items() if role in USED)


# Refused


def test_one_component_is_refused_with_the_item_to_blame() -> None:
    pairs = [(0, at, at % 2) for at in range(1, 30)] + [(1, 2, 1), (3, 4, 1)]
    with pytest.raises(
        SplitError,
        match=r"all 30 items hang together by their 31 pairs.* 0\.png is in most .*, 29\. Drop the",
    ):
        split(table(30, pairs), NEW)


def test_a_component_too_large_for_the_shares_is_named() -> None:
    hub = [(0, at, at % 2) for at in range(1, 91)]
    items = table(200, [*hub, *((100 + a, 100 + b, same) for a, b, same in chains(4))])
    with pytest.raises(
        SplitError,
        match=(
            r"the 5 such components \(5 with same and different pairs, 0 with same and 0 with .*"
            r"largest component, that of 0\.png, holds 90 of 102 pairs and 91 of 107 items\. "
            r"0\.png is in most of its pairs, 90\. Drop .* or change the fractions"
        ),
    ):
        split(items, NEW)
    made = split(items, NEW, fractions={Role.TRAIN: 0.88, Role.CALIBRATE: 0.06, Role.TEST: 0.06})
    assert "0.png" in items.places[made.indices[Role.TRAIN]]


def test_too_few_of_a_sort_says_what_each_part_got() -> None:
    pairs: list[Edge] = [(2 * at, 2 * at + 1, int(at >= 2)) for at in range(30)]
    with pytest.raises(
        SplitError,
        match=(
            r"30 such components \(0 with same and different pairs, 28 with same and 2 with .*"
            r"cannot make the parts train, calibrate, test: .* gives train \d+ same and \d "
            r"different, calibrate \d+ same and \d different, test \d+ same and \d different pairs"
        ),
    ):
        split(table(60, pairs), NEW)


def test_a_test_part_without_both_sorts_is_refused() -> None:
    pairs: list[Edge] = [(2 * at, 2 * at + 1, at % 2) for at in range(30)]
    items = table(60, pairs)
    assert items.pairs is not None
    inside = np.isin(
        items.rows, np.concatenate([items.pairs.first[1::2], items.pairs.second[1::2]])
    )
    test = inside & (items.rows >= 40)
    with pytest.raises(SplitError, match=r"test gets 5 same and 0 different pairs, and each of"):
        split(replace(items, parts=np.where(test, "test", "train")), NEW)
    alone = replace(items, groups=np.where(inside, "same", np.where(items.rows < 10, "a", "b")))
    with pytest.raises(
        SplitError, match=r"none of 100 ways .* gets \d+ same and 0 different pairs"
    ):
        split(alone, NEW, by="group")


def test_pairs_name_no_classes() -> None:
    with pytest.raises(SplitError, match=r"pairs, which name no classes.* claim new_identities"):
        split(table(80, chains(20)), KNOWN)


def test_pairs_across_identities_are_refused() -> None:
    items = table(80, chains(20))
    named = replace(items, identities=items.places)
    with pytest.raises(SplitError, match=r"60 pairs join items of two identities \(0\.png and 1\."):
        split(named, NEW)


def test_no_pairs_left_is_refused() -> None:
    items = table(80, chains(20)).take(np.arange(0, 80, 2))
    with pytest.raises(SplitError, match=r"20 such components \(0 with same and different pairs"):
        split(items, NEW)
