"""Graphs run within bounds of memory and of time."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from likewise.errors import DamagedModel
from likewise.model import onnx_session
from likewise.model.folder import save_model
from likewise.model.onnx_encoder import OnnxEncoder
from likewise.model.onnx_session import OnnxSession
from likewise.types import Form, InputShape
from tests.hostile import onnx_files
from tests.processes import answer_of

PICTURES = {"inputs": np.random.default_rng(0).random((3, 1, 16, 16)).astype(np.float32)}
SHAPE = InputShape(Form.IMAGES, 1, 16, 16)


def made(name: str) -> bytes:
    return next(data for n, data in onnx_files.as_bytes(onnx_files.giants()) if n == name)


def test_it_says_what_it_takes_and_gives() -> None:
    found = OnnxSession(onnx_files.encoder().SerializeToString(), "It")
    assert found.inputs == {"inputs": ("tensor(float)", ["batch", 1, 16, 16])}
    assert found.outputs == {"embedding": ("tensor(float)", ["batch", 64])}
    embedding = found.run("embedding", PICTURES)
    expected = PICTURES["inputs"].mean((1, 2, 3))[:, None] * np.linspace(0.1, 1, 64)
    np.testing.assert_allclose(embedding, expected, rtol=1e-5)


def test_many_threads_may_run_it() -> None:
    found = OnnxSession(onnx_files.encoder().SerializeToString(), "It", single=True)
    expected = found.run("embedding", PICTURES)
    with ThreadPoolExecutor(8) as pool:
        for embedding in pool.map(lambda _: found.run("embedding", PICTURES), range(200)):
            np.testing.assert_array_equal(embedding, expected)


def test_a_run_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_session, "PATIENCE_SECONDS", 0.2)
    slow = OnnxSession(made("product of many matrices"), "The encoder in m")
    start = time.monotonic()
    with pytest.raises(DamagedModel, match="The encoder in m did not come to an end within 1 sec"):
        slow.run("embedding", PICTURES)
    assert time.monotonic() - start < 5
    end = time.monotonic() + 20
    while any(thread.name == "likewise-run" for thread in threading.enumerate()):
        assert time.monotonic() < end, "the run was not told to stop"
        time.sleep(0.05)


def test_memory_is_bounded() -> None:
    program = f"""
import json, resource
from likewise.model import onnx_session
onnx_session.memory_bytes = lambda: 512 << 20
from likewise.errors import OutOfMemory
import numpy as np
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
data = bytes.fromhex({made("expand").hex()!r})
large = onnx_session.OnnxSession(data, "The encoder in m")
before = peak()
try:
    large.run("embedding", {{"inputs": np.zeros((3, 1, 16, 16), np.float32)}})
except OutOfMemory as error:
    print(json.dumps([str(error), peak() - before]))
"""
    words, grown = answer_of(program)
    assert words.startswith("The encoder in m needs more memory than there is, or than half of")
    assert grown < 300


def test_nothing_is_computed_while_it_is_loaded() -> None:
    # The product of constant matrices would be folded into one when the graph is loaded.
    square = np.ones((1, 1), np.float32)
    nodes = [
        onnx_files.node("Expand", ["square", "n"], ["large"]),
        onnx_files.node("MatMul", ["large", "large"], ["product"]),
        onnx_files.node("ReduceSum", ["product"], ["total"], keepdims=0),
    ]
    weights = {"square": square, "n": [6000, 6000]}
    data = onnx_files.encoder(nodes, weights, extra="total").SerializeToString()
    start = time.monotonic()
    OnnxSession(data, "It")
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("case", [*onnx_files.interfaces()], ids=lambda case: case[0])
def test_an_encoder_takes_and_gives_what_the_transform_says(case) -> None:
    name, model = case
    if name in ("embedding declared: free", "embedding of twice the length"):
        pytest.skip("ONNX Runtime finds the true length by itself")
    with pytest.raises(DamagedModel, match=r"^The encoder in m (takes|gave|cannot be loaded)"):
        OnnxEncoder(model.SerializeToString(), SHAPE, "The encoder in m").run(
            PICTURES["inputs"], None
        )


@pytest.mark.slow
def test_the_command_ends_though_a_run_does_not(image_model, drawings, tmp_path) -> None:
    folder = tmp_path / "model"
    files = {role: image_model.read(role) for role in image_model.manifest.files}
    save_model(
        folder,
        inputs={"main": "image"},
        claim=image_model.manifest.claim,
        distance=image_model.manifest.distance,
        files={**files, "encoder.main": made("product of large matrices")},
    )
    item = str(next(drawings.rglob("*.png")))
    program = (
        "import sys; from likewise.model import onnx_session; onnx_session.PATIENCE_SECONDS = 0.2; "
        f"sys.argv = ['likewise', 'verify', {str(folder)!r}, {item!r}, {item!r}, '--json']; "
        "from likewise.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["error"] == "DamagedModel"
    assert not done.stderr
