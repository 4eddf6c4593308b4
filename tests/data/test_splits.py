"""Splits: four roles, two claims, and a reason for every refusal."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.splits import Shares, split
from likewise.errors import SplitError
from likewise.sources.characters import Characters
from likewise.types import Claim, Items, Role, Split

NEW, KNOWN = Claim.NEW_IDENTITIES, Claim.KNOWN_CLASSES
USED = (Role.TRAIN, Role.CALIBRATE, Role.TEST)
SKEWED: Shares = {Role.TRAIN: 0.8, Role.CALIBRATE: 0.1, Role.TEST: 0.1}
WITH_SELECT: Shares = {Role.TRAIN: 0.4, Role.SELECT: 0.2, Role.CALIBRATE: 0.2, Role.TEST: 0.2}


def never(row: int) -> bytes:
    raise AssertionError(f"item {row} was read")


def table(
    identities: Sequence[str],
    groups: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
) -> Items:
    places = [f"{row}.png" for row in range(len(identities))]
    return Items.build("toy", identities, "image", places, never, groups=groups, parts=parts)


def many(count: int, items: int) -> list[str]:
    return [f"p{who}" for who in range(count) for _ in range(items)]


def held(items: Items, made: Split) -> dict[Role, Counter[str]]:
    return {role: Counter(items.identities[rows].tolist()) for role, rows in made}


def assert_parts(items: Items, made: Split) -> None:
    """Every item has one role."""
    rows = np.concatenate([rows for _, rows in made])
    assert sorted(rows.tolist()) == list(range(len(items)))
    assert list(made.indices) == list(Role)


def source_rows(items: Items, made: Split) -> Mapping[Role, list[int]]:
    return {role: sorted(items.rows[rows].tolist()) for role, rows in made}


counts = st.lists(st.integers(1, 8), min_size=2, max_size=24)
seeds = st.integers(0, 2**32)
quiet = settings(deadline=None, max_examples=80, derandomize=True)


@quiet
@given(counts, seeds, st.sampled_from([None, SKEWED, WITH_SELECT]))
def test_new_identities_hold_or_are_refused_for_cause(
    sizes: list[int], seed: int, shares: Shares | None
) -> None:
    items = table([f"p{who}" for who, size in enumerate(sizes) for _ in range(size)])
    used = tuple(Role) if shares is WITH_SELECT else USED
    feasible = len(sizes) >= 2 * len(used) and sum(size > 1 for size in sizes) >= len(used)
    try:
        made = split(items, NEW, fractions=shares, seed=seed)
    except SplitError:
        assert not feasible
        return
    assert feasible
    assert_parts(items, made)
    found = held(items, made)
    seen = [identity for role in found for identity in found[role]]
    assert len(seen) == len(set(seen)) == len(sizes)
    for role in used:
        assert len(found[role]) >= 2
        assert max(found[role].values()) >= 2


@quiet
@given(counts, seeds)
def test_known_classes_hold_or_are_refused_for_cause(sizes: list[int], seed: int) -> None:
    items = table([f"p{who}" for who, size in enumerate(sizes) for _ in range(size)])
    try:
        made = split(items, KNOWN, seed=seed)
    except SplitError:
        assert sum(size >= 6 for size in sizes) < 2
        return
    assert_parts(items, made)
    found = held(items, made)
    assert not found[Role.SELECT]
    assert len(found[Role.TRAIN]) == len(sizes)
    for who, size in enumerate(sizes):
        least = min(found[role][f"p{who}"] for role in USED)
        assert least >= min(2, size // 3)
    for role in USED:
        assert len(found[role]) >= 2
        assert sum(count > 1 for count in found[role].values()) >= (2 if len(sizes) == 2 else 1)


@quiet
@given(seeds, seeds, st.sampled_from([NEW, KNOWN]), st.sampled_from(["random", "source", "group"]))
def test_order_of_the_table_does_not_matter(seed: int, shuffle: int, claim: Claim, by: str) -> None:
    names = many(12, 8)
    if claim is NEW:
        parts = ["train" if int(name[1:]) < 8 else "test" for name in names]
        groups = [f"g{int(name[1:]) // 2}" for name in names]
    else:
        parts = ["train", "train", "train", "train", "train", "test", "test", "test"] * 12
        groups = [f"g{row % 4}" for row in range(96)]
    items = table(names, groups, parts)
    order = np.random.default_rng(shuffle).permutation(len(items))
    shuffled = items.take(order)
    first = split(items, claim, by=by, seed=seed)  # type: ignore[arg-type]
    again = split(items, claim, by=by, seed=seed)  # type: ignore[arg-type]
    other = split(shuffled, claim, by=by, seed=seed)  # type: ignore[arg-type]
    assert source_rows(items, first) == source_rows(items, again)
    assert source_rows(items, first) == source_rows(shuffled, other)
    assert_parts(shuffled, other)


def test_another_seed_is_another_split() -> None:
    items = table(many(20, 3))
    made = [split(items, NEW, seed=seed) for seed in (0, 1)]
    assert source_rows(items, made[0]) != source_rows(items, made[1])


def test_characters_are_shared_out_as_in_the_trial() -> None:
    items = Characters().items()
    shares = {Role.TRAIN: 0.56, Role.CALIBRATE: 0.22, Role.TEST: 0.22}
    found = held(items, split(items, NEW, fractions=shares))
    assert [len(found[role]) for role in USED] == [76, 30, 30]
    made = split(items, NEW)
    assert made.claim is NEW
    assert [len(held(items, made)[role]) for role in Role] == [62, 14, 30, 30]
    assert made.how == (
        "Identities shared out at random (seed 0), no identity in two parts: "
        "train 62 identities (1240 items), select 14 identities (280 items), "
        "calibrate 30 identities (600 items), test 30 identities (600 items)."
    )


@pytest.mark.parametrize(("count", "select"), [(99, 0), (100, 10)])
def test_select_is_empty_below_a_hundred_identities(count: int, select: int) -> None:
    items = table(many(count, 3))
    assert len(held(items, split(items, NEW))[Role.SELECT]) == select
    known = table(many(count, 6))
    assert len(split(known, KNOWN).indices[Role.SELECT]) == 0


def test_select_is_used_when_asked_for() -> None:
    items = table(many(10, 10))
    found = held(items, split(items, KNOWN, fractions=WITH_SELECT))
    assert {role: set(found[role].values()) for role in found} == {
        Role.TRAIN: {4},
        Role.SELECT: {2},
        Role.CALIBRATE: {2},
        Role.TEST: {2},
    }


def test_known_classes_are_shared_out_class_by_class() -> None:
    items = table(many(3, 50))
    made = split(items, KNOWN)
    found = held(items, made)
    assert [set(found[role].values()) for role in USED] == [{28}, {11}, {11}]
    assert made.how.startswith("Items of every class shared out at random (seed 0), the same ")


def test_singles_do_not_starve_a_part_by_chance() -> None:
    names = ["a", "a", "b", "b", "c", "c", *(f"single{n}" for n in range(200))]
    items = table(names)
    for seed in range(10):
        found = held(items, split(items, NEW, fractions=SKEWED, seed=seed))
        assert [max(found[role].values()) for role in USED] == [2, 2, 2]


# The source's own protocol


def test_source_keeps_its_test_identities() -> None:
    names = many(20, 4)
    parts = ["test" if int(name[1:]) >= 14 else "train" for name in names]
    items = table(names, parts=parts)
    made = split(items, NEW)
    found = held(items, made)
    assert set(found[Role.TEST]) == {f"p{who}" for who in range(14, 20)}
    assert [len(found[role]) for role in USED] == [10, 4, 6]
    assert made.how.startswith("The source's own test part, identities of the rest shared out")
    assert set(held(items, split(items, NEW, by="random"))[Role.TEST]) != set(found[Role.TEST])


def test_source_keeps_its_test_items() -> None:
    parts = (["train"] * 9 + ["test"] * 3) * 4
    items = table(many(4, 12), parts=parts)
    made = split(items, KNOWN)
    assert made.indices[Role.TEST].tolist() == [r for r, part in enumerate(parts) if part == "test"]
    found = held(items, made)
    assert [set(found[role].values()) for role in USED] == [{6}, {3}, {3}]


def test_auto_is_random_where_the_source_has_one_part_only() -> None:
    items = table(many(10, 3), parts=["train"] * 30)
    assert "own test part" not in split(items, NEW).how
    with pytest.raises(SplitError, match="the parts here are 'train'"):
        split(items, NEW, by="source")
    with pytest.raises(SplitError, match="the parts here are ''"):
        split(table(many(10, 3)), NEW, by="source")
    half = table(many(10, 3), parts=(["train"] * 10 + ["test"] * 10 + [""] * 10))
    with pytest.raises(SplitError, match="the parts here are '', 'test', 'train'"):
        split(half, NEW)


def test_an_identity_in_both_parts_carries_no_new_identities() -> None:
    items = table(many(12, 4), parts=["train", "train", "train", "test"] * 12)
    with pytest.raises(
        SplitError,
        match=r"12 identities are in both .*\(p0, p1, p10, .*, p7, \.\.\.\).* claim known_classes",
    ):
        split(items, NEW)


def test_a_class_that_train_lacks_is_not_known() -> None:
    names = [*many(3, 12), "late", "late"]
    parts = [*(["train"] * 9 + ["test"] * 3) * 3, "test", "test"]
    with pytest.raises(SplitError, match=r"1 classes of .* not in its train part \(late\)"):
        split(table(names, parts=parts), KNOWN)


# Whole groups


def test_groups_stay_whole() -> None:
    items = Characters().items()
    made = split(items, NEW, by="group")
    assert_parts(items, made)
    groups = [set(items.groups[rows].tolist()) for _, rows in made]
    assert all(groups)
    assert sum(map(len, groups)) == 5
    assert "by whole groups" in made.how


def test_as_few_groups_as_parts_are_enough() -> None:
    names = many(120, 2)
    items = table(names, groups=[f"g{int(name[1:]) % 3}" for name in names])
    found = held(items, split(items, NEW, by="group"))
    assert [len(found[role]) for role in Role] == [40, 0, 40, 40]


def test_a_group_too_small_for_a_part_is_drawn_around() -> None:
    names = [*many(12, 3), "lone"]
    groups = [*(f"g{int(name[1:]) // 4}" for name in names[:-1]), "small"]
    for seed in range(10):
        found = held(table(names, groups), split(table(names, groups), NEW, by="group", seed=seed))
        assert min(len(found[role]) for role in USED) >= 2


def test_known_classes_by_group_hold_the_groups_apart() -> None:
    names = [f"digit{digit}" for _ in range(6) for digit in range(4) for _ in range(3)]
    speakers = [f"speaker{row // 12}" for row in range(72)]
    items = table(names, speakers)
    made = split(items, KNOWN, by="group")
    spoken = [set(items.groups[made.indices[role]].tolist()) for role in USED]
    assert sum(map(len, spoken)) == 6
    assert all(len(part) == 4 for role, part in held(items, made).items() if role in USED)


def test_groups_that_cannot_carry_it() -> None:
    names = many(12, 3)
    with pytest.raises(SplitError, match=r"at least 3 groups .*there are 2 \(g0, g1\)"):
        split(table(names, [f"g{int(n[1:]) % 2}" for n in names]), NEW, by="group")
    with pytest.raises(SplitError, match="needs a group for every item; 36 have none"):
        split(table(names), NEW, by="group")
    with pytest.raises(SplitError, match="12 identities are in more than one group"):
        split(table(names, ["a", "b", "c"] * 12), NEW, by="group")
    lonely = [f"g{min(int(name[1:]), 2)}" for name in names]
    with pytest.raises(SplitError, match=r"none of 100 ways .* gets 1 identities"):
        split(table(names, lonely), NEW, by="group")
    with pytest.raises(SplitError, match=r"classes of .* are not in train"):
        split(table(names, [f"g{int(n[1:]) // 4}" for n in names]), KNOWN, by="group")
