"""P x K batches: who is drawn, how often, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest

from likewise.errors import BadArgument, TrainingError
from likewise.learn.samplers import FAMILY
from likewise.learn.samplers.classes_by_items import ClassesByItems


def data(counts: list[int], seed: int = 0) -> tuple[Any, Any]:
    """Shuffled labels with so many items a class, and no groups."""
    labels = np.repeat(np.arange(len(counts)) * 3 + 7, counts)
    np.random.default_rng(seed).shuffle(labels)
    return labels, np.full(len(labels), "")


def epoch(sampler: ClassesByItems, labels: Any, groups: Any, seed: int = 1) -> list[Any]:
    return epoch_with(sampler, labels, groups, np.random.default_rng(seed))


def epoch_with(sampler: ClassesByItems, labels: Any, groups: Any, random: Any) -> list[Any]:
    """The rows of each batch; its target is their classes."""
    batches = list(sampler.batches(labels, groups, random))
    assert all((b.target.labels == labels[b.rows]).all() for b in batches)
    return [batch.rows for batch in batches]


@pytest.mark.parametrize(("classes", "items"), [(16, 4), (5, 3), (2, 2), (40, 10)])
def test_a_batch_is_p_classes_with_k_different_items(classes: int, items: int) -> None:
    labels, groups = data([10 + index % 7 for index in range(40)])
    batches = epoch(ClassesByItems(classes, items), labels, groups)
    assert len(batches) == math.ceil(len(labels) / (classes * items))
    for batch in batches:
        assert batch.dtype == np.int64
        assert len(set(batch.tolist())) == len(batch) == classes * items
        _, counts = np.unique(labels[batch], return_counts=True)
        assert counts.tolist() == [items] * classes


def test_classes_come_once_before_any_comes_again() -> None:
    labels, groups = data([40] * 23)
    batches = epoch(ClassesByItems(5, 4), labels, groups)
    assert all(len(set(labels[batch].tolist())) == 5 for batch in batches)
    drawn = np.concatenate([labels[batch].reshape(5, 4)[:, 0] for batch in batches])
    assert len(drawn) == 5 * len(batches) == 230
    rounds = drawn.reshape(10, 23)
    assert (np.sort(rounds, axis=1) == np.unique(labels)).all()
    assert len({tuple(one) for one in rounds.tolist()}) == 10


def test_items_of_a_class_come_once_before_any_comes_again() -> None:
    labels, groups = data([12] * 8)
    visited = np.concatenate(epoch(ClassesByItems(8, 4), labels, groups))
    assert sorted(visited.tolist()) == list(range(96))
    labels, groups = data([10] * 8)
    seen = np.bincount(np.concatenate(epoch(ClassesByItems(8, 4), labels, groups)), minlength=80)
    assert set(seen.tolist()) == {1, 2}
    assert seen.sum() == 96


def test_small_classes_repeat_evenly_and_single_items_are_never_drawn() -> None:
    labels, groups = data([2, 3, 9, 1, 9, 1])
    single = np.flatnonzero(np.isin(labels, (16, 22)))
    sampler = ClassesByItems(4, 5)
    batches = [batch for seed in range(20) for batch in epoch(sampler, labels, groups, seed)]
    assert len(batches) == 20 * math.ceil(23 / 20)
    for batch in batches:
        assert not np.isin(batch, single).any()
        for label, distinct, most in ((7, 2, 3), (10, 3, 2), (13, 5, 1), (19, 5, 1)):
            _, counts = np.unique(batch[labels[batch] == label], return_counts=True)
            assert counts.sum() == 5
            assert len(counts) == distinct
            assert counts.max() == most
            assert counts.max() - counts.min() <= 1


def test_fewer_classes_than_asked_bring_more_items_each() -> None:
    labels, groups = data([100, 100, 100])
    batches = epoch(ClassesByItems(16, 4), labels, groups)
    assert len(batches) == math.ceil(300 / 63)
    for batch in batches:
        assert np.unique(labels[batch], return_counts=True)[1].tolist() == [21, 21, 21]
        assert len(set(batch.tolist())) == 63


@pytest.mark.parametrize(("counts", "each"), [([5, 3], 5), ([3, 2], 3), ([100, 2], 32)])
def test_items_are_not_repeated_to_fill_a_batch(counts: list[int], each: int) -> None:
    labels, groups = data(counts)
    batches = epoch(ClassesByItems(16, 4), labels, groups)
    assert [len(batch) for batch in batches] == [2 * each] * math.ceil(sum(counts) / (2 * each))


def test_epochs_differ_and_are_reproducible() -> None:
    labels, groups = data([9] * 12)
    first, again = (np.concatenate(epoch(ClassesByItems(4, 3), labels, groups)) for _ in range(2))
    other = np.concatenate(epoch(ClassesByItems(4, 3), labels, groups, seed=2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
    random = np.random.default_rng(0)
    two = [
        np.concatenate(epoch_with(ClassesByItems(4, 3), labels, groups, random)).tolist()
        for _ in range(2)
    ]
    assert two[0] != two[1]


def test_all_items_and_pairs_of_classes_are_drawn_alike() -> None:
    labels, groups = data([6] * 10)
    sampler, random = ClassesByItems(3, 2), np.random.default_rng(4)
    items, together = np.zeros(60), np.zeros((10, 10))
    for _ in range(600):
        for batch in epoch_with(sampler, labels, groups, random):
            items[batch] += 1
            classes = (np.unique(labels[batch]) - 7) // 3
            together[np.ix_(classes, classes)] += 1
    assert np.abs(items / 600 - 1).max() < 0.1
    off = together[~np.eye(10, dtype=bool)]
    assert np.abs(off / off.mean() - 1).max() < 0.15


def test_all_pairs_of_items_of_a_class_come_together_alike() -> None:
    labels, groups = data([6, 6])
    random = np.random.default_rng(5)
    together = np.zeros((12, 12))
    for _ in range(1500):
        for batch in epoch_with(ClassesByItems(2, 2), labels, groups, random):
            for pair in batch.reshape(2, 2):
                together[np.ix_(pair, pair)] += 1
    same = (labels[:, None] == labels[None, :]) & ~np.eye(12, dtype=bool)
    assert together[labels[:, None] != labels[None, :]].max() == 0
    assert np.abs(together[same] / 300 - 1).max() < 0.25


def grouped() -> tuple[Any, Any]:
    """Groups of 300, 100 and 100 items; one of one class, one of single items; a shared class."""
    sizes = {"a": [10] * 30, "b": [20] * 5, "c": [50, 50], "d": [40], "e": [1] * 9}
    labels, groups, number = [], [], 0
    for group, counts in sizes.items():
        for count in counts:
            labels += [number] * count
            groups += [group] * count
            number += 1
    labels += [0] * 6 + [1] * 6  # classes of group a, seen in group f too
    groups += ["f"] * 12
    order = np.random.default_rng(0).permutation(len(labels))
    return np.array(labels)[order], np.array(groups)[order]


def test_with_one_group_a_batch_is_of_one_group() -> None:
    labels, groups = grouped()
    sampler, random = ClassesByItems(5, 4, groups=1), np.random.default_rng(0)
    counts = dict.fromkeys("abcdef", 0)
    total = 0
    for _ in range(60):
        batches = epoch_with(sampler, labels, groups, random)
        total += len(batches)
        for batch in batches:
            (group,) = set(groups[batch].tolist())
            counts[group] += 1
            size = {"a": (5, 4), "b": (5, 4), "c": (2, 10), "f": (2, 6)}[group]
            _, each = np.unique(labels[batch], return_counts=True)
            assert (len(each), each[0]) == size
            assert len(set(each.tolist())) == 1
            assert len(set(batch.tolist())) == len(batch)
    assert counts["d"] == counts["e"] == 0
    shares = {group: count / total for group, count in counts.items()}
    assert shares["a"] == pytest.approx(300 / 512, abs=0.04)
    assert shares["b"] == pytest.approx(100 / 512, abs=0.04)
    assert shares["c"] == pytest.approx(100 / 512, abs=0.04)
    assert shares["f"] == pytest.approx(12 / 512, abs=0.02)
    assert total / 60 == pytest.approx(512 / 20, rel=0.03)


def test_without_groups_asked_for_they_do_not_matter() -> None:
    labels, groups = grouped()
    plain = epoch(ClassesByItems(5, 4), labels, np.full(len(labels), ""))
    ignored = epoch(ClassesByItems(5, 4), labels, groups)
    assert [batch.tolist() for batch in plain] == [batch.tolist() for batch in ignored]


@pytest.mark.parametrize("counts", [[9], [9, 1, 1], [1, 1, 1], []])
def test_data_without_two_usable_classes_are_refused_at_once(counts: list[int]) -> None:
    labels, groups = data(counts)
    with pytest.raises(
        TrainingError,
        match=rf"among {sum(counts)} training items of {len(counts)} classes, fewer than two",
    ):
        ClassesByItems().batches(labels, groups, np.random.default_rng(0))


def test_groups_that_cannot_be_used_are_refused() -> None:
    labels = np.arange(20) // 5
    random = np.random.default_rng(0)
    with pytest.raises(TrainingError, match=r"groups is 1, and the items have no groups\. Set"):
        ClassesByItems(groups=1).batches(labels, np.full(20, ""), random)
    with pytest.raises(TrainingError, match=r"in any one group have two items .*groups=0"):
        ClassesByItems(groups=1).batches(labels, labels.astype(str), random)
    with pytest.raises(TrainingError, match=r"groups is 3, and 2 of the groups .*groups=2 or less"):
        ClassesByItems(groups=3).batches(labels, (labels // 2).astype(str), random)


@pytest.mark.parametrize("groups", [-1, 9])
def test_a_number_of_groups_that_cannot_be_is_refused(groups: int) -> None:
    with pytest.raises(BadArgument, match=rf"groups is {groups}, and 0 to 8 is expected"):
        ClassesByItems(groups=groups)


@pytest.mark.parametrize(("groups", "shares"), [(2, (4, 3)), (3, (3, 2, 2))])
def test_classes_of_several_groups_come_in_equal_parts(groups: int, shares: Any) -> None:
    labels = np.repeat(np.arange(60), 6)
    names = np.char.add("g", (labels % 5).astype(str))
    sampler, random = ClassesByItems(7, 3, groups=groups), np.random.default_rng(0)
    together, batches = np.zeros((5, 5)), 0
    for _ in range(40):
        for batch in epoch_with(sampler, labels, names, random):
            assert len(set(batch.tolist())) == len(batch) == 21
            classes = np.unique(labels[batch])
            counts = np.bincount(classes % 5, minlength=5)
            assert sorted(counts[counts > 0].tolist(), reverse=True) == list(shares)
            there = np.flatnonzero(counts)
            together[np.ix_(there, there)] += 1
            batches += 1
    assert batches == 40 * math.ceil(360 / 21)
    assert np.diag(together) / batches == pytest.approx(groups / 5, abs=0.06)


@pytest.mark.parametrize("spec", ["(classes=1)", "(items=1)", "(classes=0)"])
def test_bad_arguments_are_named(spec: str) -> None:
    with pytest.raises(BadArgument, match=r"(classes|items) is [01], and at least 2"):
        FAMILY.build("classes_by_items" + spec)


def test_specs_build_it() -> None:
    built = FAMILY.build("classes_by_items(8, items=3, groups=1)")
    assert isinstance(built, ClassesByItems)
    assert (built.classes, built.items, built.groups) == (8, 3, 1)
