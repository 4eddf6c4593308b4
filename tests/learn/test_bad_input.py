"""What a recipe asks and its data cannot give: each is refused in words that say what to do."""

import json
import time

import numpy as np
import pytest
import torch

from likewise.errors import (
    BadArgument,
    LikewiseError,
    NothingToResume,
    RecipeError,
    TrainingError,
)
from likewise.learn.experiment import run_experiment
from likewise.learn.loop.train import begin_run
from likewise.learn.losses import FAMILY as LOSSES
from likewise.recipe.recipe import Recipe
from likewise.registry import Spec
from likewise.sources.arrays import Arrays
from likewise.types import Labels, Role
from tests.conftest import glyphs, waves

QUICK = ["encoder=conv1d(width=4)", "epochs=1", "precision=float32"]


def started(*settings, count=30, each=5, first=0, **options):
    """A run on series; 30 identities leave 18 to train on, with five items each."""
    series, names = waves(count=count, each=each, first=first)
    recipe = Recipe.for_kind("series").with_settings([*QUICK, *settings])
    return begin_run(recipe, Arrays.of(series, names, namespace="waves"), **options)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A small folder of drawings."""
    return glyphs(tmp_path_factory.mktemp("few"), count=30, each=4)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A table of pairs of series, forty groups of three."""
    place = tmp_path_factory.mktemp("pairs")
    series, _ = waves(count=80, each=2)
    lines = ["first,second,same"]
    for number, one in enumerate(series):
        np.save(place / f"{number}.npy", one)
    for group in range(40):
        a, b, c, d = (f"{4 * group + i}.npy" for i in range(4))
        lines += [f"{a},{b},1", f"{c},{d},1", f"{a},{c},0"]
    (place / "pairs.csv").write_text("\n".join(lines) + "\n")
    return place / "pairs.csv"


# ── series, in Python ─────────────────────────────────────────────────────────────────────────

REFUSED = [
    # A batch larger than the data, or of more classes than there are.
    (
        ["sampler.classes=500"],
        TrainingError,
        r"classes is 500, and .* has (\d+) classes of two items .*Set sampler\.classes=\1 or less",
    ),
    (
        ["sampler=classes_by_items(500)"],
        TrainingError,
        r"classes_by_items: classes is 500",
    ),
    (
        ["sampler.items=6"],
        TrainingError,
        r"items is 6, and the training part has 5 items of its largest class.*sampler\.items=5",
    ),
    (
        ["sampler=hard_classes(classes=500)"],
        TrainingError,
        r"hard_classes: \d+ training classes have two items or more, and a batch is of 500\. Set ",
    ),
    (
        ["sampler=hard_classes(classes=4, items=9)"],
        TrainingError,
        r"hard_classes: items is 9, and the training part has 5 items.*sampler\.items=5",
    ),
    (
        ["sampler=two_views(items=5000)", "loss=nt_xent"],
        TrainingError,
        r"two_views: items is 5000, and the training part has (\d+) items, .*sampler\.items=\1 or",
    ),
    (
        ["sampler=balanced_pairs(pairs=1000000)", "loss=contrastive"],
        TrainingError,
        r"balanced_pairs: pairs is 1000000, and the training part has \d+ pairs of two it.*or less",
    ),
    # A memory larger than the set.
    (
        ["memory=100000"],
        BadArgument,
        r"memory is 100000, and there are (\d+) training items: .* Set memory to \1 at most",
    ),
    # An augmentation, a view or an encoder for another kind of items.
    (
        ["augmentations=affine"],
        BadArgument,
        r"affine takes images, and the transform makes frames\. .* choose another",
    ),
    (["views=shifted"], BadArgument, r"shifted takes images, .*frames"),
    (["views=turned"], BadArgument, r"turned takes images, .*frames"),
    (["encoder=convnet4"], LikewiseError, r"images"),
    # A loss and batches that do not go together.
    (
        ["sampler=balanced_pairs"],
        BadArgument,
        r"triplet needs .*balanced_pairs makes .* of pairs\. Set sampler=classes_by_items",
    ),
    (
        ["loss=cosent"],
        BadArgument,
        r"cosent was given Labels, and Pairs .* with sampler=balanced_pairs",
    ),
    (
        ["loss=softmax", "sampler=two_views"],
        BadArgument,
        r"softmax learns the classes .* reads no labels\. Set sampler=classes_by_items, or loss=nt",
    ),
    (
        ["loss=contrastive", "sampler=source_pairs"],
        TrainingError,
        r"source_pairs needs a source that gives pairs.*Set sampler=balanced_pairs",
    ),
    (
        ["memory=20", "sampler=balanced_pairs", "loss=contrastive"],
        TrainingError,
        r"memory holds the classes of earlier items, and a batch of pairs has none\. Set memory=0",
    ),
    # What says how long to train.
    (["epochs=0"], RecipeError, r"epochs is 0, and 1 to"),
    (
        ["budget_seconds=0.000001"],
        TrainingError,
        r"The budget of 1e-06 s is too short for one step.*Give at least a hundred times that",
    ),
    (["patience=2"], TrainingError, r"patience is 2, and no items have the role select"),
]


@pytest.mark.parametrize(("settings", "kind", "message"), REFUSED)
def test_what_the_data_cannot_give_is_refused_with_what_to_do(settings, kind, message):
    with pytest.raises(kind, match=message):
        started(*settings).finish()


