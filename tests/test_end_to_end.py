"""The main job: examples in, a decision with a stated error rate out."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import likewise as package
from likewise.calibration import DecisionRequest
from likewise.errors import ForeignEmbedding, Leak, ModelExists, UnsupportedRate, WrongKind
from likewise.learn import run_experiment
from likewise.model.model import Model
from likewise.recipe.recipe import Recipe
from likewise.sources.arrays import Arrays
from likewise.sources.folder import Folder
from likewise.types import Claim
from tests.conftest import pictures, waves


def test_the_model_folder_holds_what_was_designed(image_experiment):
    folder = image_experiment.model.folder
    roles = image_experiment.model.manifest.files
    assert set(roles) == {
        "recipe", "transform", "encoder.main", "weights", "calibration", "reference", "trained_on",
        "training",
    }  # fmt: skip
    assert (folder / "encoders" / "main.onnx").is_file()
    assert pictures(folder / "report.html") >= 2
    assert "false accept" in (folder / "card.md").read_text().lower()


def test_it_learned(image_experiment, series_experiment):
    for made in (image_experiment, series_experiment):
        found = made.evaluation.verification
        assert found.claim is Claim.NEW_IDENTITIES
        assert found.auc > 0.9
        assert made.evaluation.one_shot.accuracy > 0.5
        assert made.epochs[-1].loss < made.epochs[0].loss


def test_test_rates_are_stored_with_the_operating_points(image_experiment):
    stored = image_experiment.model.calibration()
    assert stored.points == image_experiment.evaluation.verification.points
    assert all(point.test is not None for point in stored.points)


def test_verify_from_python(image_model, strangers):
    same = [strangers / "group1" / "glyph1000" / f"{i}.png" for i in (0, 1)]
    other = strangers / "group2" / "glyph1001" / "0.png"
    near, far = package.verify(image_model, *same), package.verify(image_model, same[0], other)
    assert near.distance < far.distance
    assert near.probability > far.probability
    assert near.prior == 0.5
    assert package.verify(image_model, same[0], same[0]).distance == 0.0
    bytes_and_array = package.verify(
        image_model, same[0].read_bytes(), np.asarray(Image.open(same[0]))
    )
    assert bytes_and_array.distance == 0.0


def test_verify_series(series_experiment):
    series, _ = waves(first=500, count=2, each=2)
    near = package.verify(series_experiment.model, series[0], series[1])
    apart = package.verify(series_experiment.model, series[0], series[2])
    assert near.distance < apart.distance


def test_evaluate_on_strangers(image_model, strangers):
    evaluation = package.evaluate(image_model, Folder(str(strangers)))
    assert evaluation.verification.items == 150
    assert evaluation.verification.identities == 25
    assert evaluation.verification.auc > 0.85
    assert [p.threshold for p in evaluation.verification.points] == [
        p.threshold for p in image_model.calibration().points
    ]


def test_embeddings_are_pinned_to_their_model(image_model, series_experiment, strangers):
    mine = package.embed(image_model, Folder(str(strangers)))
    assert mine.vectors.shape == (150, 64)
    np.testing.assert_allclose(np.linalg.norm(mine.vectors, axis=1), 1, atol=1e-5)
    assert image_model.distances(mine, mine).shape == (150, 150)
    with pytest.raises(ForeignEmbedding, match="Embed the items again"):
        series_experiment.model.distances(mine, mine)


def test_a_batch_is_its_items_alone(image_model, strangers):
    items = Folder(str(strangers)).items()
    together = image_model.embed(items).vectors
    for row in (0, 77, 149):
        alone = image_model.embed_one(items.read(row), "here")
        np.testing.assert_allclose(alone[0], together[row], atol=1e-5)


def test_a_leak_is_refused_also_when_the_copy_is_packed_anew(image_model, drawings, tmp_path):
    with pytest.raises(Leak, match="allow-overlap"):
        package.evaluate(image_model, Folder(str(drawings)))
    renamed = tmp_path / "renamed"
    for index, place in enumerate(sorted(drawings.glob("*/*"))):
        for item in place.glob("*.png"):
            target = renamed / f"person{index}" / (item.stem + ".bmp")
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.open(item).save(target)
    with pytest.raises(Leak, match="items"):
        package.evaluate(image_model, Folder(str(renamed)))
    evaluation = package.evaluate(image_model, Folder(str(renamed)), allow_overlap=True)
    assert evaluation.verification.identities == 95
    # What it learned from does not say whether a threshold keeps its promise.
    assert evaluation.verification.promises == {}


def test_another_kind_of_item_is_refused(image_model, series_experiment, strangers):
    series, names = waves(first=500, count=3)
    picture = strangers / "group1" / "glyph1000" / "0.png"
    with pytest.raises(WrongKind, match=r"sequence|series"):
        package.embed(image_model, Arrays.of(series, names))
    with pytest.raises(WrongKind, match="image"):
        package.embed(series_experiment.model, Folder(str(strangers)))
    with pytest.raises(WrongKind, match="image"):
        package.verify(series_experiment.model, picture, picture)


def test_known_classes(tmp_path):
    recipe = Recipe.for_kind("image").with_settings(
        ["source=digits", "transform=image(size=8)", "encoder=convnet4(width=16)", "epochs=5",
         "learning_rate=0.003",
         "claim=known_classes", "augmentations=()"]
    )  # fmt: skip
    made = run_experiment(recipe, out=tmp_path / "model")
    assert made.evaluation.verification.claim is Claim.KNOWN_CLASSES
    assert made.evaluation.verification.auc > 0.9
    point = made.model.calibration().default()
    assert point.test.far.units > 100
    assert "known" in (tmp_path / "model" / "card.md").read_text()
    again = package.evaluate(made.model, Folder(_export_digits(tmp_path / "digits")),
                                      allow_overlap=True)  # fmt: skip
    assert again.verification.identities == 10


def _export_digits(folder):
    from likewise.sources.digits import Digits

    items = Digits().items()
    for row in range(0, len(items), 40):
        place = folder / str(items.identities[row])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(items.read(row)).save(place / f"{row}.png")
    for digit in range(10):
        place = folder / str(digit)
        place.mkdir(parents=True, exist_ok=True)
        if len(list(place.iterdir())) < 2:
            rows = np.flatnonzero(items.identities == str(digit))[:2]
            for row in rows:
                Image.fromarray(items.read(int(row))).save(place / f"{row}.png")
    return str(folder)


def test_training_twice_gives_the_same_model(series_experiment, tmp_path):
    series, names = waves()
    again = run_experiment(
        series_experiment.recipe, Arrays.of(series, names, namespace="waves"), out=tmp_path / "m"
    )
    assert again.model.fingerprint == series_experiment.model.fingerprint
    assert again.evaluation.verification.eer == series_experiment.evaluation.verification.eer


@pytest.mark.slow
def test_a_budget_writes_the_steps_it_took(tmp_path):
    series, names = waves(count=20)
    recipe = Recipe.for_kind("series").with_settings(
        ["encoder=lstm(hidden=4)", "budget_seconds=1.5"]
    )
    made = run_experiment(recipe, Arrays.of(series, names), out=tmp_path / "m")
    stored = Recipe.from_toml((tmp_path / "m" / "recipe.toml").read_text())
    assert stored.steps == made.epochs[-1].steps > 0
    assert stored.budget_seconds == 0
    assert made.epochs[-1].seconds == pytest.approx(1.5, abs=1.0)


def test_a_model_is_only_replaced_when_asked(image_experiment, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(image_experiment.model.folder, folder)
    before = Model(folder).fingerprint
    series, names = waves(count=14, each=4)
    recipe = Recipe.for_kind("series").with_settings(["encoder=lstm(hidden=4)", "epochs=1"])
    with pytest.raises(ModelExists, match="overwrite"):
        run_experiment(recipe, Arrays.of(series, names), out=folder)
    assert Model(folder).fingerprint == before
    run_experiment(recipe, Arrays.of(series, names), out=folder, overwrite=True)
    assert Model(folder).manifest.kind == "series"
    with pytest.raises(UnsupportedRate, match="needs at least"):
        Model(folder).calibration().point(DecisionRequest(far=0.001))


def test_the_training_curve_is_kept(image_experiment):
    plain = json.loads(image_experiment.model.read("training"))
    assert (plain["device"], plain["stopped"]) == ("cpu", False)
    assert plain["precision"].startswith("float32 (a product in bf16 measured") or plain[
        "precision"
    ].endswith("times as fast as float32 here)")
    assert [epoch["number"] for epoch in plain["epochs"]] == list(range(1, 13))
