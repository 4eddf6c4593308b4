"""Batches of the classes that are near to each other now."""

from typing import Any

import numpy as np
import pytest
import torch

from likewise.data.cache import decode_all
from likewise.errors import BadArgument, TrainingError
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.loop.train import begin_run
from likewise.learn.loop.validation import class_centres
from likewise.learn.network.network import Network
from likewise.learn.samplers import FAMILY
from likewise.learn.samplers.hard_classes import HardClasses
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.types import Pairs, Role
from tests.conftest import waves


def data(classes: int = 40, each: int = 6) -> tuple[Any, Any]:
    labels = np.repeat(np.arange(classes), each)
    np.random.default_rng(0).shuffle(labels)
    return labels, np.full(len(labels), "")


def epoch(sampler: HardClasses, labels: Any, seed: int = 1) -> list[Any]:
    batches = list(sampler.batches(labels, np.full(len(labels), ""), np.random.default_rng(seed)))
    assert all((b.target.labels == labels[b.rows]).all() for b in batches)
    return [batch.rows for batch in batches]


def naive(seeds: list[int], centres: Any, classes: int) -> list[int]:
    """In turns, the nearest class that is not there yet, by a plain loop."""
    chosen = list(seeds)
    while len(chosen) < classes:
        seed = seeds[len(chosen) % len(seeds)]
        others = [c for c in range(len(centres)) if c not in chosen]
        chosen.append(min(others, key=lambda c: float(np.linalg.norm(centres[c] - centres[seed]))))
    return chosen


def test_before_it_looked_all_classes_come_in_turn() -> None:
    labels, _ = data()
    batches = epoch(HardClasses(8, 3), labels)
    assert len(batches) == 10
    for batch in batches:
        assert len(set(batch.tolist())) == 24
        assert np.unique(labels[batch], return_counts=True)[1].tolist() == [3] * 8
    drawn = np.concatenate([labels[batch].reshape(8, 3)[:, 0] for batch in batches])
    assert sorted(drawn[:40].tolist()) == list(range(40))


@pytest.mark.parametrize("seeds", [1, 3, 8])
def test_seeds_bring_the_classes_nearest_to_them(seeds: int) -> None:
    labels, _ = data()
    centres = np.random.default_rng(3).normal(size=(40, 5)).astype(np.float32)
    sampler = HardClasses(8, 3, seeds=seeds)
    sampler.see(centres)
    drawn = []
    for batch in epoch(sampler, labels):
        chosen = labels[batch].reshape(8, 3)[:, 0].tolist()
        assert chosen == naive(chosen[:seeds], centres, 8)
        drawn += chosen[:seeds]
    whole = len(drawn) // 40 * 40
    assert np.bincount(drawn[:whole], minlength=40).tolist() == [whole // 40] * 40
    assert len(set(drawn)) == min(40, len(drawn))


def test_classes_with_a_single_item_are_not_drawn() -> None:
    labels = np.array([0, 1, 1, 2, 3, 3, 4, 4, 4])
    sampler = HardClasses(3, 2, seeds=1)
    sampler.see(np.zeros((5, 2), dtype=np.float32))
    for batch in epoch(sampler, labels):
        assert set(labels[batch].tolist()) == {1, 3, 4}


def test_what_it_cannot_fill_is_refused() -> None:
    labels, groups = data(classes=10)
    with pytest.raises(
        TrainingError, match=r"10 training classes .* of 16\. Set sampler\.classes=5"
    ):
        HardClasses().batches(labels, groups, np.random.default_rng(0))
    pairs = Pairs(np.array([0]), np.array([1]), np.array([1.0]))
    with pytest.raises(TrainingError, match=r"source gives pairs\. Set sampler=source_pairs"):
        HardClasses().batches(labels, groups, np.random.default_rng(0), pairs)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("hard_classes(classes=1)", "classes is 1, and at least 2"),
        ("hard_classes(items=1)", "items is 1, and at least 2"),
        ("hard_classes(looks=0)", "looks is 0, and at least 1"),
        ("hard_classes(seeds=0)", "seeds is 0, and 1 to the 16"),
        ("hard_classes(classes=4, seeds=5)", "seeds is 5, and 1 to the 4"),
    ],
)
def test_bad_arguments_are_named(spec: str, match: str) -> None:
    with pytest.raises(BadArgument, match=match):
        FAMILY.build(spec)