@pytest.mark.parametrize(
    "settings",
    [
        [],
        ["sampler=classes_by_items"],
        ["sampler.items=5"],
        ["sampler=classes_by_items(classes=500, items=50, allow_fewer=True)"],
        ["sampler=two_views", "loss=nt_xent"],
        ["sampler=balanced_pairs", "loss=contrastive"],
    ],
)
def test_defaults_are_fitted_to_few_data_without_a_word(settings):
    run = started(*settings, count=14).finish()
    assert len(run.data.parts[Role.TRAIN].items) < 64
    assert run.epochs[-1].note == ""


def test_what_can_just_be_filled_is_not_refused():
    run = started()
    classes = len(set(run.data.parts[Role.TRAIN].items.identities.tolist()))
    assert started(f"sampler.classes={classes}").finish().epochs
    with pytest.raises(TrainingError, match=f"the training part has {classes} classes"):
        started(f"sampler.classes={classes + 1}")


# ── a loss with a row for each class ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["softmax", "arcface", "proxy_anchor"])
def test_a_class_that_appears_later_is_named_with_what_to_do(name):
    loss = LOSSES.build(Spec(name), classes=5, dim=4, distance=None)
    vectors = torch.nn.functional.normalize(torch.randn(3, 4), dim=1)
    assert torch.isfinite(loss(vectors, Labels(torch.tensor([0, 1, 4]))))
    with pytest.raises(
        BadArgument, match=r"row for each of the 5 classes .* was given the class 5"
    ):
        loss(vectors, Labels(torch.tensor([0, 1, 5])))
    with pytest.raises(
        BadArgument, match=r"Train anew with all classes, or choose a loss .*supcon"
    ):
        loss(vectors, Labels(torch.tensor([0, 1, 9])))


def test_classes_that_appear_before_a_run_goes_on_are_refused(tmp_path):
    path = tmp_path / "run.checkpoint"
    run = started("loss=softmax", "epochs=3", checkpoint_path=path)
    run.stop()
    assert run.finish().stopped
    again = started("loss=softmax", "epochs=3", count=34, checkpoint_path=path, resume=True)
    with pytest.raises(
        NothingToResume, match=r"other data than these.*train anew with --overwrite"
    ):
        again.finish()


# ── on the command line ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "sampler.classes=99"], "classes is 99, and the training part has"),
        (["--set", "sampler.items=5"], "Set sampler.items=4 or less, or leave it out"),
        (["--set", "memory=9999"], "training items: it would hold some"),
        (["--augment", "jitter"], "jitter takes frames, and the transform makes images"),
        (["--loss", "cosine_mse"], "make some of classes with sampler=balanced_pairs"),
        (["--sampler", "source_pairs", "--loss", "contrastive"], "Set sampler=balanced_pairs"),
    ],
)
def test_drawings_on_the_command_line(words, message, few, likewise, tmp_path):
    out = tmp_path / "model"
    code, said, err = likewise("train", few, "--out", out, "--epochs", "1", "--no-audit", *words)
    assert (code, said) == (2, "")
    assert message in " ".join(err.split())
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--loss", "triplet"],
            "triplet needs the class of every item, and the source gives pairs",
        ),
        (["--loss", "softmax"], "Set loss=contrastive, or give a source with labels"),
        (["--sampler", "classes_by_items"], "the source gives pairs. Set sampler=source_pairs"),
        (["--sampler", "source_pairs(pairs=999)"], "pairs is 999, and the training part has"),
        (["--sampler", "balanced_pairs(pairs=999)"], "pairs is 999, and the training part has"),
        (["--augment", "affine"], "affine takes images, and the transform makes frames"),
    ],
)
def test_pairs_of_series_on_the_command_line(words, message, pairs, likewise, tmp_path):
    out = tmp_path / "model"
    spec = f"table({str(pairs)!r}, kind='sequence')"
    code, said, err = likewise("train", spec, "--out", out, "--epochs", "1", "--no-audit", *words)
    assert (code, said) == (2, ""), err
    assert message in " ".join(err.split())
    assert not out.exists()


def test_items_without_labels_are_refused_with_what_to_do(few, likewise, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(few.rglob("*.png"))[:40]):
        (flat / f"{number}.png").write_bytes(path.read_bytes())
    code, _, err = likewise("train", flat, "--out", tmp_path / "m", "--loss", "softmax")
    assert code == 2
    assert "without one nobody knows what is the same. Put each into a folder named for" in err


@pytest.mark.slow
def test_a_budget_within_the_first_epoch_is_said_in_the_training_record(tmp_path):
    series, names = waves(count=60, each=5)
    recipe = Recipe.for_kind("series").with_settings([*QUICK, "budget_seconds=2"])

    def slowly(*_):
        time.sleep(2)

    made = run_experiment(
        recipe,
        Arrays.of(series, names, namespace="waves"),
        out=tmp_path / "model",
        audit=False,
        on_step=slowly,
    )
    note = made.epochs[-1].note
    assert "The budget of 2 s ended after 1 of the" in note
    assert "Give more time, or a faster encoder" in note
    assert json.loads(made.model.read("training"))["epochs"][-1]["note"] == note
    assert "Give more time" in (tmp_path / "model" / "report.html").read_text()
