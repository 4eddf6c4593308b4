"""Model folders from a stranger are refused by name, or are models; nothing else happens."""

import dataclasses
import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from likewise.model.folder import ROLES, update_model
from likewise.model.model import beside
from tests.hostile import every_folder, folders, onnx_files
from tests.hostile.run_folders import run, snapshot, table


@pytest.fixture(scope="module")
def intact(image_experiment, series_experiment, tmp_path_factory) -> dict[str, Path]:
    """Intact models: of images, of series, and of images with a matcher."""
    place = tmp_path_factory.mktemp("intact")
    made = {}
    for name, experiment in {"images": image_experiment, "series": series_experiment}.items():
        made[name] = place / name
        leave = shutil.ignore_patterns("report.html", "card.md")
        shutil.copytree(experiment.model.folder, made[name], ignore=leave)
    made["matched"] = place / "matched"
    shutil.copytree(made["images"], made["matched"])
    fitted = json.loads((made["images"] / "calibration.json").read_bytes())
    fitted[beside("default")] = fitted["default"]
    files = {
        "matcher": onnx_files.matcher().SerializeToString(),
        "calibration": json.dumps(fitted).encode(),
    }
    update_model(made["matched"], files)
    # Every file under its plain name, as in a model that was saved once.
    for role in files:
        entry = folders.read_manifest(made["matched"]).files[role]
        (made["matched"] / entry.path).rename(made["matched"] / ROLES[role])
    text = folders.read_manifest(made["matched"])
    entries = {role: dataclasses.replace(e, path=ROLES[role]) for role, e in text.files.items()}
    folders.write_manifest(made["matched"], dataclasses.replace(text, files=entries))
    return made


@pytest.fixture
def world(tmp_path) -> Path:
    # As long as the weights that hostile encoders look for in it.
    weights = np.linspace(0.1, 1, onnx_files.DIM, dtype=np.float32)
    (tmp_path / "secret.bin").write_bytes(weights.tobytes())
    (tmp_path / "outside").mkdir()
    return tmp_path


def checked(cases, intact, world, *, pages):
    outside = snapshot(world)
    outcomes = run(cases, intact, world, pages=pages)
    wrong = [
        f"{o.case.sort}, {o.case.name}{' (rehashed)' if o.case.rehashed else ''}: "
        f"{'; '.join(o.problems)}"
        for o in outcomes
        if o.problems
    ]
    assert not wrong, f"{len(wrong)} of {len(outcomes)}:\n" + "\n".join(wrong)
    assert not (world / "canary").exists()
    shutil.rmtree(world / "folders")
    shutil.rmtree(world / "outside")  # where links out lead, which the cases themselves fill
    (world / "outside").mkdir()
    assert snapshot(world) == outside
    return outcomes


def test_one_folder_of_each_sort(intact, world) -> None:
    every = list(every_folder.cases(intact, world))
    once = {(case.sort, case.rehashed): case for case in reversed(every)}
    outcomes = checked(once.values(), intact, world, pages=False)
    assert len(outcomes) >= 25


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_folder(intact, world, capsys) -> None:
    every = list(every_folder.cases(intact, world))
    start = time.monotonic()
    outcomes = checked(every, intact, world, pages=False)
    with capsys.disabled():
        sys.stdout.write(f"\n{table(outcomes)}\n{time.monotonic() - start:.0f} seconds\n")
    assert len(outcomes) >= 200
    assert sum(case.rehashed for case in every) >= len(every) / 2


@pytest.mark.slow
def test_the_report_shows_hostile_words_as_words(intact, world) -> None:
    words = ("recipe", "calibration", "training")
    every = [case for case in every_folder.cases(intact, world) if case.sort in words]
    checked(every, intact, world, pages=True)
