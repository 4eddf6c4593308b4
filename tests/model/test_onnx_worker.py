"""A graph in a process of its own gives the same, and is ended where it takes too long."""

import copy
import json
import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import likewise as house
from likewise.errors import DamagedModel
from likewise.model import onnx_session
from likewise.model.onnx_session import OnnxSession
from likewise.model.onnx_worker import ApartSession, session_of
from tests.hostile import onnx_files
from tests.model.test_onnx_session import PICTURES, made

GOLDEN = Path(__file__).parents[1] / "golden"
FACES = GOLDEN / "data" / "strangers"


def test_it_gives_the_same_as_here_to_many_threads():
    data = onnx_files.encoder().SerializeToString()
    here, apart = OnnxSession(data, "It"), ApartSession(data, "It")
    assert (here.inputs, here.outputs) == (apart.inputs, apart.outputs)
    expected = here.run("embedding", PICTURES)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: apart.run("embedding", PICTURES), range(20)):
            np.testing.assert_array_equal(found, expected)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_that_takes_too_long_is_ended_and_the_next_run_works(monkeypatch):
    monkeypatch.setattr(onnx_session, "PATIENCE_SECONDS", 0.3)
    slow = ApartSession(made("product of many matrices"), "The encoder in m")
    pid = slow._process.pid
    started = time.monotonic()
    with pytest.raises(DamagedModel, match="The encoder in m did not come to an end within 1 sec"):
        slow.run("embedding", PICTURES)
    assert time.monotonic() - started < 5
    assert not alive(pid)
    with pytest.raises(DamagedModel, match="its process was ended"):
        slow.run("embedding", PICTURES)


def test_a_process_that_is_killed_is_told_and_another_is_started():
    data = onnx_files.encoder().SerializeToString()
    apart = ApartSession(data, "It")
    expected = apart.run("embedding", PICTURES)
    apart._process.kill()
    with pytest.raises(DamagedModel, match="It ended the process that it was run in"):
        apart.run("embedding", PICTURES)
    np.testing.assert_array_equal(apart.run("embedding", PICTURES), expected)


def test_what_cannot_be_loaded_or_run_is_told_as_here():
    with pytest.raises(DamagedModel) as here:
        OnnxSession(b"nothing", "It")
    with pytest.raises(DamagedModel) as apart:
        ApartSession(b"nothing", "It")
    assert str(here.value) == str(apart.value)
    graph = ApartSession(onnx_files.encoder().SerializeToString(), "It")
    with pytest.raises(DamagedModel, match="It cannot run"):
        graph.run("embedding", {"inputs": np.zeros((1, 2, 3, 4), np.float32)})


def test_no_process_outlives_its_session():
    apart = ApartSession(onnx_files.encoder().SerializeToString(), "It")
    pid = apart._process.pid
    assert alive(pid)
    del apart
    assert not alive(pid)


@pytest.mark.parametrize("name", ["images", "series"])
def test_a_model_apart_decides_the_same(name):
    here, apart = house.load(GOLDEN / name), house.load(GOLDEN / name, apart=True)
    items = [FACES / "glyph1050" / "0.png", FACES / "glyph1051" / "0.png"]
    if name == "series":
        items = [GOLDEN / "data" / "waves" / "a.npy", GOLDEN / "data" / "waves" / "c.npy"]
    for comparator in ("distance", "matcher"):
        one, other = (house.verify(model, *items, comparator=comparator) for model in (here, apart))
        assert one.to_dict() == other.to_dict()
    for sent in (pickle.loads(pickle.dumps(apart)), copy.deepcopy(apart)):
        assert sent._apart
        assert house.verify(sent, *items).to_dict() == house.verify(here, *items).to_dict()


def test_the_environment_asks_for_it(monkeypatch):
    data = onnx_files.encoder().SerializeToString()
    monkeypatch.setenv("LIKEWISE_APART", "1")
    assert isinstance(session_of(data, "It", single=False, apart=False), ApartSession)
    monkeypatch.setenv("LIKEWISE_APART", "0")
    assert isinstance(session_of(data, "It", single=False, apart=False), OnnxSession)
    words = ["verify", "images", FACES / "glyph1050" / "0.png", FACES / "glyph1050" / "1.png"]
    said = []
    for value in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-m", "likewise", *map(str, words), "--json"],
            cwd=GOLDEN,
            env={**os.environ, "LIKEWISE_APART": value},
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(json.loads(done.stdout))
    assert said[0] == said[1]
