"""A model with a matcher, from training to the decision, and one that learned from pairs."""

import json
import shutil

import numpy as np
import pytest

from likewise.errors import BadArgument, NotCalibrated, TrainingError, UnknownName
from likewise.learn.experiment import run_experiment
from likewise.learn.loop.train import begin_run
from likewise.model.model import Model
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.sources.base import Source
from likewise.tasks.calibrate import calibrate
from likewise.tasks.evaluate import evaluate
from likewise.tasks.verify import verify
from likewise.types import Items, Pairs
from tests.conftest import waves

SETTINGS = ["encoder=lstm(hidden=16)", "epochs=12", "learning_rate=0.005", "precision=float32"]


class Paired(Source):
    """Waves with pairs in place of identities: each with another of its own, and one unlike it."""

    def __init__(self, *, first=0, count=40):
        self.series, names = waves(first=first, count=count, each=6)
        rows = np.arange(len(names)).reshape(count, 6)
        # Two identities hang together by their different pairs: one component.
        same = np.concatenate([rows[:, [0, 1]], rows[:, [2, 3]], rows[:, [4, 5]]])
        left, right = rows[0::2], rows[1::2]
        different = np.concatenate(
            [np.stack([left[:, i], right[:, j]], 1) for i, j in ((0, 0), (2, 2), (4, 4), (1, 2))]
        )
        both = np.concatenate([same, different])
        labels = np.repeat([1, 0], [len(same), len(different)])
        self.pairs = Pairs(both[:, 0], both[:, 1], labels)
        self.names = [f"pair{first + i // 12}" for i in range(len(names))]

    def items(self):
        return Items.build(
            "paired",
            self.names,
            "series",
            [f"row {i}" for i in range(len(self.names))],
            lambda row: self.series[row],
            pairs=self.pairs,
        )


@pytest.fixture(scope="module")
def matched(tmp_path_factory):
    series, names = waves()
    recipe = Recipe.for_kind("series").with_settings(
        [*SETTINGS, "matcher=mlp(hidden=16)", "sampler=classes_by_items(classes=8, items=4)"]
    )
    out = tmp_path_factory.mktemp("matched") / "model"
    return run_experiment(recipe, Arrays.of(series, names, namespace="waves"), out=out)


def test_the_matcher_decides_and_the_distance_stands_beside_it(matched):
    model = Model(matched.model.folder)
    assert set(model.calibrations) == {"default", "default/distance"}
    assert model.comparator_name() == "matcher"
    assert model.comparator_name("distance") == "euclidean"
    assert matched.evaluation.comparator == "matcher"
    assert matched.evaluation.verification.auc > 0.8
    series, _ = waves(first=500, count=2, each=1)
    vectors = np.concatenate([model.embed_one(one, "x") for one in series])
    decided = verify(model, series[0], series[1])
    assert decided.distance == pytest.approx(
        float(model.comparator().rows(vectors[:1], vectors[1:])[0]), rel=1e-5
    )
    plain = verify(model, series[0], series[1], comparator="distance")
    assert plain.distance == pytest.approx(float(np.linalg.norm(vectors[0] - vectors[1])), rel=1e-5)
    assert plain.threshold != decided.threshold
    assert verify(model, series[1], series[0]).distance == pytest.approx(decided.distance, rel=1e-4)
    assert decided.threshold == model.calibration().point().threshold


def test_a_matcher_is_part_of_the_fingerprint_and_measured_elsewhere(matched):
    model = matched.model
    series, names = waves(first=700, count=25)
    source = Arrays.of(series, names, namespace="others")
    found = {}
    for comparator in ("matcher", "distance"):
        measured = evaluate(model, source, comparator=comparator)
        found[comparator] = measured
        point = next(p for p in measured.verification.points if p.target == 0.1)
        frozen = model.calibration(comparator=comparator).points
        assert point.threshold == next(p.threshold for p in frozen if p.target == 0.1)
    assert found["matcher"].verification.eer != found["distance"].verification.eer
    page = (model.folder / "report.html").read_text()
    assert "matcher" in page
    assert "matcher" in model.manifest.files


def test_both_comparators_are_calibrated_under_a_name(matched, tmp_path):
    folder = shutil.copytree(matched.model.folder, tmp_path / "model")
    assert [*Model(folder).references] == ["default"]
    series, names = waves(first=300, count=20, each=4)
    found = calibrate(Model(folder), Arrays.of(series, names, namespace="others"), name="other")
    model = Model(folder)
    assert set(model.calibrations) == {"default", "default/distance", "other", "other/distance"}
    assert found.evaluation.comparator == "matcher"
    assert model.calibration("other") == found.calibration
    plain = verify(model, series[0], series[1], calibration="other", comparator="distance")
    assert plain.threshold == model.calibrations["other/distance"].point().threshold
    assert plain.point.test is not None
    with pytest.raises(BadArgument, match="without a slash"):
        calibrate(model, Arrays.of(series, names, namespace="others"), name="other/distance")


def test_a_matcher_asked_of_a_model_that_has_none_is_refused(series_experiment, likewise_json):
    model = series_experiment.model
    series, _ = waves(count=2, each=1)
    with pytest.raises(UnknownName, match=r"has no matcher: it compares by euclidean.*train with"):
        verify(model, series[0], series[1], comparator="matcher")
    with pytest.raises(UnknownName, match="no comparator is named 'mather'"):
        verify(model, series[0], series[1], comparator="mather")
    with pytest.raises(NotCalibrated, match="no calibration named 'clinic'"):
        verify(model, series[0], series[1], calibration="clinic")
    with pytest.raises(UnknownName, match="nothing"):
        verify(model, series[0], series[1], operating_point="nothing")


def test_a_model_learns_from_pairs_and_is_measured_on_pairs(tmp_path):
    recipe = Recipe.for_kind("series", pairs=True).with_settings(
        [*SETTINGS, "sampler=balanced_pairs(24)", "matcher=weighted_l1"]
    )
    made = run_experiment(recipe, Paired(count=60), out=tmp_path / "model")
    found = made.evaluation.verification
    assert made.evaluation.one_shot is None
    assert found.auc > 0.7
    assert found.same_pairs == 3 * 2 * found.identities
    assert found.different_pairs == 4 * found.identities
    assert made.evaluation.mistakes
    page = (tmp_path / "model" / "report.html").read_text()
    assert "linked pairs" in page
    measured = evaluate(made.model, Paired(first=900, count=50))
    assert measured.verification.identities == 25
    assert json.loads((tmp_path / "model" / "training.json").read_text())["stopped"] is False


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["sampler=classes_by_items"], "source gives pairs"),
        (["loss=triplet"], "triplet needs the class of every item"),
        (["sampler=two_views", "loss=nt_xent", "augmentations=()"], "without an augmentation"),
    ],
)
def test_what_pairs_cannot_teach_is_refused(settings, message):
    recipe = Recipe.for_kind("series", pairs=True).with_settings([*SETTINGS, *settings])
    with pytest.raises((TrainingError, ValueError), match=message):
        begin_run(recipe, Paired()).finish()


def test_two_views_learn_without_labels():
    series, names = waves()
    recipe = Recipe.for_kind("series").with_settings(
        [*SETTINGS, "loss=nt_xent", "distance=cosine", "sampler=two_views(32)"]
    )
    run = begin_run(recipe, Arrays.of(series, names, namespace="waves")).finish()
    assert run.epochs[-1].loss < 0.8 * run.epochs[0].loss
