"""Named calibrations: fitted on others, kept in the model, used by name, and remembered."""

import json
import re
import shutil

import numpy as np
import pytest

from likewise.calibration import DecisionRequest
from likewise.calibration.json_format import from_json
from likewise.cli.text.evaluation import costs_of
from likewise.data.splits import split
from likewise.errors import (
    BadArgument,
    CalibrationExists,
    DamagedModel,
    Leak,
    NotCalibrated,
    SaveFailed,
    SplitError,
    UnknownName,
    UnsupportedRate,
)
from likewise.model.folder import load_manifest, update_model
from likewise.model.model import Model
from likewise.results.evaluation import claim_sentence
from likewise.sources.arrays import Arrays
from likewise.sources.folder import Folder
from likewise.tasks.calibrate import calibrate, check_name
from likewise.tasks.evaluate import evaluate
from likewise.tasks.verify import verify
from likewise.types import Claim, Role
from tests.conftest import glyphs


@pytest.fixture
def model(image_model, tmp_path) -> Model:
    """A copy that a test may change."""
    leave = shutil.ignore_patterns("*.html", "card.md")
    made = Model(shutil.copytree(image_model.folder, tmp_path / "model", ignore=leave))
    # Read now: the files of before are removed once others stand in their place.
    assert made.calibrations
    assert made.trained_on.identities
    return made


def calibrated_part(source, share=0.5, seed=0):
    items = source.items()
    shares = {Role.CALIBRATE: share, Role.TEST: 1 - share}
    dealt = split(
        items, Claim.NEW_IDENTITIES, fractions=shares, by="random", seed=seed, trained=True
    )
    return {role: items.take(rows) for role, rows in dealt}


def kept(items):
    """A source of these items, as they are, in their collection."""
    names = items.identities.tolist()
    table = Arrays.of([np.zeros((2, 2), np.uint8)] * len(items), names, namespace=items.namespace)
    table.items = lambda: items
    return table


def test_a_rate_of_its_own_is_fitted_and_used_where_nobody_says(model, strangers, likewise):
    made = calibrate(model, Folder(str(strangers)), name="door", far=0.02)
    kept = Model(model.folder).calibration("door")
    assert kept == made.calibration
    assert [p.target for p in kept.points if p.target and not p.guaranteed] == [
        0.001,
        0.01,
        0.02,
        0.05,
        0.1,
    ]
    point = kept.point()
    assert (point.name, point.supported, kept.preferred) == ("far=0.02", True, 0.02)
    assert (
        point.calibrate.far.value
        <= 0.02
        < kept.point(DecisionRequest(far=0.05)).calibrate.far.value
    )
    thresholds = {p.name: p.threshold for p in kept.points}
    assert thresholds["far=0.01"] <= point.threshold <= thresholds["far=0.05"]
    code, out, _ = likewise(
        "calibrate", model.folder, strangers, "--name", "strict", "--far", "0.000001"
    )
    assert code == 0
    assert "30,000,000 different pairs" in out
    assert Model(model.folder).calibration("strict").point().target == 0.05


@pytest.mark.parametrize("far", [0, 1.5, -0.1, float("nan")])
def test_what_is_no_rate_to_calibrate_for_is_refused(model, strangers, far, likewise):
    with pytest.raises(BadArgument, match="above 0 and at most 1 is expected"):
        calibrate(model, Folder(str(strangers)), name="none", far=far)
    code, _, err = likewise("calibrate", model.folder, strangers, "--name", "x", "--far", far)
    assert code == 2
    assert "above 0 and at most 1" in err
    assert [*Model(model.folder).calibrations] == ["default"]


def test_a_named_calibration_stands_beside_the_others(model, strangers):
    source = Folder(str(strangers))
    made = calibrate(model, source, name="clinic", share=0.4)
    again = Model(model.folder)
    assert [*again.calibrations] == ["default", "clinic"]
    assert again.calibrations["default"] == model.calibrations["default"]
    assert again.calibration("clinic") == made.calibration
    assert again.fingerprint == model.fingerprint
    assert (made.calibration.units, made.calibration.source) == (10, "strangers")
    assert made.evaluation.verification.identities == 15
    assert [point.test for point in made.calibration.points] == [
        point.test for point in made.evaluation.verification.points
    ]
    assert "calibrate 10 identities (60 items), test 15 identities (90 items)" in made.split
    parts = calibrated_part(source, 0.4)
    assert not set(parts[Role.CALIBRATE].identities) & set(parts[Role.TEST].identities)
    first, second = (next(strangers.glob(f"*/glyph100{i}/0.png")) for i in (0, 1))
    point = made.calibration.point()
    decided = verify(again, first, second, calibration="clinic")
    assert (decided.threshold, decided.point) == (point.threshold, point)
    assert decided.threshold != verify(again, first, second).threshold
    assert load_manifest(model.folder).files["calibration"].path != "calibration.json"


