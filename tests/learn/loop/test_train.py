import math

import numpy as np
import pytest
import torch
from safetensors.torch import load

from likewise.errors import BadArgument, RecipeError, SplitError, TrainingError
from likewise.learn.experiment import run_experiment
from likewise.learn.loop.schedule import schedule
from likewise.learn.loop.train import begin_run
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Role
from tests.conftest import waves

SMALL = [
    "encoder=lstm(hidden=4)",
    "sampler=classes_by_items(classes=6, items=4)",
    "epochs=3",
    "precision=float32",
]


def started(*settings, count=30, on_step=None):
    series, names = waves(count=count, each=5)
    recipe = Recipe.for_kind("series").with_settings([*SMALL, *settings])
    return begin_run(recipe, Arrays.of(series, names, namespace="waves"), on_step=on_step)


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_the_schedule_rises_then_falls_to_nothing():
    rates = [schedule(share, 0.1) for share in np.linspace(0, 1, 101)]
    assert rates[10] == pytest.approx(1)
    assert rates == sorted(rates[:11]) + sorted(rates[11:], reverse=True)
    assert rates[55] == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0)
    assert schedule(0.0, 0.0) == 1


def test_one_report_an_epoch():
    shares = []
    run = started(on_step=lambda share, loss: shares.append((share, loss)))
    with pytest.raises(TrainingError, match="Nothing was trained yet"):
        run.model()
    reports = list(run)
    assert [r.number for r in reports] == [1, 2, 3]
    assert reports[-1].steps == len(shares)
    assert [share for share, _ in shares] == pytest.approx(
        (np.arange(len(shares)) + 1) / len(shares)
    )
    per_epoch = len(shares) // 3
    assert reports[0].loss == pytest.approx(np.mean([loss for _, loss in shares[:per_epoch]]))
    assert reports[-1].seconds_left == 0
    assert all(r.figure is None and r.best for r in reports)


def test_the_seed_is_where_all_chance_comes_from():
    first, again = (weights(started().finish().model()) for _ in range(2))
    other = weights(started("seed=1").finish().model())
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_averaged_weights_are_the_running_mean_of_the_steps():
    plain = weights(started("ema_decay=0", "steps=1").finish().model())
    averaged = weights(started("ema_decay=0.5", "steps=1").finish().model())
    assert torch.allclose(plain, averaged)  # of one step the mean is that step
    plain = weights(started("ema_decay=0").finish().model())
    averaged = weights(started("ema_decay=0.9").finish().model())
    assert not torch.allclose(plain, averaged, atol=1e-4)


def test_select_keeps_the_best_epoch():
    run = started("epochs=5", "learning_rate=0.01", count=120)
    assert Role.SELECT in run.data.parts
    figures, kept = [], []
    for report in run:
        figures.append(report.figure)
        assert report.best == (report.figure <= min(figures))
        kept.append(weights(run.model()))
    assert 0 < min(figures) < max(figures) < 1
    best = max(i for i, figure in enumerate(figures) if figure == min(figures))
    assert torch.equal(kept[-1], kept[best])


def test_steps_are_taken_exactly_and_a_budget_ends_in_steps():
    assert started("steps=7").finish().epochs[-1].steps == 7
    run = started("budget_seconds=1").finish()
    assert run.recipe.steps == run.epochs[-1].steps > 1
    assert run.recipe.budget_seconds == 0


def test_a_budget_too_short_for_one_step_is_refused():
    with pytest.raises(TrainingError, match=r"1e-06 s is too short for one step.*Give at least"):
        started("budget_seconds=0.000001").finish()


