"""Matchers of feature maps beside what else a run does: every residual net, the watch, grades."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from likewise.errors import BadArgument, TrainingError
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.experiment import run_experiment
from likewise.learn.loop.run import Run
from likewise.learn.loop.train import begin_run
from likewise.learn.loop.validation import sample_error, sample_of, validated
from likewise.learn.network.export import export_network
from likewise.learn.network.matching import matcher_of
from likewise.learn.network.network import Network
from likewise.metrics.identification import one_shot
from likewise.model.model import Model
from likewise.recipe.recipe import Recipe
from likewise.sources.table import Table
from likewise.tasks.calibrate import calibrate
from likewise.tasks.evaluate import evaluate
from likewise.tasks.verify import verify
from likewise.types import Form, InputShape, Role
from tests.conftest import graded_glyphs

# ── residual nets ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pooling", ["mean", "attention", "flatten"])
@pytest.mark.parametrize("depth", [8, 10, 14, 18, 20, 34, 50])
@pytest.mark.parametrize("stem", ["auto", "small", "pooled", "strided", "large"])
def test_a_residual_net_says_the_sizes_of_its_maps_and_embeds_by_them(
    stem: str, depth: int, pooling: str
) -> None:
    spec = f"resnet(dim=3, width=2, depth={depth}, stem={stem!r}, pooling={pooling!r})"
    encoder = ENCODERS.build(spec, shape=InputShape(Form.IMAGES, 1, 33, 27))
    assert encoder.training
    inputs = torch.randn(2, 1, 33, 27)
    with torch.no_grad():
        found = encoder.eval().mapped(inputs)
        assert found.shape == (2, *(encoder.maps or ()))
        torch.testing.assert_close(encoder.pooled(found), encoder(inputs))


def test_asking_for_the_sizes_of_maps_draws_no_lot_and_counts_no_batch() -> None:
    shape = InputShape(Form.IMAGES, 1, 28, 28)
    torch.manual_seed(0)
    encoder = ENCODERS.build("resnet(width=4)", shape=shape)
    found = torch.rand(3)
    torch.manual_seed(0)
    encoder = ENCODERS.build("resnet(width=4, pooling='mean')", shape=shape)
    assert torch.equal(torch.rand(3), found)
    norms = [one for one in encoder.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    assert {int(one.num_batches_tracked) for one in norms} == {0}
    assert all(one.training and float(one.running_mean.abs().sum()) == 0 for one in norms)


@pytest.mark.parametrize("matcher", ["attention(width=4)", "relation(width=4)"])
def test_flattened_places_are_exported_beside_the_maps(matcher: str) -> None:
    import onnxruntime

    shape = InputShape(Form.IMAGES, 1, 27, 35)
    spec = "resnet(dim=3, width=4, depth=8, stem='strided', pooling='flatten')"
    encoder = ENCODERS.build(spec, shape=shape)
    network = Network(encoder, normalize=True, matcher=matcher_of(matcher, encoder, spec)).eval()
    session = onnxruntime.InferenceSession(export_network(network, shape))
    inputs = torch.randn(2, 1, 27, 35)
    embedding, features = session.run(["embedding", "features"], {"inputs": inputs.numpy()})
    with torch.no_grad():
        ours, maps = network(inputs)
    np.testing.assert_allclose(embedding, ours.numpy(), atol=1e-4)
    np.testing.assert_allclose(features, maps.numpy(), atol=1e-4)


# ── the watch ─────────────────────────────────────────────────────────────────────────────────


def characters(*settings: str) -> Run:
    recipe = Recipe(augmentations=("affine",)).with_settings(
        [
            "source=characters",
            "transform=image(size=20, invert=True)",
            "encoder=resnet(depth=8, width=4, dim=16, stem='strided', pooling='flatten')",
            "matcher=attention(width=8)",
            "precision=float32",
            *settings,
        ]
    )
    return begin_run(recipe)


SELECTING = "fractions={'train': 0.6, 'select': 0.2, 'calibrate': 0.1, 'test': 0.1}"
ALONE = "fractions={'train': 0.8, 'calibrate': 0.1, 'test': 0.1}"


@pytest.mark.parametrize("shares", [SELECTING, ALONE])
def test_the_watch_errs_by_what_the_matcher_finds_between_maps(shares: str) -> None:
    run = characters("steps=30", shares).finish()
    assert [epoch.note for epoch in run.epochs if "diverged" in epoch.note] == []
    train_part, part = run.data.parts[Role.TRAIN], run.data.parts.get(Role.SELECT)
    network = run.model()
    asked = train_part if part is None else part
    some = asked.take(sample_of(asked))
    inputs = torch.from_numpy(some.batch(np.arange(len(some)))[0]).float()
    with torch.no_grad():
        vectors, maps = network(run.data.transform.finish(inputs))
        # Every pair alone, by the matcher as it is.
        every = torch.stack([network.matcher(maps, one.expand_as(maps)) for one in maps])
    apart = torch.nn.functional.softplus(-every).numpy()
    numbers = np.arange(len(some), dtype=np.float64)[:, None]
    codes = np.unique(some.items.identities, return_inverse=True)[1]

    def rows(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return apart[first[:, 0].astype(int), second[:, 0].astype(int)]

    expected = 1 - one_shot(numbers, codes, rows, episodes=1000).accuracy
    arguments = (run.data.transform, run.distance, torch.device("cpu"))
    seen = validated(network, part, train_part, *arguments)
    assert seen.finite
    assert seen.error == pytest.approx(expected, abs=0.002)
    assert (seen.figure is None) == (part is None)
    assert sample_error(network, asked, *arguments) == pytest.approx(expected, abs=0.002)
    assert vectors.shape[1] == 16
    run.data.close()


@pytest.mark.parametrize("optimizer", ["adamw", pytest.param("muon", marks=pytest.mark.slow)])
@pytest.mark.parametrize("matcher", ["attention(width=8)", "relation(width=8)"])
def test_a_run_with_a_matcher_learns_and_raises_no_alarm(matcher: str, optimizer: str) -> None:
    run = characters("steps=120", f"matcher={matcher}", f"optimizer={optimizer}", SELECTING)
    run.finish()
    losses = [epoch.loss for epoch in run.epochs]
    # From one epoch to the next a slow one may stand still.
    assert max(losses[1:]) < losses[0]
    assert losses[-1] < losses[1]
    if "attention" in matcher:  # the other is hardly better than untrained after so few steps
        assert losses == sorted(losses, reverse=True)
        assert [epoch.note for epoch in run.epochs] == [""] * len(run.epochs)
        assert run.epochs[-1].figure < 0.9
    run.data.close()


def test_a_learning_rate_of_10_is_named_with_a_matcher() -> None:
    run = characters("learning_rate=10", "steps=20")
    try:
        words = run.finish().epochs[-1].note
    except TrainingError as error:
        words = str(error)
    assert "The learning_rate is 10: set a smaller one (the default is 0.001)." in words
    run.data.close()


# ── grades ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Pairs of drawings, graded."""
    return graded_glyphs(tmp_path_factory.mktemp("graded"), first=7000)