def test_whom_it_was_fitted_on_is_remembered_and_the_rest_is_not(model, strangers):
    source = Folder(str(strangers))
    calibrate(model, source, name="clinic")
    parts = calibrated_part(source)
    again = Model(model.folder)
    assert again.trained_on.identities["calibrate"] > model.trained_on.identities["calibrate"]
    with pytest.raises(Leak, match=r"cannot evaluate.*13 identities.*78 items.*seen in calibrate"):
        evaluate(again, source, calibration="clinic")
    measured = evaluate(again, kept(parts[Role.TEST]), calibration="clinic")
    assert measured.verification.identities == 12
    # Whoever calibrated may calibrate again, also under another name.
    calibrate(again, source, name="second", seed=1)
    assert [*Model(model.folder).calibrations] == ["default", "clinic", "second"]
    remembered = Model(model.folder).trained_on.identities
    assert remembered["train"] == model.trained_on.identities["train"]
    assert remembered["calibrate"] > again.trained_on.identities["calibrate"]


def test_what_trained_the_model_does_not_calibrate_it(model, drawings):
    before = (model.folder / "model.toml").read_bytes()
    with pytest.raises(Leak, match="cannot calibrate on data that the model learned from"):
        calibrate(model, Folder(str(drawings)), name="clinic")
    assert (model.folder / "model.toml").read_bytes() == before
    made = calibrate(model, Folder(str(drawings)), name="clinic", allow_overlap=True)
    assert made.calibration.units == 48


def test_a_name_that_is_taken_is_replaced_only_when_asked(model, strangers):
    source = Folder(str(strangers))
    with pytest.raises(CalibrationExists, match="calibration named 'default' already"):
        calibrate(model, source)
    calibrate(model, source, overwrite=True, calibrator="beta")
    again = Model(model.folder)
    assert [*again.calibrations] == ["default"]
    assert (again.calibration().calibrator, again.calibration().choice) == ("beta", None)
    assert again.calibration().source == "strangers"
    assert [*again.references] == ["default"]


