"""Nothing leaves this machine, and nothing is written but what was asked for.

The README promises it. Each program is watched by strace while it lives, with a home of its own
that is looked at afterwards.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import likewise

GOLDEN = Path(__file__).parent / "golden"
STRACE = shutil.which("strace")
# What asks for an address, or sends to one; a socket of the machine itself leads nowhere.
OUTWARD = re.compile(r"(connect|sendto|sendmsg|sendmmsg|bind)\(.*AF_INET6?\b")
LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"')

USED = """
import time
from likewise import Model, verify, embed
verify(Model({model!r}), {first!r}, {second!r})
time.sleep({seconds})
"""
EARLY = "import onnxruntime\n"
LEARNED = """
import numpy as np, likewise
random = np.random.default_rng(0)
each = random.normal(size=(60, 1, 6)) + random.normal(scale=0.2, size=(60, 4, 6))
who = np.repeat([f"v{one}" for one in range(60)], 4).tolist()
likewise.train((each.reshape(240, 6).astype(np.float32), who), kind="vector", out=OUT,
               settings=["encoder=mlp(hidden=8)", "steps=3"], progress=False)
"""
OTHERS = """
import importlib, time
for name in ("plotly.graph_objects", "optuna", "psycopg", "faiss", "sklearn", "pyarrow", "onnx",
             "pooch", "imagehash", "pandas", "matplotlib.pyplot", "lightning_fabric"):
    try:
        importlib.import_module(name)
    except ImportError:
        pass
time.sleep(2)
"""


def watched(program: str, folder: Path, **more: str) -> tuple[list[str], list[str], str]:
    """What a program asked of the network, the files it left in its home, and what it said."""
    home = folder / "home"
    home.mkdir()
    trace = folder / "trace"
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "PYTHONPATH": str(Path(likewise.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LIKEWISE_CHECK_SHAPES": "0",
        **more,
    }
    watching = [STRACE, "-f", "-qq", "-e", "trace=network", "-o", str(trace)] if STRACE else []
    done = subprocess.run(
        [*watching, sys.executable, "-c", program],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    lines = trace.read_text().splitlines() if STRACE else []
    asked = [one for one in lines if OUTWARD.search(one) and not LOOPBACK.search(one)]
    left = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    return asked, left, done.stderr


def used(seconds: float) -> str:
    faces = GOLDEN / "data" / "strangers"
    first, second = (str(faces / "glyph1050" / f"{number}.png") for number in (0, 1))
    return USED.format(model=str(GOLDEN / "images"), first=first, second=second, seconds=seconds)


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_using_a_model_asks_nothing_of_the_network(tmp_path):
    asked, left, said = watched(used(3), tmp_path)
    assert (asked, left, said) == ([], [], "")


@pytest.mark.slow
@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_a_process_that_lives_on_asks_nothing_of_the_network(tmp_path):
    asked, left, said = watched(used(15), tmp_path)
    assert (asked, left, said) == ([], [], "")


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_where_onnx_runtime_was_imported_before_its_telemetry_is_switched_off(tmp_path):
    asked, _, said = watched(EARLY + used(3), tmp_path)
    assert asked == []
    assert said.count("onnxruntime was imported before likewise") == 1


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_learning_asks_nothing_of_the_network(tmp_path):
    asked, left, _ = watched(LEARNED.replace("OUT", repr(str(tmp_path / "model"))), tmp_path)
    assert (asked, left) == ([], [])


@pytest.mark.slow
@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_what_likewise_stands_on_asks_nothing_of_the_network(tmp_path):
    asked, _, _ = watched(OTHERS, tmp_path, MPLCONFIGDIR=str(tmp_path))
    assert asked == []


def test_the_variable_is_set_unless_somebody_chose(tmp_path):
    program = "import likewise, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    for given, right in (({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")):
        environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment | given,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == right


def test_a_home_that_takes_no_file_is_nothing_to_speak_of(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", used(0)],
        env=environment | {"HOME": "/proc/none"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