def settings(path) -> Recipe:
    return Recipe(augmentations=("affine",)).with_settings(
        [
            f"source=table({str(path)!r}, same_from=4, different_to=1.2)",
            "transform=image(size=16, invert=True)",
            "encoder=convnet4(dim=16, width=8)",
            "loss=contrastive",
            "sampler=source_pairs",
            "matcher=attention(width=8)",
            "fractions={'train': 0.3, 'calibrate': 0.35, 'test': 0.35}",
            "epochs=8",
            "precision=float32",
        ]
    )


@pytest.fixture(scope="module")
def made(graded, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "graded"
    return run_experiment(settings(graded), out=out, audit=False, examples=False)


def test_a_grade_is_calibrated_for_the_matcher_and_for_the_distance(made, graded) -> None:
    model = Model(made.model.folder)
    by_matcher, by_distance = model.calibration(), model.calibration(comparator="distance")
    assert by_matcher.grades.half_width is not None
    assert by_distance.grades.half_width is not None
    assert by_matcher.grades.distances != by_distance.grades.distances
    found = made.evaluation.grades
    assert found.between > 0
    assert found.accuracy.mean_error < found.accuracy.single_error
    assert found.accuracy.coverage.pairs == found.pairs
    source = Table(str(graded), same_from=4, different_to=1.2)
    for comparator, of in (("", by_matcher), ("distance", by_distance)):
        told = evaluate(model, source, allow_overlap=True, comparator=comparator)
        assert told.grades.accuracy is not None
        items = source.items()
        first, second = (items.read(int(end[0])) for end in (items.pairs.first, items.pairs.second))
        decision = verify(model, first, second, comparator=comparator)
        assert decision.grade == of.grades.grade(decision.distance)


def test_a_second_calibration_tells_grades_of_both_too(made, graded, tmp_path) -> None:
    import shutil

    folder = shutil.copytree(made.model.folder, tmp_path / "model")
    source = Table(str(graded), same_from=4, different_to=1.2)
    done = calibrate(Model(folder), source, name="again", allow_overlap=True)
    assert done.evaluation.grades.accuracy is not None
    assert done.evaluation.drawn == ""
    kept = Model(folder).calibrations
    assert kept["again"].grades == done.calibration.grades
    assert kept["again/distance"].grades is not None
    assert kept["again"].grades != kept["again/distance"].grades


def test_grades_are_not_what_a_matcher_learns_from(graded) -> None:
    recipe = replace(settings(graded), loss="cosent", sampler="source_pairs(grades=True)")
    words = r"attention\(width=8\) learns from pairs that are the same or different, and source_p"
    with pytest.raises(BadArgument, match=words):
        begin_run(recipe)
