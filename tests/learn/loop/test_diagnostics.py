"""What goes wrong while training is said in words, and what goes right is not."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from likewise.errors import TrainingError
from likewise.learn.loop import epochs
from likewise.learn.loop.diagnostics import LOOK, Diagnostics, faults, norm_of
from likewise.learn.loop.train import begin_run
from likewise.learn.loop.validation import sample_of
from likewise.model.model import Model
from likewise.recipe.recipe import Recipe
from likewise.results.evaluation import Epoch
from likewise.sources.arrays import Arrays
from likewise.types import Role
from tests.conftest import glyphs, waves

TOO_LARGE = "The learning_rate is 10: set a smaller one (the default is 0.001)."
COLLAPSED = "The embedding has collapsed: all items come out as nearly the same vector."


def waved(*settings, count=100, each=4, **options):
    series, names = waves(count=count, each=each)
    recipe = Recipe.for_kind("series").with_settings(
        ["encoder=conv1d(width=8)", "precision=float32", *settings]
    )
    return begin_run(recipe, Arrays.of(series, names, namespace="waves"), **options)


def characters(*settings):
    """A run on the handwritten characters, small enough for a test."""
    recipe = Recipe(augmentations=("affine",)).with_settings(
        [
            "source=characters",
            "transform=image(size=20, invert=True)",
            "encoder=convnet4(width=8)",
            "precision=float32",
            *settings,
        ]
    )
    return begin_run(recipe)


# ── the words for what was seen ───────────────────────────────────────────────────────────────


def reported(figures, losses=None):
    losses = losses or [1.0 - 0.01 * number for number in range(len(figures))]
    return [
        Epoch(number, 40 * number, 1.0, loss, figure, 1.0, 1.0, best=True)
        for number, (figure, loss) in enumerate(zip(figures, losses, strict=True), 1)
    ]


def said(
    figures,
    errors,
    *,
    untrained=0.6,
    rate=0.001,
    share=1.0,
    grown=1.0,
    collapse="",
    on_train=0.0,
    losses=None,
    **recipe,
):
    network = nn.Linear(4, 4)
    diagnostics = Diagnostics(norm_of(network) / grown, untrained, list(errors))
    return faults(
        replace(Recipe(learning_rate=rate), **recipe),
        reported(figures, losses),
        diagnostics,
        network,
        collapse,
        share,
        lambda: on_train,
    )


def test_a_run_that_learns_has_no_words():
    assert said([0.4, 0.3, 0.2, 0.2, 0.21], [0.4, 0.3, 0.2, 0.2, 0.21]) == ""
    assert said([None] * 5, [0.4, 0.3, 0.2, 0.2, 0.21], grown=99) == ""


def test_weights_that_grew_name_the_learning_rate():
    words = said([0.4], [0.4], grown=101, rate=10.0, share=0.1)
    assert words.startswith("The weights are more than 100 times as large as they began")
    assert words.endswith(TOO_LARGE)


def test_a_collapse_names_the_learning_rate_and_what_else_to_set():
    words = said([0.95], [0.95], collapse=COLLAPSED, rate=10.0, share=0.1)
    assert words.startswith(f"{COLLAPSED} {TOO_LARGE}")
    assert "Or take another loss or miner" in words
    small = said([0.95], [0.95], collapse=COLLAPSED, rate=0.0005, share=0.1)
    assert "The learning_rate is 0.0005: set another, ten times smaller or larger." in small


def test_no_better_than_untrained_is_said_once_training_had_its_time():
    words = said([0.7, 0.65, 0.6], [0.7, 0.65, 0.6], rate=10.0)
    assert "not made the network better than it was untrained (it erred at 0.600" in words
    assert TOO_LARGE in words
    assert said([0.7, 0.65, 0.6], [0.7, 0.65, 0.6], rate=10.0, share=0.6) == words
    assert said([0.7, 0.65, 0.6], [0.7, 0.65, 0.6], share=0.4) == ""
    assert said([0.7, 0.65], [0.7, 0.65]) == ""  # after two of three times forty steps
    assert said([0.7, 0.5, 0.7], [0.7, 0.5, 0.7]) == ""
    # Where the untrained network hardly errs, or nothing could be measured, nothing is said.
    assert said([0.1, 0.1, 0.1], [0.1, 0.1, 0.1], untrained=0.09) == ""
    assert said([None] * 3, [], untrained=None) == ""


WORSE = [0.4, 0.2, 0.1, 0.2, 0.25, 0.25]


def test_overfitting_is_named_with_its_epoch_and_what_to_do():
    words = said(WORSE, WORSE, augmentations=("affine",))
    assert words.startswith("Overfitting since epoch 3: the validation error was 0.100 there")
    assert "Set patience=5, which ends training then, and more augmentations (now affine)" in words
    none = said(WORSE, WORSE, augmentations=(), patience=9)
    assert "Set augmentations (now none); or give more identities" in none


@pytest.mark.parametrize(
    ("figures", "changes"),
    [
        (WORSE[:5], {}),  # for two epochs only
        ([0.4, 0.2, 0.1, 0.2, 0.1, 0.25], {}),  # it came back
        ([0.4, 0.2, 0.1, 0.11, 0.11, 0.11], {}),  # hardly worse
        (WORSE, {"on_train": 0.2}),  # nor is it good at what it learns from
        (WORSE, {"on_train": None}),
        (WORSE, {"losses": [1, 0.9, 0.5, 0.6, 0.6, 0.7]}),  # the loss did not fall either
    ],
)
def test_what_is_no_overfitting(figures, changes):
    assert said(figures, figures, **changes) == ""


# ── real runs ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("rate", "named"), [(10.0, True), (0.31, True), (0.02, False)])
def test_steps_of_muon_longer_than_the_weights_are_named(rate, named):
    words = said([0.4, 0.4], [0.4, 0.4], rate=rate, share=0.1, optimizer="muon")
    assert words.startswith("Every step of muon moves the weights by more") is named
    assert (f"The learning_rate is {rate:g}: set a smaller one" in words) is named


@pytest.mark.parametrize("loss", ["softmax", "supcon", "triplet"])
@pytest.mark.parametrize("encoder", ["convnet4(width=8)", "resnet"])
def test_a_learning_rate_of_10_is_named(encoder, loss):
    steps = 8 if encoder == "resnet" else 20
    run = characters(f"encoder={encoder}", f"loss={loss}", "learning_rate=10", f"steps={steps}")
    try:
        words = run.finish().epochs[-1].note
    except TrainingError as error:
        words = str(error)
    assert TOO_LARGE in words


@pytest.mark.parametrize(
    ("length", "words"),
    [("steps=2", "The loss is nan at step 2"), ("steps=1", "The embedding is not of finite num")],
)
def test_what_is_not_finite_names_the_learning_rate(length, words):
    run = waved("learning_rate=10", length, "ema_decay=0")

    def break_it(*_):
        with torch.no_grad():
            next(run.network.parameters()).fill_(float("nan"))

    run.on_step = break_it
    with pytest.raises(TrainingError, match=f"{words}.*diverged. The learning_rate is 10: set a"):
        run.finish()


def test_a_planted_overfitting_is_named():
    named, seed = 0, 0
    # Which seed overfits depends on the processor's arithmetic.
    while not named:
        assert seed < 6
        run = waved(
            *("encoder=conv1d(width=16)", "augmentations=()", "ema_decay=0", "epochs=60"),
            "fractions={'train': 0.1, 'select': 0.5, 'calibrate': 0.2, 'test': 0.2}",
            *("learning_rate=0.01", f"seed={seed}"),
        )
        best = 0
        for epoch in run:
            best = epoch.number if epoch.best else best
            if not epoch.note:
                continue
            assert epoch.number > 4
            named += 1
            begins = f"Overfitting since epoch {best}: the validation error was"
            assert epoch.note.startswith(begins)
            advice = "Set patience=5, which ends training then, and augmentations (now none)"
            assert advice in epoch.note
        # The words stay the same while the fault does.
        assert len({epoch.note for epoch in run.epochs if epoch.note}) <= 4
        seed += 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_usual_recipe_raises_no_alarm(seed):
    run = characters("epochs=3", f"seed={seed}").finish()
    assert [epoch.note for epoch in run.epochs] == ["", "", ""]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_whole_usual_recipe_raises_no_alarm(seed):
    run = characters("encoder=convnet4", f"seed={seed}").finish()
    assert {epoch.note for epoch in run.epochs} == {""}


def test_the_words_reach_the_terminal_the_record_and_the_report(likewise, tmp_path):
    out = tmp_path / "model"
    words = ("--epochs", "10", "--encoder", "convnet4(width=8)", "--transform", "image(size=16)")
    source = glyphs(tmp_path / "drawings", count=40, each=4)
    code, said, err = likewise(
        "train", source, "--out", out, *words, "--recipe", "plain", "--set", "learning_rate=10",
        "--no-audit",
    )  # fmt: skip
    assert code == 0, err
    assert TOO_LARGE in " ".join(err.split())
    assert "model:" in said
    note = json.loads(Model(out).read("training"))["epochs"][-1]["note"]
    assert note.startswith("The weights are more than 100 times")
    assert note in " ".join((out / "report.html").read_text().split())


def test_a_stopped_run_remembers_what_it_began_with(tmp_path):
    path = tmp_path / "run.checkpoint"
    whole = waved("epochs=2", "learning_rate=100", count=40).finish()
    run = waved("epochs=2", "learning_rate=100", count=40, checkpoint_path=path)
    run.on_step = lambda *_: run.stop() if run.epochs else None
    assert run.finish().stopped
    again = waved("epochs=2", "learning_rate=100", count=40, checkpoint_path=path, resume=True)
    assert [e.note for e in again.finish().epochs] == [e.note for e in whole.epochs]
    assert "The learning_rate is 100: set a smaller one" in whole.epochs[-1].note


def test_the_sample_is_of_a_few_items_of_many_classes():
    run = waved(count=200, each=6)
    part = run.data.parts[Role.TRAIN]
    rows = sample_of(part)
    names, counts = np.unique(part.items.classes[rows], return_counts=True)
    assert len(names) == 40
    assert set(counts.tolist()) == {4}
    run.data.close()


@pytest.mark.slow
def test_where_no_items_choose_short_epochs_are_not_all_looked_at(monkeypatch):
    looks = []
    real = epochs.validated

    def noted(*args, **options):
        looks.append(run.epochs[-1].steps if run.epochs else 0)
        return real(*args, **options)

    monkeypatch.setattr(epochs, "validated", noted)
    run = waved(
        *("fractions.train=0.8", "fractions.calibrate=0.1", "fractions.test=0.1"),
        *("sampler=classes_by_items(classes=16, items=4)", "learning_rate=10", "steps=203"),
    )
    run.finish()
    steps = [epoch.steps for epoch in run.epochs]
    each = steps[0]
    assert each < LOOK / 4
    # The first, then every fiftieth step or the next end of an epoch, and the last.
    done = [at + each for at in looks]
    assert (done[0], steps[-1], looks[-1]) == (each, 203, steps[-2])
    assert all(LOOK <= b - a < LOOK + each for a, b in pairwise(done[:-1]))
    assert all((TOO_LARGE in epoch.note) == (epoch.steps > LOOK) for epoch in run.epochs)


def test_where_items_choose_every_epoch_is_measured():
    run = waved("steps=60").finish()
    assert len(run.epochs) > 3
    assert all(epoch.figure is not None for epoch in run.epochs)
