"""What the system refuses is said in one sentence, and is never taken for an answer.

Every command is run with standard output full, closed and unable to write every letter, with few
file handles and with little memory: it may do its job, or exit 2; no traceback, no answer's code.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

import likewise
from likewise.cli import app

GOLDEN = Path(__file__).parents[1] / "golden"
FACES = "data/strangers/glyph1050"
COMMANDS = {
    "train": ["train", "data/strangers", "--out", "new", "--set", "steps=2", "--seed", "1"],
    "tune": ["tune", "data/strangers", "--out", "t.toml", "--budget", "12s"],
    "audit": ["audit", "data/strangers", "--quick"],
    "verify": ["verify", "images", f"{FACES}/0.png", f"{FACES}/1.png", "--exit-code"],
    "decide": ["decide", "calibration.json", "0.31", "--exit-code"],
    "evaluate": ["evaluate", "images", "data/strangers"],
    "calibrate": ["calibrate", "data/comparisons.csv", "--out", "new.json"],
    "monitor": ["monitor", "images", "data/strangers", "--exit-code"],
    "embed": ["embed", "images", "data/strangers", "--out", "e.npz"],
    "dedupe": ["dedupe", "images", "data/strangers", "--comparator", "distance"],
    "enrol": ["enrol", "images", "new.db", "data/strangers"],
    "identify": ["identify", "images", "people.db", f"{FACES}/0.png", "--exit-code"],
    "search": ["search", "images", "people.db", f"{FACES}/0.png"],
    "gallery": ["gallery", "list", "people.db"],
    "wrap": [
        "wrap",
        "images/encoders/main.onnx",
        "--out",
        "w",
        "--transform",
        "image(size=16)",
        "--output",
        "embedding",
    ],
    "data": ["data"],
    "list": ["list", "images"],
}
# Where they get too little memory, scipy's and torch's own libraries wait for ever, or crash.
NO_MEMORY_TEST = {"train", "tune", "evaluate", "calibrate", "monitor"}
ANSWERS = {10, 11, 12}


def limited(kind: int, most: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (most, most))


CONDITIONS: dict[str, dict[str, object]] = {
    "full": {"shell": ">/dev/full"},
    "closed": {"shell": ">&-"},
    "ascii": {"environment": {"PYTHONIOENCODING": "ascii"}},
    "cp1252": {"environment": {"PYTHONIOENCODING": "cp1252"}},
    "handles": {"preexec": limited(resource.RLIMIT_NOFILE, 11)},
    "memory": {"preexec": limited(resource.RLIMIT_AS, 700 * 2**20)},
}


@pytest.fixture
def place(tmp_path) -> Path:
    folder = tmp_path / "golden"
    shutil.copytree(GOLDEN, folder)
    return folder


def run(place: Path, words: list[str], condition: str) -> subprocess.CompletedProcess[str]:
    how = CONDITIONS[condition]
    environment = {
        **os.environ,
        "LIKEWISE_CHECK_SHAPES": "0",
        "PYTHONPATH": str(Path(likewise.__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **how.get("environment", {}),
    }
    line = [sys.executable, "-m", "likewise", *words]
    if "shell" in how:
        line = ["sh", "-c", f'"$@" {how["shell"]}', "sh", *line]
    return subprocess.run(
        line,
        cwd=place,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=300,
        preexec_fn=how.get("preexec"),
    )


def judge(done: subprocess.CompletedProcess[str], condition: str) -> None:
    said = done.stderr
    assert "Traceback" not in said, said
    if condition in {"full", "closed"}:
        assert done.returncode == 2, (done.returncode, said)
        lines = [one for one in said.splitlines() if one.startswith("likewise: ")]
        assert len(lines) == 1, said
        assert re.search("standard output (is closed|could not be written)|disk is full", lines[0])
    elif condition in {"ascii", "cp1252"}:
        assert done.returncode in {0, *ANSWERS}, (done.returncode, said)
    else:
        assert done.returncode in {0, 2, *ANSWERS}, (done.returncode, said)
        if done.returncode == 2:
            assert re.search("^likewise: ", said, re.MULTILINE), said


def test_every_command_is_tried():
    assert set(COMMANDS) == set(typer.main.get_command(app).commands)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("name", ["verify", "identify", "gallery"])
def test_a_quick_command(name, condition, place):
    judge(run(place, COMMANDS[name], condition), condition)


@pytest.mark.slow
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command(name, condition, place):
    if condition == "memory" and name in NO_MEMORY_TEST:
        pytest.skip("scipy or torch, which it loads, waits or crashes without memory")
    judge(run(place, COMMANDS[name], condition), condition)


def test_names_of_every_script_are_printed_somehow(place):
    import likewise as house

    probe = place / FACES / "0.png"
    with house.Gallery(place / "people.db", place / "images") as people:
        faces = np.stack([np.asarray(Image.open(probe))] * 2)
        embedded = house.embed(place / "images", (faces, ["名前", "é"]))
        people.enrol(embedded, ids=["名前/0", "é/0"])
    done = run(place, ["search", "images", "people.db", f"{FACES}/0.png"], "cp1252")
    assert done.returncode == 0
    assert "\\u540d\\u524d/0" in done.stdout


def test_few_lines_of_many_are_read_in_silence(place):
    line = f"{sys.executable} -m likewise gallery list people.db | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(Path(likewise.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode not in ANSWERS
