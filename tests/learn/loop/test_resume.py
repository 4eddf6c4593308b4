"""A run that was stopped, and went on, ends with the weights of the run that was never stopped."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from likewise.errors import BadArgument, NothingToResume, UnfinishedRun
from likewise.learn.experiment import run_experiment
from likewise.learn.loop import checkpoint
from likewise.learn.loop.train import begin_run
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from tests.conftest import waves

BASE = ["sampler=classes_by_items(classes=6, items=4)", "epochs=4", "precision=float32"]
CASES = {
    "lstm": (["encoder=lstm(hidden=4)"], 30),
    "dropout": (["encoder=transformer(width=8, layers=1)", "learning_rate=0.01"], 30),
    "select": (["encoder=lstm(hidden=4)", "learning_rate=0.01"], 120),
    "matcher": (["encoder=lstm(hidden=4)", "matcher=mlp(hidden=8)", "ema_decay=0"], 30),
    "proxies": (["encoder=lstm(hidden=4)", "loss=proxy_anchor"], 30),
    "muon": (["encoder=transformer(width=8, layers=1)", "optimizer=muon"], 30),
    "memory": (
        ["encoder=lstm(hidden=4)", "loss=contrastive", "memory=40", "memory_start=0.2"],
        30,
    ),
    "chunks": (["encoder=transformer(width=8, layers=1)", "chunk=10"], 30),
    "pairs": (["encoder=lstm(hidden=4)", "sampler=balanced_pairs(16)", "loss=contrastive"], 30),
}


def started(case, path, *, stop_after=None, resume=False, settings=()):
    chosen, count = CASES[case]
    series, names = waves(count=count, each=4)
    recipe = Recipe.for_kind("series").with_settings([*BASE, *chosen, *settings])
    steps = []

    def step(share, loss):
        steps.append(share)
        if stop_after is not None and len(steps) == stop_after:
            run.stop()

    source = Arrays.of(series, names, namespace="waves")
    run = begin_run(recipe, source, on_step=step, checkpoint_path=path, resume=resume)
    return run


def everything(run):
    return {**run.network.state_dict(), **{f"best/{k}": v for k, v in run.best.items()}}


@pytest.mark.parametrize("case", CASES)
def test_a_stopped_run_goes_on_bit_for_bit(case, tmp_path):
    whole = started(case, None).finish()
    per_epoch = whole.epochs[0].steps
    # In the middle of an epoch, at its end, and twice.
    for stops in ([2], [per_epoch], [per_epoch + 1, 2]):
        path = tmp_path / f"{stops}.checkpoint"
        for number, after in enumerate(stops):
            halted = started(case, path, stop_after=after, resume=number > 0).finish()
            assert halted.stopped
            assert path.is_file()
        again = started(case, path, resume=True).finish()
        assert not again.stopped
        ours, theirs = everything(again), everything(whole)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        assert [e.loss for e in again.epochs] == [e.loss for e in whole.epochs]
        assert [e.figure for e in again.epochs] == [e.figure for e in whole.epochs]


def test_nothing_is_gone_on_with_without_a_file():
    with pytest.raises(BadArgument, match="without a checkpoint_path"):
        started("lstm", None, resume=True)


def test_another_recipe_or_other_data_are_no_run_to_go_on_with(tmp_path):
    path = tmp_path / "run.checkpoint"
    started("lstm", path, stop_after=2).finish()
    with pytest.raises(NothingToResume, match=r"another recipe: learning_rate differ"):
        started("lstm", path, resume=True, settings=["learning_rate=0.5"]).finish()
    series, names = waves(count=31, each=4)
    recipe = Recipe.for_kind("series").with_settings([*BASE, *CASES["lstm"][0]])
    source = Arrays.of(series, names, namespace="waves")
    with pytest.raises(NothingToResume, match="other data"):
        begin_run(recipe, source, checkpoint_path=path, resume=True).finish()


@pytest.mark.parametrize("damage", ["empty", "cut", "garbled", "pickle"])
def test_a_damaged_checkpoint_is_refused(damage, tmp_path):
    path = tmp_path / "run.checkpoint"
    started("lstm", path, stop_after=2).finish()
    data = path.read_bytes()
    if damage == "pickle":
        torch.save({"x": torch.zeros(2)}, path)
    else:
        changed = {"empty": b"", "cut": data[: len(data) // 2], "garbled": b"x" * len(data)}
        path.write_bytes(changed[damage])
    with pytest.raises(NothingToResume, match="no checkpoint that can be gone on with"):
        checkpoint.read_checkpoint(path)


def test_a_checkpoint_of_another_format_is_refused_by_the_version_that_wrote_it(
    tmp_path, monkeypatch
):
    path = tmp_path / "run.checkpoint"
    monkeypatch.setattr(checkpoint, "FORMAT", 4)
    monkeypatch.setattr(checkpoint, "__version__", "9.8")
    started("lstm", path, stop_after=2).finish()
    monkeypatch.undo()
    words = (
        r"has format 4: version 9\.8 of Likewise wrote it, and this one .* format 3 only.*--over"
    )
    with pytest.raises(NothingToResume, match=words):
        checkpoint.read_checkpoint(path)


def test_an_unfinished_run_is_not_lost_by_accident(tmp_path):
    out = tmp_path / "model"
    kept = checkpoint.checkpoint_path(out)
    with pytest.raises(NothingToResume, match="There is no unfinished run"):
        run_experiment(Recipe(), out=out, resume=True)
    kept.write_bytes(b"something")
    with pytest.raises(UnfinishedRun, match=r"--resume.*--overwrite"):
        run_experiment(Recipe(), out=out)
    with pytest.raises(BadArgument, match="Choose one"):
        run_experiment(Recipe(), out=out, resume=True, overwrite=True)
    assert kept.read_bytes() == b"something"


# ── the whole command, and real signals ───────────────────────────────────────────────────────


def command(drawings, out, *more):
    words = [
        *(sys.executable, "-m", "likewise", "train", str(drawings), "--out", str(out)),
        *("--encoder", "convnet4(width=16)", "--transform", "image(size=16)", "--epochs", "60"),
        *("--precision", "float32", "--set", "augmentations=affine", *more),
    ]
    env = {k: v for k, v in os.environ.items() if k != "LIKEWISE_CHECK_SHAPES"}
    return subprocess.Popen(
        words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def interrupted(process, out, number):
    """Send a signal once a checkpoint is there, or training has begun."""
    kept = checkpoint.checkpoint_path(out)
    until = time.monotonic() + 120
    while not kept.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    out_text, err_text = process.communicate(timeout=240)
    return process.returncode, out_text, err_text


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_lose_nothing(number, drawings, tmp_path):
    whole = tmp_path / "whole"
    process = command(drawings, whole)
    _, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    out = tmp_path / "model"
    code, _, err = interrupted(command(drawings, out, "--checkpoint-every", "0.2s"), out, number)
    assert code == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    assert (out / "model.toml").exists() == (number == signal.SIGINT)
    if number == signal.SIGINT:
        assert f"Go on with: likewise train --out {out} --resume" in err
        trained = json.loads((out / "training.json").read_text())
        assert trained["stopped"] is True
        assert "stopped early" in (out / "report.html").read_text()
    refused = command(drawings, out)
    _, err = refused.communicate(timeout=120)
    assert refused.returncode == 2
    assert "UnfinishedRun" in err
    words = [sys.executable, "-m", "likewise", "train", "--out", str(out), "--resume"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    assert not checkpoint.checkpoint_path(out).exists()
    ours, theirs = (bytes_of(folder, "weights") for folder in (out, whole))
    assert ours == theirs


def bytes_of(folder: Path, name: str) -> bytes:
    listed = (folder / "model.toml").read_text()
    found = re.search(rf'path = "({name}[^"]*)"', listed)
    assert found
    return (folder / found[1]).read_bytes()