def test_a_class_is_where_the_mean_of_its_items_is() -> None:
    series, names = waves(count=5, each=6)
    keep = np.arange(30) != 6  # a class with fewer items than are looked at
    source = Arrays.of([s for s, k in zip(series, keep, strict=True) if k], names[keep])
    items = source.items()
    raw = TRANSFORMS.build("sequence", state=None)
    with decode_all(items, raw) as decoded:
        transform = TRANSFORMS.build("sequence", state=dict(raw.fit(decoded)))

        encoder = ENCODERS.build("lstm(hidden=4)", shape=transform.shape)
        network = Network(encoder, normalize=True).eval()
        arguments = (transform, torch.device("cpu"))
        random = np.random.default_rng(0)
        found = class_centres(network, decoded, 6, *arguments, random)
        whole = {name: [] for name in sorted(set(items.identities.tolist()))}
        for one, name in zip(decoded, items.identities.tolist(), strict=True):
            with torch.no_grad():
                inputs = torch.from_numpy(transform.finish(one[None]))
                whole[name].append(network(inputs, torch.tensor([len(one)]))[0].numpy())
        expected = np.stack([np.mean(rows, axis=0) for rows in whole.values()])
        np.testing.assert_allclose(found, expected, atol=1e-5)
        some = class_centres(network, decoded, 1, *arguments, random)
        each = np.stack(
            [
                min(np.abs(rows - one).max() for rows in whole[name])
                for name, one in zip(whole, some, strict=True)
            ]
        )
        assert (each < 1e-5).all()


SETTINGS = [
    "encoder=lstm(hidden=4)",
    "sampler=hard_classes(classes=6, items=4, seeds=2)",
    "epochs=4",
    "precision=float32",
]


def started(path: Any = None, *, stop_after: int | None = None, resume: bool = False) -> Any:
    series, names = waves(count=30, each=4)
    recipe = Recipe.for_kind("series").with_settings(SETTINGS)
    steps = []

    def step(share: float, loss: float) -> None:
        steps.append(share)
        if stop_after is not None and len(steps) == stop_after:
            run.stop()

    source = Arrays.of(series, names, namespace="waves")
    run = begin_run(recipe, source, on_step=step, checkpoint_path=path, resume=resume)
    return run


def test_it_looks_anew_at_every_epoch_and_goes_on_bit_for_bit(tmp_path: Any) -> None:
    seen: list[Any] = []
    whole = started()
    see = whole.sampler.see

    def noted(centres: Any) -> None:
        seen.append(centres)
        see(centres)

    whole.sampler.see = noted
    whole.finish()
    assert seen[0] is None
    assert len(seen) == 4
    classes = len(set(whole.data.parts[Role.TRAIN].items.identities.tolist()))
    assert seen[1].shape == (classes, whole.network.encoder.dim)
    assert not np.allclose(seen[1], seen[2])
    per_epoch = whole.epochs[0].steps
    assert per_epoch > 1
    # Before it ever looked, just after, at the end of an epoch, and within a later one.
    for stops in ([1], [per_epoch + 1], [2 * per_epoch], [per_epoch + 1, per_epoch + 1]):
        path = tmp_path / f"{stops}.checkpoint"
        for number, after in enumerate(stops):
            assert started(path, stop_after=after, resume=number > 0).finish().stopped
        again = started(path, resume=True).finish()
        ours, theirs = again.network.state_dict(), whole.network.state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
        assert [e.loss for e in again.epochs] == [e.loss for e in whole.epochs]
