"""The command line, in one process and as whole processes."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likewise.cli.text.rates import rate_words
from likewise.registry import families
from tests.conftest import pictures


def one(folder, name="glyph1000", item=0):
    return next(Path(folder).glob(f"*/{name}/{item}.png"))


def test_help_names_every_command(likewise):
    code, out, _ = likewise("--help")
    assert code == 0
    for command in ("train", "verify", "evaluate", "embed", "list"):
        assert command in out
        code, page, _ = likewise(command, "--help")
        assert code == 0
        assert f"Examples:\n  likewise {command}" in page


def test_list_shows_every_component(likewise, likewise_json):
    code, out, _ = likewise("list")
    assert code == 0
    listed = likewise_json("list")
    for name, family in families().items():
        assert [c["name"] for c in listed[name]] == family.names()
        for component in family.names():
            assert f"  {family.describe(component).signature}\n" in out
    code, out, _ = likewise("list", "losses")
    assert "triplet(margin" in out
    assert "convnet4" not in out
    code, _, err = likewise("list", "loses")
    assert code == 2
    assert "Did you mean 'losses'" in err


def test_verify_prints_what_a_decision_needs(likewise, image_model, strangers):
    code, out, _ = likewise("verify", image_model.folder, one(strangers), one(strangers, item=1))
    assert code == 0
    assert out.split("\n")[0] in ("same", "different")
    for word in (
        "distance",
        "threshold",
        "fitted for FAR",
        "where 0.5 of all pairs",
        "95% interval",
        "identities never trained on",
    ):
        assert word in out, word


def test_verify_prints_the_rates_of_the_test_identities(likewise, image_model, strangers):
    """Not those on which the threshold was fitted, which are as a rule lower."""
    code, out, _ = likewise(
        "verify", image_model.folder, one(strangers), one(strangers, item=1), "--far", 0.05
    )
    assert code == 0
    calibration = image_model.calibrations["default"]
    (point,) = [point for point in calibration.points if point.name == "far=0.05"]
    assert point.test is not None
    assert point.test.far != point.calibrate.far
    assert f"FAR          {rate_words(point.test.far, 'identities')}" in out
    assert f"FRR          {rate_words(point.test.frr, 'identities')}" in out
    assert f"measured on identities never trained on ({point.test.far.units})" in out


def test_verify_json_and_exit_codes(likewise, likewise_json, image_model, strangers):
    first = one(strangers)
    found = likewise_json("verify", image_model.folder, first, first, "--exit-code")
    assert (found["exit"], found["verdict"], found["distance"]) == (0, "same", 0.0)
    assert found["point"]["test"]["far"]["trials"] > 0
    apart = max(
        (likewise_json("verify", image_model.folder, first, other, "--exit-code")
         for other in strangers.glob("*/*/0.png")),
        key=lambda d: d["distance"],
    )  # fmt: skip
    assert (apart["exit"], apart["verdict"]) == (10, "different")
    low = likewise_json("verify", image_model.folder, first, first, "--prior", "0.001")
    assert low["probability"] < found["probability"]


def test_few_identities_are_undecided(likewise, tmp_path, strangers):
    few = tmp_path / "few"
    for index, place in enumerate(sorted(strangers.glob("*/*"))[:12]):
        target = few / f"p{index}"
        target.mkdir(parents=True)
        for item in place.glob("*.png"):
            (target / item.name).write_bytes(item.read_bytes())
    code, out, err = likewise("train", few, "--encoder", "convnet4(width=4)", "--epochs", "1",
                              "--transform", "image(size=8)", "--out", tmp_path / "m")  # fmt: skip
    assert code == 0, err
    assert "not supported" in out
    code, out, _ = likewise(
        "verify", tmp_path / "m", few / "p0/0.png", few / "p1/0.png", "--exit-code"
    )
    assert code == 11
    assert "undecided" in out
    assert "unsupported: It needs at least 10 identities" in out
    assert "FAR " not in out
    code, _, err = likewise("verify", tmp_path / "m", few / "p0/0.png", few / "p1/0.png",
                            "--far", "0.01")  # fmt: skip
    assert code == 2
    assert "UnsupportedRate" in err


def test_evaluate_writes_the_report(likewise, likewise_json, image_model, strangers, tmp_path):
    page = tmp_path / "r.html"
    code, out, _ = likewise("evaluate", image_model.folder, strangers, "--report", page)
    assert code == 0
    assert "one-shot accuracy" in out
    assert "  The promise of FAR 0.05 is " in out
    assert "The promise of FAR 0.05 is " in page.read_text(encoding="utf-8")
    assert pictures(page) >= 2
    found = likewise_json(
        "evaluate", image_model.folder, strangers, "--report", page, "--no-examples"
    )
    assert found["verification"]["identities"] == 25
    promise = found["verification"]["promises"]["far=0.05"]
    assert promise["target"] == 0.05
    assert promise["low"] < promise["calibrate"] < promise["high"]
    assert promise["kept"] == (promise["low"] <= promise["test"] <= promise["high"])
    assert pictures(page) == 0


def test_embed_writes_vectors(likewise, image_model, strangers, tmp_path):
    target = tmp_path / "e.npz"
    packed = tmp_path / "strangers.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in strangers.rglob("*.png"):
            archive.write(path, Path("strangers") / path.relative_to(strangers))
    code, _, _ = likewise("embed", image_model.folder, strangers, "--out", target)
    assert code == 0
    with np.load(target) as data:
        plain = {key: data[key] for key in data}
    assert plain["vectors"].shape == (150, 64)
    assert str(plain["fingerprint"]) == image_model.fingerprint
    code, _, _ = likewise("embed", image_model.folder, packed, "--out", target)
    with np.load(target) as data:
        np.testing.assert_array_equal(data["vectors"], plain["vectors"])
        np.testing.assert_array_equal(data["identities"], plain["identities"])
    code, _, err = likewise("embed", image_model.folder, packed, "--out", tmp_path / "e.txt")
    assert code == 2
    assert ".npz" in err


def test_train_from_a_recipe_and_with_settings(likewise, image_experiment, tmp_path):
    recipe = image_experiment.model.folder / "recipe.toml"
    out = tmp_path / "again"
    code, text, err = likewise("train", recipe, "--out", out, "--set", "epochs=2", "--no-examples")
    assert code == 0, err
    assert "verify uses this" in text
    assert "epochs = 2" in (out / "recipe.toml").read_text()
    assert pictures(out / "report.html") == 0
    assert "\r" not in err  # no bar where there is no terminal


BAD = [
    (("train", "{none}", "--out", "{out}"), "SourceNotFound", "no file or folder"),
    (("train", "{empty}", "--out", "{out}"), "EmptySource", "empty"),
    (("train", "{one}", "--out", "{out}"), "SplitError", "one identity|1 identit"),
    (("train", "{singles}", "--out", "{out}"), "SplitError", "single item|one item|two items"),
    (("train", "characters", "--loss", "triplett", "--out", "{out}"), "UnknownName", "'triplet'"),
    (("train", "characters", "--set", "loss.margn=1", "--out", "{out}"), "UnknownName", "'margin'"),
    (("train", "characters", "--encoder", "lstm", "--out", "{out}"), "BadArgument", "series"),
    (("train", "charcters", "--out", "{out}"), "SourceNotFound", "did you mean 'characters'"),
    (("train", "characters", "--budget", "soon", "--out", "{out}"), "RecipeError", "2min"),
    (("train", "characters", "--out", "{full}"), "ModelExists", "overwrite|empty"),
    (("train", "{none}.toml", "--out", "{out}"), "SourceNotFound", "cannot be read"),
    (("verify", "{none}", "a.png", "b.png"), "ModelNotFound", "no model|no such|is no"),
    (("verify", "{model}", "{none}", "{none}"), "SourceNotFound", "no file"),
    (("verify", "{model}", "{text}", "{text}"), "UnreadableItem", "notes.png"),
    (("verify", "{model}", "{picture}", "{picture}", "--far", "0.02"), "UnsupportedRate", "0.02"),
    (("verify", "{model}", "{picture}", "{picture}", "--prior", "1"), "BadArgument", "prior"),
    (("evaluate", "{model}", "{drawings}"), "Leak", "allow-overlap"),
    (("evaluate", "{model}", "{empty}"), "EmptySource", "empty"),
    (("embed", "{model}", "{picture}", "--out", "{out}"), "BadArgument|DamagedSource", "npz|zip"),
]


@pytest.mark.parametrize(("words", "kind", "message"), BAD)
def test_bad_input_is_refused_by_name(
    words, kind, message, likewise, likewise_json, image_model, drawings, strangers, tmp_path
):
    places = {name: tmp_path / name for name in ("none", "out", "empty", "one", "singles", "full")}
    for name in ("empty", "one", "singles", "full"):
        places[name].mkdir()
    picture = one(strangers)
    (places["full"] / "thesis.doc").write_text("mine")
    (places["one"] / "ann").mkdir()
    for index in range(4):
        (places["one"] / "ann" / f"{index}.png").write_bytes(picture.read_bytes())
        (places["singles"] / f"p{index}").mkdir()
        (places["singles"] / f"p{index}" / "a.png").write_bytes(picture.read_bytes())
    places |= {"model": image_model.folder, "picture": picture, "drawings": drawings}
    places["text"] = tmp_path / "notes.png"
    places["text"].write_text("not a picture")
    filled = [word.format(**places) for word in words]
    before = sorted(tmp_path.rglob("*"))
    code, out, err = likewise(*filled)
    import re

    assert code == 2
    assert out == ""
    assert re.search(f"likewise: ({kind}): .*({message})", err, re.DOTALL), err
    found = likewise_json(*filled)
    assert found["exit"] == 2
    assert re.fullmatch(kind, found["error"])
    assert sorted(tmp_path.rglob("*")) == before  # nothing half-written is left


def test_unreadable_items_are_named_and_counted(likewise, strangers, image_model, tmp_path):
    mixed = tmp_path / "mixed"
    for place in strangers.glob("*/*"):
        target = mixed / place.name
        target.mkdir(parents=True)
        for item in place.glob("*.png"):
            (target / item.name).write_bytes(item.read_bytes())
    good = one(strangers).read_bytes()
    (mixed / "glyph1000" / "cut.png").write_bytes(good[: len(good) // 2])
    (mixed / "glyph1001" / "page.png").write_text("hello")
    (mixed / "glyph1002" / "none.jpg").write_bytes(b"")
    code, out, _ = likewise("evaluate", image_model.folder, mixed, "--report", tmp_path / "r.html")
    assert code == 0
    assert "3 items failed to read" in out
    for name in ("cut.png", "page.png", "none.jpg"):
        assert name in out
        assert name in (tmp_path / "r.html").read_text()
    code, _, err = likewise("evaluate", image_model.folder, mixed, "--strict")
    assert code == 2
    assert "UnreadableItem" in err


def test_as_a_whole_process(image_model, strangers):
    command = [sys.executable, "-m", "likewise", "verify", str(image_model.folder)]
    done = subprocess.run(
        [*command, str(one(strangers)), str(one(strangers)), "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["verdict"] == "same"
    assert done.stderr == ""
    version = subprocess.run(
        [sys.executable, "-m", "likewise", "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("likewise 0.")


def test_verify_loads_nothing_heavy(image_model, strangers):
    program = (
        "import json, sys\n"
        "from likewise.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    words = ["verify", image_model.folder, one(strangers), one(strangers, item=1)]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(("same", "different"))
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "onnxruntime" in loaded
    heavy = {"torch", "lightning_fabric", "scipy", "sklearn", "pandas", "plotly", "pyarrow", "onnx"}
    assert not heavy & loaded


def test_a_file_that_names_no_format_is_an_item(likewise_json, image_model, strangers, tmp_path):
    bare = tmp_path / "drawing"
    Image.open(one(strangers)).save(bare, format="PNG")
    assert likewise_json("verify", image_model.folder, bare, one(strangers))["distance"] == 0.0
