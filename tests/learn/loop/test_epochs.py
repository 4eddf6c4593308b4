"""Averages of weights, batch statistics, and when training ends since it gets no better."""

import copy
import math
import re
import time
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, update_bn

from likewise.errors import TrainingError
from likewise.learn.loop import averaging
from likewise.learn.loop.epochs import _batches
from likewise.learn.loop.schedule import waited
from likewise.learn.loop.train import begin_run
from likewise.recipe.recipe import Recipe
from likewise.results.evaluation import Epoch
from likewise.sources.arrays import Arrays
from likewise.types import Role
from tests.conftest import waves

SMALL = [
    "encoder=conv1d(width=4)",
    "sampler=classes_by_items(classes=6, items=4)",
    "epochs=4",
    "precision=float32",
    "learning_rate=0.01",
]


def started(*settings, count=30, on_step=None, **options):
    series, names = waves(count=count, each=5)
    recipe = Recipe.for_kind("series").with_settings([*SMALL, *settings])
    source = Arrays.of(series, names, namespace="waves")
    return begin_run(recipe, source, on_step=on_step, **options)


def stopping(after, *settings, **options):
    """A run that stops after so many steps."""
    left = [after]

    def step(share, loss):
        left[0] -= 1
        if not left[0]:
            run.stop()

    run = started(*settings, on_step=step, **options)
    return run


def kept_steps(*settings):
    """A run, and its weights and statistics after each step."""
    states = []

    def note(share, loss):
        states.append({k: v.clone() for k, v in run.network.state_dict().items()})

    run = started(*settings, on_step=note)
    return run.finish(), states


# ── averages ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("share", [0.25, 0.6, 1.0])
def test_the_average_of_the_last_part_is_the_plain_mean_of_its_steps(share):
    run, states = kept_steps(f"swa_fraction={share}")
    first = math.ceil(len(states) * (1 - share) - 1e-9)
    assert 1 < len(states) - first <= len(states)
    for name, value in run.best.items():
        steps = [state[name] for state in states[first:]]
        if value.is_floating_point():
            expected = torch.stack([step.double() for step in steps]).mean(0)
            torch.testing.assert_close(value.double(), expected, atol=1e-6, rtol=1e-4)
        else:
            assert torch.equal(value, steps[-1])


def test_until_the_last_part_the_network_itself_is_kept():
    figures = []
    run = started("swa_fraction=0.25")
    for _ in run:
        same = all(torch.equal(v, run.network.state_dict()[k]) for k, v in run.best.items())
        figures.append(same)
    # Of four epochs the last is averaged.
    assert figures == [True, True, True, False]


def test_the_running_average_is_what_it_was():
    run, states = kept_steps("ema_decay=0.9")
    mean = {k: v.double() for k, v in states[0].items()}
    for number, state in enumerate(states[1:], start=1):
        kept = min(0.9, (1 + number) / (10 + number))
        for name, value in state.items():
            if value.is_floating_point():
                mean[name] = kept * mean[name] + (1 - kept) * value.double()
    for name, value in run.best.items():
        if value.is_floating_point():
            torch.testing.assert_close(value.double(), mean[name], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_averages_are_those_of_torchs_own_module(decay):
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    ours = averaging.Averaged(network, decay)

    def theirs(averages, current, count):
        kept = min(decay, (1 + int(count)) / (10 + int(count)))
        share = 1 - kept if decay else 1 / (1 + int(count))
        for average, value in zip(averages, current, strict=True):
            floats = average.is_floating_point()
            average.copy_(average + share * (value - average) if floats else value)

    torchs = AveragedModel(network, multi_avg_fn=theirs, use_buffers=True)
    for step in range(12):
        network(torch.randn(5, 1, 8, 8) + step)
        with torch.no_grad():
            for one in network.parameters():
                one.add_(torch.randn_like(one))
        ours.take()
        torchs.update_parameters(network)
    assert ours.state_dict().keys() == torchs.state_dict().keys()
    for name, value in torchs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, check_dtype=False)


# ── batch statistics ────────────────────────────────────────────────────────


def test_statistics_are_measured_anew_as_torch_measures_them():
    plain, anew = started(), started("update_bn_batches=3")
    plain.finish()
    anew.finish()
    last = len(anew.epochs) - 1
    batches = [both for *both, _ in islice(_batches(anew, last), 3)]
    assert len(batches) == 3
    expected = copy.deepcopy(anew.network)
    expected.load_state_dict(plain.best)

    class Pair(nn.Module):
        """Takes inputs and lengths together, as torch's function gives them."""

        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, both):
            return self.network(*both)

    update_bn([[both] for both in batches], Pair(expected))
    changed = 0
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(anew.best[name], value, atol=1e-6, rtol=1e-5)
        changed += not torch.equal(value, plain.best[name])
    # The weights are those of the plain run; the statistics are not.
    assert changed == sum("running" in n or "tracked" in n for n in plain.best)


