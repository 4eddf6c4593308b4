import math

import numpy as np
import pytest
import torch

from conftest import waves
from likewise.errors import BadArgument, RecipeError, SplitError, TrainingError
from likewise.learn.schedule import schedule
from likewise.learn.training import train
from likewise.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.types import Kind, Role

SMALL = [
    "encoder=lstm(hidden=4)",
    "sampler=classes_by_items(classes=6, items=4)",
    "epochs=3",
    "precision=float32",
]


def started(*settings, count=30, on_step=None):
    series, names = waves(count=count, each=5)
    recipe = Recipe.for_kind(Kind.SEQUENCE).with_settings([*SMALL, *settings])
    return train(recipe, Arrays.of(series, names, namespace="waves"), on_step=on_step)


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
    plain = weights(started("averaging=0", "steps=1").finish().model())
    averaged = weights(started("averaging=0.5", "steps=1").finish().model())
    assert torch.allclose(plain, averaged)  # of one step the mean is that step
    plain = weights(started("averaging=0").finish().model())
    averaged = weights(started("averaging=0.9").finish().model())
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
    with pytest.raises(TrainingError, match=r"nan at step 1.*smaller learning_rate"):
        run.finish()


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        (["encoder=convnet4"], BadArgument, "images"),
        (["augmentations=('affine',)"], BadArgument, "affine takes image"),
        (["augmentations=('rotated_classes',)"], BadArgument, "rotated_classes takes image"),
        (["shares.train=0.5"], RecipeError, "calibrate"),
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
