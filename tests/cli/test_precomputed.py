"""Commands on data alone: what a person types, and what it says."""

import json

import numpy as np
import pytest

from likewise.calibration import DecisionRequest
from likewise.calibration.fit import fit_calibration
from likewise.calibration.json_format import from_json, to_json
from likewise.data.cache import decode_all
from likewise.errors import BadArgument, DamagedModel, SourceNotFound
from likewise.evaluation.verification import verify_all
from likewise.pairs.choose import choose_pairs
from likewise.precomputed import PrecomputedComparisons, PrecomputedEmbeddings
from likewise.precomputed.files import read_precomputed
from likewise.sources.folder import Folder
from likewise.tasks.embed import embed_to
from likewise.tasks.precomputed import (
    Fitting,
    calibrate_precomputed,
    check_calibration_path,
    evaluate_precomputed_at,
    load_calibration,
    save_calibration,
)
from likewise.types import Claim
from tests.conftest import glyphs


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Pages go where the command is typed."""
    monkeypatch.chdir(tmp_path)


def comparisons(path, pairs=100, *, apart=0.5, seed=0, similarity=False):
    """A table of which the distances tell something where `apart` is not 0."""
    random = np.random.default_rng(seed)
    same = np.arange(pairs) % 2
    distance = np.clip(random.normal(1 - apart * same, 0.15), 0, None)
    told = 1 - distance if similarity else distance
    name = "cosine" if similarity else "distance"
    rows = [f"a{i},b{i},{same[i]},{told[i]}" for i in range(pairs)]
    path.write_text("\n".join([f"id1,id2,same,{name}", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def vectors(image_model, strangers, tmp_path_factory):
    """Vectors as `likewise embed` writes them: to calibrate on, and of others to test on."""
    place = tmp_path_factory.mktemp("vectors")
    others = glyphs(place / "others", first=2000, count=20)
    found = {}
    for name, folder in (("known", strangers), ("new", others)):
        embed_to(image_model, Folder(str(folder)), place / f"{name}.npz")
        found[name] = (place / f"{name}.npz", Folder(str(folder)))
    return found


def test_vectors_alone_give_the_figures_of_the_model_that_made_them(image_model, vectors, tmp_path):
    spec = image_model.manifest.distance
    known, new = (
        read_precomputed(str(vectors[name][0]), distance=spec) for name in ("known", "new")
    )
    assert known.fingerprint == image_model.fingerprint
    compared = []
    for name in ("known", "new"):
        with decode_all(vectors[name][1].items(), image_model.transform) as decoded:
            embedded = image_model.embed_decoded(decoded)
            compared.append(choose_pairs(embedded, decoded.items, image_model.distance))
    ours = fit_calibration(compared[0], Claim.NEW_IDENTITIES, "logistic")
    made = calibrate_precomputed(known, folds=3, fitting=Fitting("logistic"))
    for mine, theirs in zip(ours.points, made.calibration.points, strict=True):
        assert (mine.name, mine.threshold) == (theirs.name, pytest.approx(theirs.threshold))
        assert mine.calibrate == theirs.calibrate
    assert made.calibration.parameters == pytest.approx(ours.parameters)
    expected = verify_all(compared[1], ours.points, Claim.NEW_IDENTITIES)
    found = evaluate_precomputed_at(new, made.calibration).verification
    assert (found.eer, found.auc) == pytest.approx((expected.eer, expected.auc))
    assert [point.test for point in found.points] == [point.test for point in expected.points]
    assert (found.same_pairs, found.different_pairs) == compared[1].counts


def test_the_commands_on_vectors(image_model, vectors, likewise, likewise_json, tmp_path):
    known, new = vectors["known"][0], vectors["new"][0]
    spec, out = image_model.manifest.distance, tmp_path / "calibration.json"
    code, said, err = likewise("calibrate", known, "--distance", spec, "--folds", "3", "--out", out)
    assert code == 0, err
    assert "rates measured in 3 folds" in said
    assert "nothing here can tell" in said
    assert list(from_json(out.read_bytes())) == [spec]
    code, said, err = likewise("evaluate", new, "--distance", spec, "--calibration", out)
    assert code == 0, err
    assert f"thresholds as {out} has them" in said
    assert "  The promise of FAR 0.05 is " in said
    other = "euclidean" if spec == "cosine" else "cosine"
    code, _, err = likewise("evaluate", new, "--distance", other, "--calibration", out)
    assert (code, f"was fitted on '{spec}'" in err) == (2, True)
    found = likewise_json("evaluate", new, "--distance", spec, "--folds", "3")
    assert found["folds"] == 3
    assert found["accuracy"] is None
    assert 0.5 < found["balanced_accuracy"]["value"] <= 1


def test_the_commands_on_comparisons(likewise, likewise_json, tmp_path):
    path, out = comparisons(tmp_path / "c.csv"), tmp_path / "calibration.json"
    code, said, err = likewise("evaluate", path)
    assert code == 0, err
    assert "50 same and 50 different pairs, 200 items in 100 groups of linked pairs" in said
    assert "\naccuracy 0.9" in said
    assert "optimistic" in said
    assert said.rstrip().endswith("report: evaluation-c.html")
    assert f"likewise evaluate {path}</code>" in (tmp_path / "evaluation-c.html").read_text()
    code, said, err = likewise("calibrate", path, "--out", out, "--calibrator", "logistic")
    assert (code, f"written to {out}" in said) == (0, True), err
    code, said, err = likewise("evaluate", path, "--calibration", out)
    assert (code, "on the same data no rate is a promise" in said) == (0, True), err
    assert "The promise of" not in said
    near, far = (
        likewise_json("decide", out, number, "--at", "balanced") for number in ("0.4", "1.1")
    )
    assert (near["verdict"], far["verdict"]) == ("same", "different")
    assert near["probability"] > 0.8
    assert far["probability"] < 0.2
    assert near["point"]["test"]["far"]["trials"] == 50
    assert likewise("decide", out, "1.1", "--at", "balanced", "--exit-code")[0] == 10
    assert likewise("decide", out, "0.4", "--at", "balanced", "--exit-code")[0] == 0
    for wrong in ("nan", "inf"):
        code, _, err = likewise("decide", out, wrong)
        assert (code, "is no distance as" in err) == (2, True)
    code, _, err = likewise("decide", out, "--", "-0.5")
    assert (code, "not negative" in err) == (2, True)


def test_similarities_are_decided_as_similarities(likewise, likewise_json, tmp_path):
    path = comparisons(tmp_path / "c.csv", similarity=True)
    out = tmp_path / "calibration.json"
    words = ("calibrate", path, "--similarity", "cosine", "--out", out)
    code, _, err = likewise(*words, "--calibrator", "logistic")
    assert code == 0, err
    found = likewise_json("decide", out, "0.6", "--at", "balanced")
    assert (found["verdict"], found["distance"]) == ("same", pytest.approx(0.4))
    code, said, _ = likewise("decide", out, "0.6", "--at", "balanced")
    assert (code, "(similarity 0.6000)" in said) == (0, True)
    code, _, err = likewise("decide", out, "1.5")
    assert (code, "a finite number, at most 1" in err) == (2, True)


@pytest.mark.filterwarnings("default")
def test_a_similarity_that_was_given_as_a_distance_is_noticed(likewise, tmp_path):
    path = comparisons(tmp_path / "c.csv", apart=-0.5)
    code, _, said = likewise("evaluate", path, "--folds", "2")
    assert code == 0
    assert said.startswith(f"likewise: {path}: same pairs are farther apart than different ones")
    assert "name --similarity" in said
    assert "or 0 means the same in the table" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("evaluate", "model"), "is a model, and the items to measure it on are missing"),
        (("calibrate", "model"), "is a model"),
        (("evaluate", "."), "is no model. To train and measure it in folds"),
        (("evaluate", "absent.csv"), "there is no file 'absent.csv'"),
        (("evaluate", "c.csv", "--report", "r.txt"), "r.txt does not end in .html"),
        (("evaluate", "c.csv", "--report", "c.csv"), "c.csv does not end in .html"),
        (("evaluate", "c.csv", "--report", "none/r.html"), "none is no folder, and the report"),
        (("evaluate", "c.csv", "--report", "d.html"), "d.html is a folder, and the report"),
        (("evaluate", "c.csv", "--no-examples"), "--no-examples was given. It is for a model"),
        (("evaluate", "c.csv", "--strict"), "--strict was given. It is for a model"),
        (("evaluate", "model", "c.csv", "--folds", "3"), "--folds was given. It is for data alone"),
        (("evaluate", "model", "c.csv", "--similarity", "s"), "--similarity was given. It is for"),
        (("evaluate", "c.csv", "--distance", "cosine"), "distances are there already"),
        (("evaluate", "c.csv", "--columns", "a,b"), "four names in this order"),
        (("evaluate", "c.csv", "--columns", "a,b,c,d"), "no column 'a'"),
        (("evaluate", "c.csv", "--folds", "90"), "make no 90 folds"),
        (("evaluate", "c.csv", "--folds", "500"), "2 to 100 are expected"),
        (("evaluate", "c.csv", "--prior", "1"), "The prior is 1.0"),
        (("evaluate", "c.csv", "--calibration", "c.csv"), "is no calibration"),
        (("evaluate", "c.csv", "--calibration", "absent.json"), "there is no file 'absent.json'"),
        (("calibrate", "c.csv"), "Add --out calibration.json"),
        (("calibrate", "c.csv", "--out", "c.txt"), "does not end in .json"),
        (("calibrate", "c.csv", "--out", "none/c.json"), "is no folder"),
        (
            ("calibrate", "c.csv", "--out", "c.json", "--name", "x"),
            "--name was given. It is for",
        ),
        (
            ("calibrate", "c.csv", "--out", "c.json", "--calibrator", "platt"),
            "no calibrator is",
        ),
        (
            ("calibrate", "model", "c.csv", "--out", "c.json"),
            "--out was given. It is for data",
        ),
        (("decide", "absent.json", "0.5"), "there is no file 'absent.json'"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_words(words, message, likewise, tmp_path):
    comparisons(tmp_path / "c.csv", pairs=60)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.toml").write_text("")
    (tmp_path / "d.html").mkdir()
    code, out, err = likewise(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert not (tmp_path / "c.json").exists()
    assert not (tmp_path / "evaluation-c.html").exists()


def test_data_too_few_for_folds_are_calibrated_and_said_to_be_unmeasured(likewise, tmp_path):
    given = PrecomputedComparisons.of([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], [*"aaaa"], [*"bcde"])
    made = calibrate_precomputed(given, fitting=Fitting("logistic"))
    assert made.folds == 0
    assert "the largest group, that of 'a', holds 4 of the 4 pairs" in made.unmeasured.lower()
    assert all(point.test is None for point in made.calibration.points)
    save_calibration(made, tmp_path / "c.json")
    code, said, _ = likewise("decide", tmp_path / "c.json", "0.15")
    assert (code, said.splitlines()[0]) == (0, "undecided")


def test_a_calibration_comes_back_as_it_was_saved(tmp_path):
    given = PrecomputedEmbeddings.of(
        np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) // 2, "manhattan"
    )
    made = calibrate_precomputed(
        given, folds=2, fitting=Fitting("logistic", DecisionRequest(costs=(10.0, 1.0)))
    )
    path = tmp_path / "c.json"
    save_calibration(made, path)
    measure, found = load_calibration(path)
    assert measure == "manhattan"
    assert found == made.calibration
    assert "cost=10:1" in {point.name for point in found.points}


def test_files_that_are_no_single_calibration(tmp_path):
    path = tmp_path / "c.json"
    with pytest.raises(SourceNotFound, match=r"there is no file"):
        load_calibration(path)
    path.write_text(json.dumps([1, 2]))
    with pytest.raises(DamagedModel, match=r"c.json is no calibration"):
        load_calibration(path)
    given = PrecomputedComparisons.of([1, 0] * 10, np.arange(20) / 20)
    one = calibrate_precomputed(given, folds=2, fitting=Fitting("logistic")).calibration
    path.write_bytes(to_json({"default": one, "default/distance": one}))
    with pytest.raises(DamagedModel, match=r"holds 2 calibrations \(default, default/distance\)"):
        load_calibration(path)
    with pytest.raises(BadArgument, match=r"is a folder"):
        check_calibration_path(_folder(tmp_path / "d.json"))


def _folder(path):
    path.mkdir()
    return path


def test_equal_distances_are_told_by_name(likewise, tmp_path):
    rows = [f"a{i},b{i},{i % 2},0.5" for i in range(40)]
    path = tmp_path / "c.csv"
    path.write_text("\n".join(["id1,id2,same,distance", *rows]) + "\n")
    code, said, err = likewise("evaluate", path)
    assert code == 0, err
    assert "all distances are equal, so that nothing can be told apart" in said
    assert "all distances are equal" not in likewise("evaluate", comparisons(path))[1]


def test_what_is_not_there_is_said_to_be_missing(likewise, tmp_path):
    code, _, err = likewise("evaluate", f"{tmp_path}/absent/")
    assert code == 2
    assert "there is no file and no folder" in err