@pytest.mark.parametrize("name", ["", " clinic", "a/b", "a\nb", "\x1b[31m", "x" * 65, "\u202eabc"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(BadArgument, match=r"calibration's name is .* printable characters"):
        check_name(name)


@pytest.mark.parametrize("name", ["clinic", "Nord Süd", "x" * 64, "2026-11-22", "'quoted'"])
def test_a_name_that_is_one_is_taken(name):
    check_name(name)


def test_what_cannot_be_followed_is_refused_before_anything_is_decoded(
    model, strangers, monkeypatch
):
    source = Folder(str(strangers))
    monkeypatch.setattr("likewise.tasks.calibrate.decode_all", None)
    for given, error, message in [
        ({"share": 0.0}, BadArgument, "The share is 0"),
        ({"share": 1.5}, BadArgument, r"The share is 1\.5"),
        ({"calibrator": "platt"}, UnknownName, "no calibrator is named 'platt'"),
        ({"costs": (0.0, 1.0)}, BadArgument, "two numbers above 0"),
        ({"prior": 1.0}, BadArgument, r"The prior is 1\.0"),
        ({"impostors": "skilled"}, BadArgument, "nothing of strangers is forged"),
        ({"claim": "everyone"}, UnknownName, "no claim is named 'everyone'"),
        ({"share": 0.5, "seed": -1}, ValueError, "a seed from 0"),
    ]:
        with pytest.raises(error, match=message):
            calibrate(model, source, name="clinic", **given)
    few = source.items().take(np.arange(7))
    with pytest.raises(SplitError, match="2 identities, 1 of them with two items"):
        calibrate(model, kept(few), name="clinic")


def test_costs_and_guarantees_are_fitted_and_decided_by(model, tmp_path):
    many = glyphs(tmp_path / "many", first=3000, count=70, each=4)
    made = calibrate(
        model, Folder(str(many)), name="desk", costs=(10.0, 1.0), prior=0.1, limit="guarantee"
    )
    assert made.calibration.units == 35
    again = Model(model.folder)
    first, second = (next(many.glob(f"*/glyph300{i}/0.png")) for i in (0, 1))

    def decided(**given):
        return verify(again, first, second, calibration="desk", **given).point

    assert decided(costs=(10.0, 1.0), prior=0.1).name == "cost=10:1 prior=0.1"
    limited = decided()
    assert limited.guaranteed
    assert decided(guarantee=True) == limited
    assert not decided(guarantee=False).guaranteed
    plain = decided(far=limited.target, guarantee=False)
    assert decided(far=limited.target).threshold <= plain.threshold
    message = (
        r"no threshold for cost=10:1, .*cost=10:1 prior=0\.1.*likewise calibrate MODEL SOURCE "
        "--name NAME --cost-false-accept 10"
    )
    with pytest.raises(UnsupportedRate, match=message):
        decided(costs=(10.0, 1.0))
    with pytest.raises(BadArgument, match="in two ways"):
        decided(costs=(10.0, 1.0), far=0.1)
    assert made.evaluation.probability.prior == 0.1
    # Thirty-five identities are enough to choose among calibrators.
    assert made.calibration.choice.folds == 5
    assert made.calibration.choice.calibrator == made.calibration.calibrator


def test_known_classes_calibrate_by_items(tmp_path, image_experiment, strangers):
    copy = shutil.copytree(image_experiment.model.folder, tmp_path / "model")
    made = calibrate(Model(copy), Folder(str(strangers)), name="known", claim="known_classes")
    assert (made.calibration.claim, made.calibration.unit) == (Claim.KNOWN_CLASSES, "items")
    assert "classes" in claim_sentence(made.calibration.claim, made.calibration.unit)
    reference = Model(copy).references["known"]
    assert len(set(reference.units.tolist())) == len(reference.units) == 75


def test_nobody_s_calibration_is_lost(model, strangers, tmp_path):
    """Two that loaded the model before either had calibrated it: both stand, in either order."""
    other = Model(model.folder)
    calibrate(model, Folder(str(strangers)), name="one", calibrator="logistic")
    calibrate(other, Folder(str(strangers)), name="two", calibrator="logistic", seed=1)
    again = Model(model.folder)
    assert [*again.calibrations] == ["default", "one", "two"]
    assert [*again.references] == ["default", "one", "two"]
    with pytest.raises(CalibrationExists, match="named 'one' already"):
        calibrate(other, Folder(str(strangers)), name="one")
    with pytest.raises(SaveFailed, match="saved by another process meanwhile"):
        update_model(model.folder, {"recipe": b""}, standing=other.manifest)


def test_a_failed_save_leaves_the_old_calibrations(model, strangers, monkeypatch):
    from likewise.io import atomic

    before = {p: p.read_bytes() for p in model.folder.rglob("*") if p.is_file()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "replace", full)
    with pytest.raises(SaveFailed, match="disk is full"):
        calibrate(model, Folder(str(strangers)), name="clinic")
    assert {p: p.read_bytes() for p in model.folder.rglob("*") if p.is_file()} == before


# ── the file ──────────────────────────────────────────────────────────────────────────────────


def test_a_calibration_from_before_choices_and_limits_still_loads(image_model):
    plain = json.loads(image_model.read("calibration"))
    new = from_json(json.dumps(plain).encode())["default"]
    for key in ("choice", "source", "limit", "unit"):
        del plain["default"][key]
    plain["default"]["points"] = [
        point for point in plain["default"]["points"] if "<=" not in point["name"]
    ]
    old = from_json(json.dumps(plain).encode())["default"]
    assert (old.choice, old.source, old.limit, old.unit) == (None, "", "plain", "identities")
    assert old.decide(0.5) == new.decide(0.5)


@pytest.mark.parametrize(
    "choice",
    [
        [],
        "logistic",
        {},
        {"calibrator": "beta", "losses": [], "folds": 5, "reason": ""},
        {"calibrator": "beta", "losses": {"beta": "low"}, "folds": 5, "reason": ""},
        {"calibrator": "beta", "losses": {}, "folds": -1, "reason": ""},
        {"calibrator": "beta", "losses": {}, "folds": 5, "reason": "x" * 10_001},
        {"calibrator": None, "losses": {}, "folds": 5, "reason": ""},
        {"calibrator": "beta", "losses": dict.fromkeys(map(str, range(101)), 1.0), "folds": 5, "reason": ""},  # noqa: E501
    ],
)  # fmt: skip
def test_a_choice_of_another_form_is_damage(image_model, choice):
    plain = json.loads(image_model.read("calibration"))
    plain["default"]["choice"] = choice
    with pytest.raises(DamagedModel, match=r"calibration\.json cannot be read"):
        from_json(json.dumps(plain).encode())


def test_the_choice_is_kept_and_said(image_model, image_experiment):
    fitted = image_model.calibration()
    assert image_experiment.recipe.calibrator == "auto"
    assert fitted.choice.calibrator == fitted.calibrator
    again = from_json(image_model.read("calibration"))["default"]
    assert again.choice == fitted.choice
    assert again.source


# ── the commands ──────────────────────────────────────────────────────────────────────────────


def test_the_command_calibrates_and_others_use_it(
    model, strangers, likewise, likewise_json, tmp_path
):
    folder = model.folder
    code, out, err = likewise(
        "calibrate", folder, strangers, "--name", "clinic", "--cost-false-accept", "10"
    )
    assert code == 0, err
    for words in (
        "clinic: fitted on 13 identities of strangers",
        "calibrator logistic: 13 identities are too few to compare",
        "shared out at random (seed 0)",
        "Cllr",
        "cost=10:1",
        "probabilities where 0.5 of all pairs are the same",
    ):
        assert words in out, words
    code, out, _ = likewise("list", folder)
    assert code == 0
    assert out.startswith("default: fitted on 21 identities")
    assert "\nclinic: fitted on 13 identities of strangers\n" in out
    listed = likewise_json("list", folder)
    assert listed["clinic"]["units"] == 13
    picture = next(strangers.glob("*/glyph1000/0.png"))
    pair = (picture, picture, "--calibration", "clinic")
    found = likewise_json("verify", folder, *pair)
    assert found["threshold"] == Model(folder).calibration("clinic").point().threshold
    found = likewise_json("verify", folder, *pair, "--cost-false-accept", "10")
    assert found["point"]["name"] == "cost=10:1"
    code, _, err = likewise("verify", folder, *pair, "--cost-false-reject", "3")
    assert code == 2
    assert "UnsupportedRate: The calibration 'clinic' has no threshold for cost=1:3" in err
    code, _, err = likewise("verify", folder, picture, picture, "--calibration", "clinc")
    assert code == 2
    assert "NotCalibrated" in err
    assert "likewise calibrate" in err
    others = glyphs(tmp_path / "others", first=5000, count=22, each=3)
    page = tmp_path / "r.html"
    found = likewise_json("evaluate", folder, others, "--calibration", "clinic", "--prior", "0.01",
                          "--report", page)  # fmt: skip
    assert found["probability"]["prior"] == 0.01
    assert found["probability"]["reliability"]
    assert "--calibration clinic --prior 0.01" in page.read_text()
    code, _, err = likewise("evaluate", folder, strangers, "--calibration", "clinic")
    assert code == 2
    assert "Leak" in err


def test_the_command_refuses_by_name(model, strangers, likewise):
    for words, message in [
        ((), "CalibrationExists: .* 'default' already"),
        (("--name", "a/b"), "BadArgument: The calibration's name is 'a/b'"),
        (("--name", "c", "--calibrator", "platt"), "UnknownName: no calibrator is named 'platt'"),
        (("--name", "c", "--prior", "0"), "BadArgument: The prior is 0"),
        (("--name", "c", "--share", "2"), "BadArgument: The share is 2"),
        (("--name", "c", "--impostors", "random"), "BadArgument: impostors is 'random'"),
    ]:
        code, out, err = likewise("calibrate", model.folder, strangers, *words)
        assert (code, out) == (2, "")
        assert re.search(message, err), err
    assert [*Model(model.folder).calibrations] == ["default"]
    code, _, err = likewise("list", strangers)
    assert code == 2
    assert "ModelNotFound" in err


def test_one_cost_leaves_the_other_at_1():
    assert costs_of(None, None) is None
    assert costs_of(10.0, None) == (10.0, 1.0)
    assert costs_of(None, 2.0) == (1.0, 2.0)


def test_an_unknown_calibration_says_what_to_run(image_model):
    with pytest.raises(
        NotCalibrated, match=r"named 'clinic' \(it has: default\).*likewise calibra"
    ):
        image_model.calibration("clinic")