def test_other_batches_measure_another_epoch_and_momentum_stays():
    run = started("update_bn_batches=2")
    run.finish()
    first, second = (next(_batches(run, epoch))[0] for epoch in (0, 1))
    assert first.shape != second.shape or not torch.equal(first, second)
    norms = [m for m in run.network.modules() if isinstance(m, nn.BatchNorm1d)]
    assert {norm.momentum for norm in norms} == {0.1}
    assert averaging.keeps_statistics(run.network)


def test_an_encoder_without_statistics_cannot_have_them_measured():
    with pytest.raises(
        TrainingError, match=r"update_bn_batches is 5, and lstm.* Set update_bn_batches=0"
    ):
        started("encoder=lstm(hidden=4)", "update_bn_batches=5")


# ── patience ────────────────────────────────────────────────────────────────


def reported(figure):
    return Epoch(1, 1, 1.0, 1.0, figure, 1.0, 1.0, best=True)


@pytest.mark.parametrize(
    ("figures", "patience", "over"),
    [
        ([], 1, False),
        ([0.5], 1, False),
        ([0.5, 0.4], 1, False),
        ([0.5, 0.6], 1, True),
        ([0.5, 0.5], 1, True),
        ([0.5, 0.6, 0.4], 2, False),
        ([0.4, 0.6, 0.5], 2, True),
        ([0.4, 0.6, 0.5], 3, False),
        ([0.4, 0.6, 0.5], 0, False),
        ([0.5, None, None], 2, True),
    ],
)
def test_it_waits_for_a_better_figure_so_many_epochs(figures, patience, over):
    assert waited([reported(figure) for figure in figures], patience) is over


@pytest.mark.slow
def test_training_ends_when_select_gets_no_better():
    run = started("epochs=60", "patience=2", count=120).finish()
    figures = [epoch.figure for epoch in run.epochs]
    assert 3 <= len(figures) < 60
    assert len(figures) - 1 - figures.index(min(figures)) == 2
    whole = started("epochs=60", count=120)
    before = [report.figure for report, _ in zip(whole, figures, strict=False)]
    assert before == figures
    assert not run.stopped


def test_patience_needs_items_that_choose():
    run = started()
    assert Role.SELECT not in run.data.parts
    with pytest.raises(TrainingError, match=r"patience is 3, and no items .*fractions\.select"):
        started("patience=3")


def test_a_budget_that_patience_ended_is_written_as_its_whole_schedule():
    run = started("budget_seconds=60", "patience=1", count=120).finish()
    taken = run.epochs[-1]
    assert taken.seconds < 55
    assert run.recipe.budget_seconds == 0
    assert run.recipe.steps == pytest.approx(taken.steps * 60 / taken.seconds, rel=0.3)


def test_a_budget_too_short_for_one_epoch_is_said_in_words():
    def slowly(share, loss):
        time.sleep(2)

    note = started("budget_seconds=2", count=200, on_step=slowly).finish().epochs[-1].note
    assert re.match(r"The budget of 2 s ended after 1 of the \d\d batches of the first epoch", note)
    assert "Give more time" in note
    assert started("steps=1").finish().epochs[-1].note == ""


# ── all of it after a stop ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    "settings",
    [
        ["swa_fraction=0.6"],
        ["swa_fraction=0.5", "update_bn_batches=2"],
        ["update_bn_batches=2", "ema_decay=0"],
        ["update_bn_batches=2", "whiten=0.1"],
        ["ema_decay=0", "whiten=0.1", "epochs=20", "patience=2"],
        ["update_bn_batches=2", "epochs=20", "patience=2"],
    ],
)
def test_a_stopped_run_goes_on_bit_for_bit(settings, tmp_path):
    count = 120 if "patience=2" in settings else 30
    whole = started(*settings, count=count).finish()
    per_epoch = whole.epochs[0].steps
    stops = ([1], [per_epoch], [per_epoch + 1, per_epoch])
    # Of the long runs only the stops within an epoch and at its end.
    for number, after in enumerate(stops[2:] if count > 30 else stops):
        path = tmp_path / f"{number}.checkpoint"
        for turn, steps in enumerate(after):
            halted = stopping(steps, *settings, count=count, checkpoint_path=path, resume=turn > 0)
            assert halted.finish().stopped
        again = started(*settings, count=count, checkpoint_path=path, resume=True).finish()
        for name, value in whole.best.items():
            assert torch.equal(again.best[name], value), name
        for name, value in whole.network.state_dict().items():
            assert torch.equal(again.network.state_dict()[name], value), name
        assert [e.figure for e in again.epochs] == [e.figure for e in whole.epochs]
        assert np.isclose([e.loss for e in again.epochs], [e.loss for e in whole.epochs]).all()
