"""Python and the command line are two doors to one room: the same recipe, weights and numbers."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import likewise as house
from likewise.cli.text.output import as_json_line
from likewise.errors import (
    BadArgument,
    Leak,
    NoReference,
    RecipeError,
    SourceNotFound,
    UnknownName,
)
from likewise.learn.loop.checkpoint import checkpoint_path
from likewise.model.model import Model
from likewise.recipe.recipe import Recipe
from likewise.recipe.start import Start
from tests.conftest import glyphs, waves

STEPS = 3
SMALL = {
    "image": ["encoder=convnet4(width=8)", "transform=image(size=16, invert=True)"],
    "series": ["encoder=lstm(hidden=8)"],
    "vector": ["encoder=mlp(hidden=8)"],
    "pairs": ["encoder=convnet4(width=8)", "transform=image(size=16, invert=True)"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> dict[str, str]:
    """A source of each kind, as a path."""
    folder = tmp_path_factory.mktemp("doors")
    images = glyphs(folder / "images", count=60, each=4)
    series, names = waves(count=60, each=4)
    padded = np.zeros((len(series), 40, 2), np.float32)
    for row, one in enumerate(series):
        padded[row, : len(one)] = one
    lengths = [len(one) for one in series]
    np.savez(folder / "waves.npz", items=padded, identities=names, lengths=lengths)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(60, 1, 6)) + random.normal(scale=0.2, size=(60, 4, 6))
    who = np.repeat([f"v{one}" for one in range(60)], 4)
    np.savez(folder / "vectors.npz", items=vectors.reshape(240, 6), identities=who, kind="vector")
    folders = sorted({path.parent for path in images.rglob("*.png")})
    lines = ["first,second,same"]
    for one, other in zip(folders[::2], folders[1::2], strict=True):
        mine, theirs = sorted(one.glob("*.png")), sorted(other.glob("*.png"))
        lines += [f"{mine[0]},{mine[1]},1", f"{mine[0]},{theirs[0]},0"]
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n")
    return {
        "image": str(images),
        "series": str(folder / "waves.npz"),
        "vector": str(folder / "vectors.npz"),
        "pairs": str(folder / "pairs.csv"),
    }


def files_of(model: Path) -> dict[str, bytes]:
    """What a model is made of, by role; the training curve holds times and is left out."""
    loaded = Model(model)
    roles = set(loaded.manifest.files) - {"training", "trained_on"}
    return {role: loaded.read(role) for role in roles}


@pytest.mark.parametrize("kind", SMALL)
def test_both_doors_make_the_same_model_and_measure_the_same(kind, data, tmp_path, likewise):
    # Else each door measures for itself which precision is faster just now.
    settings = [*SMALL[kind], f"steps={STEPS}", "precision=float32"]
    trained = house.train(data[kind], out=tmp_path / "python", settings=settings, seed=1)
    words = [word for one in settings for word in ("--set", one)]
    code, out, err = likewise(
        "train", data[kind], "--out", tmp_path / "shell", "--seed", "1", *words, "--json"
    )
    assert code == 0, err
    assert files_of(tmp_path / "python") == files_of(tmp_path / "shell")
    assert json.loads(out) == json.loads(as_json_line(trained.evaluation))
    pages = [(tmp_path / door / "report.html").read_text() for door in ("python", "shell")]
    assert len(pages[0]) > 10_000
    assert abs(len(pages[0]) - len(pages[1])) < 200  # times and paths
    assert trained.recipe.seed == 1
    assert list(trained.seconds) == ["reading", "audit", "training", "export", "measuring"]
    assert trained.recipe == Recipe.from_toml((tmp_path / "shell" / "recipe.toml").read_text())


def test_a_budget_picks_the_preset_that_the_command_line_picks(tmp_path, monkeypatch):
    from likewise.learn.progress import Progress

    started: list[Start] = []

    class Enough(Exception):
        """The recipe is known, and nothing need be trained."""

    def kept(self, start) -> None:
        started.append(start)
        raise Enough

    monkeypatch.setattr(Progress, "recipe", kept)
    for given in ("2min", 120, 120.0):
        with pytest.raises(Enough):
            house.train("characters", out=tmp_path / "m", budget=given)
    assert started[0].recipe == started[1].recipe == started[2].recipe
    assert started[0].recipe.budget_seconds == 120
    assert started[0].told.startswith("drawings (")
    assert "136 identities, 120 s" in started[0].told
    with pytest.raises(Enough):
        house.train("characters", out=tmp_path / "m", recipe="plain")
    assert started[-1].told == ""


def test_items_from_python_are_trained_as_those_of_a_file(data, tmp_path):
    with np.load(data["vector"]) as held:
        items, names = held["items"], held["identities"]
    settings = [*SMALL["vector"], f"steps={STEPS}"]
    trained = house.train((items, names), out=tmp_path / "a", kind="vector", settings=settings)
    assert trained.recipe.source == ""
    assert trained.recipe.encoder == "mlp(hidden=8)"
    again = house.train(data["vector"], out=tmp_path / "b", settings=settings)
    weights = [Model(tmp_path / name).read("weights") for name in "ab"]
    assert weights[0] == weights[1]
    ours, theirs = (json.loads(as_json_line(one.evaluation)) for one in (trained, again))
    assert ours["verification"] == theirs["verification"]


def test_a_recipe_is_followed_as_it_is(data, tmp_path):
    whole = Recipe.for_kind("image").with_fields({"source": f"folder({data['image']!r})"})
    whole = whole.with_settings([*SMALL["image"], f"steps={STEPS}"])
    trained = house.train(whole, out=tmp_path / "model")
    assert trained.recipe.with_fields({"precision": "auto"}) == whole


def test_what_cannot_be_followed_is_refused_before_anything_is_read(tmp_path):
    out = tmp_path / "model"
    with pytest.raises(SourceNotFound, match=r"no file or folder 'nothere'"):
        house.train("nothere", out=out)
    with pytest.raises(SourceNotFound, match="No source was given"):
        house.train(out=out)
    with pytest.raises(BadArgument, match="an int"):
        house.train(5, out=out)
    with pytest.raises(UnknownName, match=r"no field of a recipe is named .lss."):
        house.train("characters", out=out, lss="triplet")
    with pytest.raises(RecipeError, match="'soon' is no duration"):
        house.train("characters", out=out, budget="soon")
    assert not out.exists()


PROGRAM = """
import sys, likewise
made = likewise.train(sys.argv[1], out=sys.argv[2], budget=120, checkpoint_seconds=0.2,
                      audit=False, progress=True, settings=sys.argv[3:])