def test_divergence_stops_with_a_reason():
    run = started("learning_rate=0.01")
    with torch.no_grad():
        run.network.encoder.head[1].weight.fill_(math.inf)
    with pytest.raises(
        TrainingError,
        match=r"nan at step 1: training diverged. The learning_rate is 0.01: set a sm",
    ):
        run.finish()


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        (["encoder=convnet4"], BadArgument, "images"),
        (["augmentations=('affine',)"], BadArgument, "affine takes image"),
        (["augmentations=('rotated_classes',)"], BadArgument, "rotated_classes takes image"),
        (["fractions.train=0.5"], RecipeError, "calibrate"),
        (["loss.margin=-1", "loss=triplet(margin=-1.0)"], BadArgument, "margin"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_training(settings, kind, message):
    with pytest.raises(kind, match=message):
        started(*settings)


def test_data_too_few_for_every_role_are_refused():
    with pytest.raises(SplitError, match=r"identit"):
        started(count=3)


def test_all_items_go_through_the_network_once_a_batch():
    run = started()
    seen = []
    forward = run.network.encoder.forward

    def counting(inputs, lengths=None):
        if not torch.is_inference_mode_enabled():
            seen.append(len(inputs))
        return forward(inputs, lengths)

    run.network.encoder.forward = counting
    run.finish()
    assert set(seen) == {24}
    assert len(seen) == run.epochs[-1].steps


def test_bf16_is_trained_in_without_a_word(capfd):
    run = started("encoder=conv1d(width=4)", "precision=bf16", "steps=2").finish()
    assert run.recipe.precision == "bf16"
    assert bool(weights(run.model()).isfinite().all())
    assert capfd.readouterr() == ("", "")


# Losses that hold something for each class


@pytest.mark.parametrize("name", ["softmax", "arcface", "proxy_anchor"])
def test_a_loss_with_a_row_for_each_class_learns_it_and_is_no_part_of_the_network(name):
    run = started(f"loss={name}", "steps=12")
    identities = len(set(run.data.parts[Role.TRAIN].items.identities))
    (before, *_) = (p.detach().clone() for p in run.objective.loss.parameters())
    assert len(before) == identities
    run.finish()
    (after, *_) = run.objective.loss.parameters()
    assert not torch.equal(before, after)
    own = {key: value for key, value in run.best.items() if key.startswith("loss.")}
    assert own.keys() == {f"loss.{key}" for key in run.objective.loss.state_dict()}
    assert all(
        torch.equal(own[f"loss.{key}"], v) for key, v in run.objective.loss.state_dict().items()
    )
    assert not any(key.startswith("loss") for key in run.model().state_dict())


def test_the_rows_of_a_loss_learn_at_their_own_rate():
    moved = {}
    for rate in (1.0, 50.0):
        run = started(f"loss=proxy_anchor(rate={rate})", "steps=1", "weight_decay=0", "warmup=0")
        before = run.objective.loss.proxies.detach().clone()
        run.finish()
        moved[rate] = (run.objective.loss.proxies - before).abs().max().item()
    # The first step of Adam is the learning rate itself.
    assert moved[1.0] == pytest.approx(0.001, rel=1e-3)
    assert moved[50.0] == pytest.approx(0.05, rel=1e-3)


def test_copies_that_are_classes_of_their_own_have_rows_of_their_own():
    recipe = Recipe(augmentations=("rotated_classes(copies=2)", "affine"), loss="softmax")
    settings = ["source=characters", "transform=image(size=12)", "encoder=convnet4(width=4)"]
    run = begin_run(recipe.with_settings([*settings, "steps=3", "precision=float32"]))
    identities = len(set(run.data.parts[Role.TRAIN].items.identities))
    assert run.objective.loss.head.out_features == 2 * identities
    assert math.isfinite(run.finish().epochs[-1].loss)


def test_what_a_loss_has_learned_is_saved_and_never_exported(tmp_path):
    recipe = Recipe(loss="arcface", augmentations=("affine",)).with_settings(
        ["source=characters", "transform=image(size=12)", "encoder=convnet4(width=4)", "steps=3"]
    )
    made = run_experiment(recipe, out=tmp_path / "model", audit=False, examples=False)
    weights = load(made.model.read("weights"))
    assert weights["loss.directions"].shape[1] == made.model.dim
    assert all(key.startswith(("encoder.", "loss.")) for key in weights)
    assert b"directions" not in made.model.read("encoder.main")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["sampler=two_views", "augmentations=('jitter',)"], "two_views reads no labels.*nt_xent"),
        (
            ["sampler=balanced_pairs"],
            "softmax needs the class of every item.*pairs.*classes_by_items",
        ),
    ],
)
def test_a_loss_of_classes_is_refused_batches_without_them(settings, words):
    with pytest.raises(BadArgument, match=words):
        started("loss=softmax", *settings).finish()
