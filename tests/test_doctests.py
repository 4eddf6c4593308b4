"""Every public function, and every family's abstract class, has an example that runs."""

import doctest
import importlib
import shutil
from pathlib import Path

import numpy as np
import pytest

import likewise
from likewise.registry import FAMILIES

GOLDEN = Path(__file__).parent / "golden"
DOORS = [name for name in likewise.__all__ if name != "__version__"]
MORE = (
    "likewise.data.inputs:as_source",
    "likewise.data.item:as_item",
    "likewise.model.opening:as_model",
    "likewise.results.points:Criterion",
    "likewise.results.result:Result",
    "likewise.sklearn.encoder:SiameseEncoder",
    "likewise.sklearn.one_shot:OneShotClassifier",
    "likewise.sklearn.verifier:SiameseVerifier",
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def base_of(package: str) -> str:
    """The abstract class in the `base` of a family."""
    module = importlib.import_module(f"{package}.base")
    own = [
        name
        for name, one in vars(module).items()
        if isinstance(one, type) and one.__module__ == module.__name__
    ]
    assert len(own) == 1, own
    return f"{module.__name__}:{own[0]}"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a model, a gallery and data under the names that the examples use."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(GOLDEN / "images", folder / "model")
    shutil.copytree(GOLDEN / "data" / "strangers", folder / "faces")
    for file in GOLDEN.glob("people.db*"):
        shutil.copy(file, folder)
    shutil.copy(GOLDEN / "calibration.json", folder)
    shutil.copy(GOLDEN / "images" / "encoders" / "main.onnx", folder / "encoder.onnx")
    faces = folder / "faces"
    for name, source in (("a", "glyph1050/0"), ("b", "glyph1050/1"), ("c", "glyph1051/0")):
        shutil.copy(faces / f"{source}.png", folder / f"{name}.png")
    random = np.random.default_rng(0)
    who = np.repeat([f"v{one}" for one in range(60)], 4)
    each = random.normal(size=(60, 1, 6)) + random.normal(scale=0.2, size=(60, 4, 6))
    np.savez(folder / "features.npz", items=each.reshape(240, 6), identities=who, kind="vector")
    return folder


@pytest.mark.parametrize(
    "target",
    [*(f"likewise:{name}" for name in DOORS), *MORE, *FAMILIES.values()],
)
def test_an_example_runs(target, place, tmp_path, monkeypatch):
    target = target if ":" in target else base_of(target)
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name)
    monkeypatch.chdir(shutil.copytree(place, tmp_path / "here"))
    told = doctest.DocTestFinder(recurse=False).find(found, name, globs={name: found})
    examples = [example for one in told for example in one.examples]
    assert [one for one in examples if not one.options.get(doctest.SKIP)], "no example runs"
    lines: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for one in told:
        runner.run(one, out=lines.append)
    assert not runner.failures, "".join(lines)