print(made.stopped, len(made.epochs) > 0, likewise.load(sys.argv[2]).dim, flush=True)
"""


def test_ctrl_c_in_python_gives_the_best_model_so_far(data, tmp_path):
    out = tmp_path / "model"
    environment = {k: v for k, v in os.environ.items() if k != "LIKEWISE_CHECK_SHAPES"}
    words = [sys.executable, "-c", PROGRAM, data["vector"], str(out), *SMALL["vector"]]
    process = subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    kept = checkpoint_path(out)
    until = time.monotonic() + 120
    while not kept.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said, told = process.communicate(timeout=120)
    assert said == "True True 64\n", told
    assert kept.exists()
    assert f"Stopped; {kept} holds all that is needed to go on (--resume, resume=True)." in told
    assert "took      reading " in told


def test_progress_is_shown_where_it_is_asked_for(image_model, strangers, capsys):
    for wanted, shown in ((None, False), (False, False), (True, True)):
        house.embed(image_model, strangers, progress=wanted)
        assert ("embedding: 150 of 150 items" in capsys.readouterr().err) == shown
    counted = []
    house.embed(image_model, strangers, progress=lambda done, total: counted.append((done, total)))
    assert counted[-1] == (150, 150)
    assert capsys.readouterr().err == ""


def test_folds_by_both_doors(data, tmp_path, likewise, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = [*SMALL["vector"], f"steps={STEPS}"]
    found = house.cross_validate(data["vector"], folds=2, settings=settings)
    words = [word for one in settings for word in ("--set", one)]
    code, out, err = likewise("evaluate", data["vector"], "--folds", "2", *words, "--json")
    assert code in {0, 2}, err
    if code == 0:
        said = json.loads(out)
        assert said == json.loads(as_json_line(found))


def test_a_private_model_keeps_no_names_and_no_references(data, tmp_path, likewise):
    settings = [*SMALL["vector"], f"steps={STEPS}", "precision=float32"]
    trained = house.train(data["vector"], out=tmp_path / "m", settings=settings, private=True)
    model = trained.model
    assert "reference" not in model.manifest.files
    assert model.trained_on.is_private
    assert not any(model.trained_on.identities.values())
    assert any(model.trained_on.items.values())
    for path in (tmp_path / "m").rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0
            assert not any(f"v{one}".encode() in path.read_bytes().split(b'"') for one in range(60))
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o700
    card = (tmp_path / "m" / "card.md").read_text(encoding="utf-8")
    assert "## What this folder reveals" in card
    with pytest.raises(NoReference, match="trained with --private"):
        house.monitor(model, data["vector"])
    # What it learned from is noticed by the items.
    with pytest.raises(Leak, match="items"):
        house.evaluate(model, data["vector"])
    code, out, err = likewise("evaluate", tmp_path / "m", data["vector"], "--allow-overlap")
    assert code == 0, err
    assert "keeps no names" in out


def test_a_repeat_from_the_models_own_recipe_has_the_same_weights(data, tmp_path):
    settings = [*SMALL["vector"], f"steps={STEPS}"]
    first = house.train(data["vector"], out=tmp_path / "first", settings=settings)
    # What `auto` took is written, whatever it would take at another hour.
    assert first.recipe.precision in {"float32", "bf16"}
    house.train(tmp_path / "first" / "recipe.toml", out=tmp_path / "second")
    assert files_of(tmp_path / "first") == files_of(tmp_path / "second")
