"""Samplers that draw pairs, and those that need no labels."""

import numpy as np
import pytest

from likewise.errors import BadArgument, TrainingError
from likewise.learn.samplers.balanced_pairs import BalancedPairs
from likewise.learn.samplers.classes_by_items import ClassesByItems
from likewise.learn.samplers.source_pairs import SourcePairs
from likewise.learn.samplers.two_views import TwoViews
from likewise.types import Labels, Pairs

LABELS = np.repeat(np.arange(10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 15]) * 3 + 1
GROUPS = np.full(len(LABELS), "")
LISTED = Pairs(
    np.arange(30), np.arange(30) + 30, np.array([1] * 6 + [0] * 24)
)  # 6 same and 24 different pairs


def epoch(sampler, pairs=None, seed=0):
    random = np.random.default_rng(seed)
    return list(sampler.batches(LABELS, GROUPS, random, pairs))


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_the_share_of_same_pairs_is_the_one_asked_for(share):
    for batch in epoch(BalancedPairs(20, share)):
        target = batch.target
        assert target.same.sum() == 20 * share
        first, second = batch.rows[target.first], batch.rows[target.second]
        assert ((LABELS[first] == LABELS[second]) == target.same).all()
        assert (first != second).all()
        assert len(np.unique(batch.rows)) == len(batch.rows)


def test_classes_and_their_pairs_are_drawn_alike():
    drawn = np.zeros((60, 60))
    for seed in range(300):
        for batch in epoch(BalancedPairs(40), seed=seed):
            first, second = batch.rows[batch.target.first], batch.rows[batch.target.second]
            np.add.at(drawn, (first, second), 1)
    codes = np.unique(LABELS, return_inverse=True)[1]
    table = np.zeros((10, 10))
    np.add.at(table, (codes[:, None].repeat(60, 1), codes[None, :].repeat(60, 0)), drawn)
    same = np.diag(table)
    assert same[0] == 0  # one item makes no pair
    assert np.abs(same[1:] / same[1:].mean() - 1).max() < 0.12
    off = (table + table.T)[~np.eye(10, dtype=bool)]
    assert np.abs(off / off.mean() - 1).max() < 0.25
    inside = drawn[np.ix_(codes == 3, codes == 3)]
    pairs = inside[~np.eye(4, dtype=bool)]
    assert np.abs(pairs / pairs.mean() - 1).max() < 0.35


def test_an_epoch_shows_about_as_many_items_as_there_are():
    for pairs in (None, LISTED):
        shown = sum(len(batch.rows) for batch in epoch(BalancedPairs(8), pairs))
        assert 60 <= shown < 60 + 16


def test_listed_pairs_are_evened_out_and_none_comes_before_the_others_of_its_sort():
    seen = []
    for batch in epoch(BalancedPairs(6), LISTED):
        target = batch.target
        assert target.same.sum() == 3
        seen += (batch.rows[target.first[target.same]]).tolist()
        assert (batch.rows[target.second] - batch.rows[target.first] == 30).all()
    assert sorted(seen[:6]) == list(range(6))


def test_pairs_of_the_source_come_once_each():
    batches = epoch(SourcePairs(7), LISTED)
    assert [len(b.target.first) for b in batches] == [7, 7, 7, 7, 2]
    rows = np.concatenate([b.rows[b.target.first] for b in batches])
    same = np.concatenate([b.target.same for b in batches])
    assert sorted(rows.tolist()) == list(range(30))
    assert (same == (rows < 6)).all()
    assert epoch(SourcePairs(7), LISTED, seed=1)[0].rows.tolist() != batches[0].rows.tolist()


def test_two_views_show_every_item_twice_as_its_own_class():
    batches = epoch(TwoViews(16))
    assert [len(b.rows) for b in batches] == [32, 32, 32, 24]
    for batch in batches:
        assert isinstance(batch.target, Labels)
        count = len(batch.rows) // 2
        assert (batch.rows[:count] == batch.rows[count:]).all()
        assert batch.target.labels.tolist() == [*range(count)] * 2
    rows = np.concatenate([b.rows for b in batches])
    assert np.bincount(rows).tolist() == [2] * 60


def test_a_batch_larger_than_the_data_holds_what_there_is():
    (batch,) = epoch(TwoViews(1000))
    assert len(batch.rows) == 120
    (batch,) = epoch(SourcePairs(1000), LISTED)
    assert len(batch.target.first) == 30
    assert all(len(b.target.first) == 30 for b in epoch(BalancedPairs(1000), LISTED))
    for batch in epoch(BalancedPairs(1000)):
        assert len(batch.rows) <= 60
    assert [len(b.rows) for b in epoch(ClassesByItems(1000, 1000))] == [15 * 9]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: BalancedPairs(1), "pairs is 1"),
        (lambda: BalancedPairs(8, 0.0), "positive is 0.0"),
        (lambda: BalancedPairs(8, 1.0), "positive is 1.0"),
        (lambda: SourcePairs(0), "pairs is 0"),
        (lambda: TwoViews(1), "items is 1"),
    ],
)
def test_impossible_arguments_are_refused(build, message):
    with pytest.raises(BadArgument, match=message):
        build()


def test_data_that_a_sampler_cannot_use_are_refused():
    with pytest.raises(TrainingError, match=r"source gives pairs.*source_pairs"):
        epoch(ClassesByItems(), LISTED)
    with pytest.raises(TrainingError, match=r"needs a source that gives pairs.*balanced_pairs"):
        epoch(SourcePairs())
    only_same = Pairs(LISTED.first[:6], LISTED.second[:6], LISTED.same[:6])
    with pytest.raises(TrainingError, match="6 same and 0 different"):
        epoch(BalancedPairs(), only_same)
    random = np.random.default_rng(0)
    with pytest.raises(TrainingError, match=r"10 training items of 10 classes, 0 of them"):
        BalancedPairs().batches(np.arange(10), np.full(10, ""), random)
    with pytest.raises(TrainingError, match="two are needed"):
        TwoViews().batches(np.zeros(1, dtype=int), np.full(1, ""), random)
