"""Shapes are checked at run time in every test; two small models are trained once."""

import os
import signal

# A suite that was started in the background, and what it starts, would ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["LIKEWISE_CHECK_SHAPES"] = "1"
# The networks here are tiny: two threads wait for each other longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from jaxtyping import install_import_hook

import tests.typechecker  # noqa: F401 - the hook names it

install_import_hook("likewise", "tests.typechecker.check")

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import shared

IDENTITIES, EACH = 95, 6


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Trace each architecture once a run, but for tests of the exporter itself."""
    export = sys.modules.get("likewise.learn.network.export")
    if export is None:  # this test, and those before it, learn nothing
        return
    from tests import exports

    if not hasattr(export, "_exported_anew"):
        export._exported_anew = export._exported
        factory = item.config._tmp_path_factory
        traced = shared.folder_of(factory) / "traced"
        export._exported_once = exports.shared(export._exported, traced)
    anew = item.get_closest_marker("exported_anew") is not None
    export._exported = export._exported_anew if anew else export._exported_once


def glyphs(folder: Path, *, first: int = 0, count: int = IDENTITIES, each: int = EACH) -> Path:
    """A folder of drawings: an identity is four strokes, an item of it the strokes shaken."""
    for identity in range(first, first + count):
        strokes = np.random.default_rng(identity).uniform(3, 21, size=(4, 4))
        place = folder / f"group{identity % 3}" / f"glyph{identity:03}"
        place.mkdir(parents=True)
        for item in range(each):
            shake = np.random.default_rng([identity, item]).normal(0, 0.8, size=(4, 4))
            page = np.full((24, 24), 255, dtype=np.uint8)
            for x0, y0, x1, y1 in strokes + shake:
                t = np.linspace(0, 1, 40)
                x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
                page[y.round().clip(0, 23).astype(int), x.round().clip(0, 23).astype(int)] = 0
            Image.fromarray(page).save(place / f"{item}.png")
    return folder


def graded_glyphs(place: Path, *, first: int) -> Path:
    """A table of pairs of drawings of 260 identities, graded by what they show, with some noise."""
    glyphs(place, first=first, count=260, each=2)
    folders = sorted({path.parent for path in place.rglob("*.png")})
    random = np.random.default_rng(0)
    lines = ["first,second,grade"]
    for one, other in zip(folders[::2], folders[1::2], strict=True):
        mine, theirs = sorted(one.glob("*.png")), sorted(other.glob("*.png"))
        lines += [
            f"{mine[0]},{mine[1]},{5 - random.integers(0, 3) / 2}",
            f"{mine[0]},{theirs[0]},{random.integers(0, 4) / 2}",
        ]
    table = place / "graded.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def waves(*, first: int = 0, count: int = 40, each: int = 8) -> tuple[list[np.ndarray], np.ndarray]:
    """Series of two channels and unequal lengths: an identity is two frequencies and a phase."""
    series, names = [], []
    for identity in range(first, first + count):
        rates = np.random.default_rng(identity).uniform(0.1, 1.2, size=3)
        for item in range(each):
            random = np.random.default_rng([identity, item])
            t = np.arange(random.integers(24, 40))[:, None]
            clean = np.sin(rates[:2] * t + 3 * rates[2])
            series.append((clean + 0.1 * random.normal(size=clean.shape)).astype(np.float32))
            names.append(f"wave{identity}")
    return series, np.array(names)


def pictures(page: Path) -> int:
    """How many pictures of items a report shows (its scripts may hold some of their own)."""
    return re.sub(r"<script>.*?</script>", "", page.read_text(), flags=re.DOTALL).count("<img")


@pytest.fixture(scope="session")
def drawings(tmp_path_factory) -> Path:
    """The folder that the image model learned from."""
    return glyphs(tmp_path_factory.mktemp("data") / "drawings")


@pytest.fixture(scope="session")
def strangers(tmp_path_factory) -> Path:
    """Drawings of identities that the image model never saw."""
    return glyphs(tmp_path_factory.mktemp("data") / "strangers", first=1000, count=25)


@pytest.fixture(scope="session")
def image_experiment(drawings, tmp_path_factory):
    from likewise.learn.experiment import run_experiment
    from likewise.recipe.recipe import Recipe

    recipe = Recipe().with_settings(
        [
            f"source=folder({str(drawings)!r})",
            "transform=image(size=16, invert=True)",
            "encoder=convnet4(width=16)",
            "augmentations=affine",
            "sampler=classes_by_items(classes=10, items=4)",
            "epochs=12",
        ]
    )
    return shared.experiment(
        tmp_path_factory, "images", lambda out: run_experiment(recipe, out=out)
    )


@pytest.fixture(scope="session")
def image_model(image_experiment):
    return image_experiment.model


@pytest.fixture(scope="session")
def series_experiment(tmp_path_factory):
    from likewise.learn.experiment import run_experiment
    from likewise.recipe.recipe import Recipe
    from likewise.sources.arrays import Arrays

    series, names = waves()
    recipe = Recipe.for_kind("series").with_settings(
        [
            "encoder=lstm(hidden=16)",
            "sampler=classes_by_items(classes=8, items=4)",
            "epochs=20",
            "learning_rate=0.005",
        ]
    )
    source = Arrays.of(series, names, namespace="waves")
    return shared.experiment(
        tmp_path_factory, "series", lambda out: run_experiment(recipe, source, out=out)
    )


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL with pgvector; it waits for no disk."""
    from tests.postgres import QUICK, started

    with started(*QUICK) as server:
        yield server


@pytest.fixture
def likewise(monkeypatch, capsys):
    """Run a command in this process: (exit code, standard output, standard error)."""
    from likewise import cli
    from likewise.cli import main

    # A run that another test gave up may be at work yet, and would end this process.
    monkeypatch.setattr(cli, "_leave", sys.exit)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["likewise", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def likewise_json(likewise):
    """The same with --json: the one object that it prints."""

    def run(*words: object) -> dict[str, object]:
        code, out, _ = likewise(*words, "--json")
        lines = out.strip().splitlines()
        assert len(lines) == 1, (code, out)
        answer = json.loads(lines[0])
        # A listing is keyed by names; every other answer says of which form it is.
        assert code or words[0] in {"list", "data"} or answer.pop("schema") == 1
        answer.pop("schema", None)
        return {"exit": code, **answer}

    return run
