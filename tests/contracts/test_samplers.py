"""What every sampler promises, whoever adds one."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from likewise.errors import TrainingError
from likewise.learn.samplers import FAMILY
from likewise.learn.samplers.base import Sampler
from likewise.types import Batch, Labels, Pairs


@dataclass(frozen=True)
class Given:
    """Training items: 24 classes of 3 to 8, in no order, of three groups."""

    labels: np.ndarray
    groups: np.ndarray
    pairs: Pairs | None = None
    imitates: np.ndarray | None = None
    alike: dict[tuple[int, int], bool] = field(default_factory=dict)


def classes() -> Given:
    labels = np.repeat(np.arange(24), 3 + np.arange(24) % 6)
    np.random.default_rng(0).shuffle(labels)
    return Given(labels, np.array([f"group {label % 3}" for label in labels]))


def forged() -> Given:
    """Of the first 12 classes forgeries, which are the last 12."""
    given = classes()
    return Given(
        given.labels, given.groups, imitates=np.where(given.labels < 12, -1, given.labels - 12)
    )


def listed() -> Given:
    given = classes()
    random = np.random.default_rng(1)
    ends = np.sort(random.choice(len(given.labels), (300, 2)), axis=1)
    ends = np.unique(ends[ends[:, 0] < ends[:, 1]], axis=0)
    # Same pairs among them, of which chance draws few.
    alike = [np.flatnonzero(given.labels == label)[:2] for label in range(24)]
    ends = np.unique(np.concatenate([ends, alike]), axis=0)
    same = given.labels[ends[:, 0]] == given.labels[ends[:, 1]]
    return Given(
        given.labels,
        given.groups,
        Pairs(ends[:, 0], ends[:, 1], same.astype(np.int64)),
        alike=dict(zip(map(tuple, ends.tolist()), same.tolist(), strict=True)),
    )


DATA = {"classes": classes(), "pairs": listed(), "forgeries": forged()}


@pytest.fixture(params=FAMILY.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def epoch(sampler: Sampler, given: Given, seed: int = 0) -> list[Batch]:
    random = np.random.default_rng(seed)
    return [*sampler.batches(given.labels, given.groups, random, given.pairs, given.imitates)]


def takes(name: str) -> dict[str, Given]:
    """The data that it can use; what it cannot it refuses by its name, with what to set instead."""
    fitting = {}
    for what, given in DATA.items():
        try:
            epoch(FAMILY.build(name), given)
        except TrainingError as error:
            assert name in str(error)
            assert "Set " in str(error)
            continue
        fitting[what] = given
    assert fitting, f"none of {', '.join(DATA)} is taken by {name}"
    return fitting


def told(batch: Batch) -> list[list[int]]:
    target = batch.target
    columns = [target.labels] if isinstance(target, Labels) else [target.first, target.second]
    return [batch.rows.tolist(), *(column.tolist() for column in columns)]


def test_rows_are_items_and_the_target_points_at_them(name: str) -> None:
    for given in takes(name).values():
        sampler = FAMILY.build(name)
        batches = epoch(sampler, given)
        assert batches
        for batch in batches:
            assert batch.rows.dtype == np.int64
            assert batch.rows.min() >= 0
            assert batch.rows.max() < len(given.labels)
            if isinstance(batch.target, Labels):
                assert batch.target.labels.shape == batch.rows.shape
                continue
            target = batch.target
            assert len(np.unique(batch.rows)) == len(batch.rows)
            assert len(target.first) == len(target.second) == len(target.same)
            used = np.concatenate([target.first, target.second])
            assert np.unique(used).tolist() == list(range(len(batch.rows)))
            assert (target.first != target.second).all()


def test_what_it_calls_the_same_is_the_same(name: str) -> None:
    for given in takes(name).values():
        sampler = FAMILY.build(name)
        for batch in epoch(sampler, given):
            if isinstance(batch.target, Labels):
                # Two views are of one item; elsewhere two rows are of one class.
                truth = batch.rows if sampler.views > 1 else given.labels[batch.rows]
                ours = batch.target.labels[:, None] == batch.target.labels
                np.testing.assert_array_equal(ours, truth[:, None] == truth)
                continue
            first, second = batch.rows[batch.target.first], batch.rows[batch.target.second]
            same = np.asarray(batch.target.same).astype(bool)
            np.testing.assert_array_equal(same, given.labels[first] == given.labels[second])
            if given.pairs is not None:
                ends = np.sort(np.stack([first, second], axis=1), axis=1).tolist()
                assert [given.alike[pair] for pair in map(tuple, ends)] == same.tolist()


def test_an_epoch_holds_something_of_both_sorts(name: str) -> None:
    for given in takes(name).values():
        same, different = 0, 0
        for batch in epoch(FAMILY.build(name), given):
            if isinstance(batch.target, Labels):
                alike = batch.target.labels[:, None] == batch.target.labels
                same += int(alike.sum()) - len(batch.rows)
                different += int((~alike).sum())
            else:
                same += int(np.asarray(batch.target.same).astype(bool).sum())
                different += int((~np.asarray(batch.target.same).astype(bool)).sum())
        assert same
        assert different


def test_all_chance_comes_from_the_generator(name: str) -> None:
    for given in takes(name).values():
        columns = [given.labels, given.groups, given.imitates]
        before = [None if column is None else column.copy() for column in columns]
        state = np.random.get_state()[1].copy()  # noqa: NPY002 - which nothing may touch
        one, again, other = (
            [told(batch) for batch in epoch(FAMILY.build(name), given, seed)] for seed in (1, 1, 2)
        )
        assert one == again
        assert one != other
        np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
        for column, copy in zip(columns, before, strict=True):
            assert column is copy is None or (column == copy).all()


def test_an_epoch_that_was_drawn_leaves_no_trace_in_the_next(name: str) -> None:
    """A run that goes on has a new sampler, and draws as the old one would have."""
    given = next(iter(takes(name).values()))
    used = FAMILY.build(name)
    epoch(used, given, seed=5)
    assert [told(batch) for batch in epoch(used, given, seed=6)] == [
        told(batch) for batch in epoch(FAMILY.build(name), given, seed=6)
    ]


def test_no_items_and_one_item_are_refused_by_name(name: str) -> None:
    for count in (0, 1):
        for given in takes(name).values():
            ends = np.zeros(0, dtype=np.int64)
            few = Given(
                given.labels[:count],
                given.groups[:count],
                None if given.pairs is None else Pairs(ends, ends, ends),
                None if given.imitates is None else given.imitates[:count],
            )
            with pytest.raises(TrainingError, match=name):
                epoch(FAMILY.build(name), few)


def test_what_the_data_cannot_fill_is_told_of_its_own_arguments(name: str) -> None:
    known = {argument.name for argument in FAMILY.describe(name).arguments}
    for given in takes(name).values():
        for argument, (most, of) in FAMILY.build(name).most(given.labels, given.pairs).items():
            assert argument in known
            assert most > 0
            assert of
            fitting = FAMILY.build(f"{name}({argument}={min(most, 4)})")
            assert epoch(fitting, given)


def test_it_says_whether_it_looks_and_how_often_an_item_comes(name: str) -> None:
    sampler = FAMILY.build(name)
    assert sampler.views >= 1
    assert sampler.looks >= 0
    for given in takes(name).values():
        for batch in epoch(sampler, given):
            if sampler.views > 1:
                counts = np.unique(batch.rows, return_counts=True)[1]
                assert (counts % sampler.views == 0).all()


def test_where_the_classes_are_is_noted(name: str) -> None:
    sampler = FAMILY.build(name)
    given = next(iter(takes(name).values()))
    centres = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
    sampler.see(centres)
    np.testing.assert_array_equal(sampler.centres, centres)
    assert epoch(sampler, given)
    sampler.see(None)
    assert sampler.centres is None
