"""A damaged model, or checkpoint, is refused or is what it was: it never decides otherwise."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import likewise as house
from likewise.errors import LikewiseError, NothingToResume
from likewise.learn.loop import checkpoint
from tests.stores.sqlite.test_damage import altered

GOLDEN = Path(__file__).parents[1] / "golden"
FACES = GOLDEN / "data" / "strangers"


def said(folder: Path) -> list[object]:
    """What a model says: decisions by both comparators, and how near two are."""
    model = house.load(folder)
    found: list[object] = [model.fingerprint, model.manifest.claim]
    for one, other in (("0", "1"), ("0", "2")):
        items = (FACES / "glyph1050" / f"{one}.png", FACES / "glyph1051" / f"{other}.png")
        found += [
            house.verify(model, *items, comparator=comparator, far=0.1).to_dict()
            for comparator in ("distance", "matcher")
        ]
    return found


def damages(folder: Path, number: int, seed: int) -> dict[str, int]:
    truth = said(GOLDEN / "images")
    names = sorted(
        path.relative_to(GOLDEN / "images")
        for path in (GOLDEN / "images").rglob("*")
        if path.is_file()
    )
    random = np.random.default_rng(seed)
    counts = {"refused": 0, "none": 0}
    for at in range(number):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(GOLDEN / "images", folder)
        # The manifest, which nothing else vouches for, as often as all others together.
        name = Path("model.toml") if at % 2 else names[int(random.integers(len(names)))]
        how = altered(folder / name, random)
        try:
            same = said(folder) == truth
        except LikewiseError:
            counts["refused"] += 1
            continue
        assert same, f"{at}: {how}: it decides otherwise"
        counts["none"] += 1
    return counts


def test_damages_of_a_model_change_no_decision(tmp_path):
    counts = damages(tmp_path / "model", 30, seed=0)
    assert counts["refused"] > 10


@pytest.mark.slow
def test_three_hundred_damages_of_a_model_change_no_decision(tmp_path, capsys):
    counts = damages(tmp_path / "model", 300, seed=1)
    with capsys.disabled():
        print(f"\n300 damages of a model: {counts}, 0 silent")  # noqa: T201 - the figure


def test_damages_of_a_checkpoint_are_noticed(tmp_path):
    import torch

    path = tmp_path / "run.checkpoint"
    tensors = {"a": torch.randn(300), "b": torch.arange(9), "c": torch.tensor(1.5)}
    whole = checkpoint.Checkpoint(tensors, {"step": 3}, "", "d")
    checkpoint.write_checkpoint(path, whole)
    data = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for at in range(300):
        path.write_bytes(data)
        how = altered(path, random)
        try:
            found = checkpoint.read_checkpoint(path)
        except NothingToResume:
            refused += 1
            continue
        same = all(torch.equal(found.tensors[name], one) for name, one in tensors.items())
        assert same, f"{at}: {how}"
        assert (found.state, found.recipe, found.data) == ({"step": 3}, "", "d")
    assert refused > 250
