"""A graph in a process of its own, which can be ended: ONNX Runtime stops only between operators.

The two speak over pipes: a header in JSON, led by its length, and then the bytes of the arrays that
it names. Nothing else is read from the other process, and no pickle.
"""

import contextlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import IO, Any, final

import numpy as np

from likewise.errors import DamagedModel, LikewiseError, OutOfMemory
from likewise.model import onnx_session
from likewise.model.onnx_session import OnnxSession
from likewise.shapes import Array

VARIABLE = "LIKEWISE_APART"
"""Set to 1, every model is run in a process of its own."""
_LENGTH = struct.Struct("<Q")
_LARGEST_HEADER = 2**20
_START_SECONDS = 60.0
_ERRORS = {"DamagedModel": DamagedModel, "OutOfMemory": OutOfMemory}


def is_wanted() -> bool:
    """Whether the environment asks for processes of their own."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def session_of(
    data: bytes, what: str, *, single: bool, apart: bool
) -> "OnnxSession | ApartSession":
    """A graph ready to run, here or in a process of its own."""
    if apart or is_wanted():
        return ApartSession(data, what, single=single)
    return OnnxSession(data, what, single=single)


@final
class ApartSession:
    """A graph that runs in another process; see `OnnxSession`, which it is used as.

    Threads wait for one another. A run that takes too long ends with its process; the next run
    starts another.

    Args:
        data: The bytes of the file.
        what: What it is, for errors.
        single: Whether it is run on one core.

    Raises:
        DamagedModel: If it is no graph that can be loaded.
    """

    def __init__(self, data: bytes, what: str, *, single: bool = False) -> None:
        self.what = what
        self._data, self._single = data, single
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[tuple[dict[str, Any], list[Array]] | None]
        self._end: weakref.finalize[..., Any] | None = None
        with self._lock:
            header, _ = self._started()
        self.inputs = {name: (kind, axes) for name, kind, axes in header["inputs"]}
        self.outputs = {name: (kind, axes) for name, kind, axes in header["outputs"]}

    def _started(self) -> tuple[dict[str, Any], list[Array]]:
        """Start the process, and return what the graph takes and gives."""
        process = subprocess.Popen(
            [sys.executable, "-m", "likewise.model.onnx_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._process, self._answers = process, queue.SimpleQueue()
        self._end = weakref.finalize(self, _ended, process)
        reader = threading.Thread(target=_listened, args=(process, self._answers), daemon=True)
        reader.start()
        graph = np.frombuffer(self._data, dtype=np.uint8)
        return self._asked({"what": self.what, "single": self._single}, [graph], _START_SECONDS)

    def _asked(
        self, header: Mapping[str, object], arrays: Sequence[Array], seconds: float
    ) -> tuple[dict[str, Any], list[Array]]:
        process = self._process
        assert process is not None  # noqa: S101 - it was started
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            # Without an answer to write to, a process that was ended breaks the pipe.
            with contextlib.suppress(BrokenPipeError):
                _write(process.stdin, header, arrays)
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self._stop()
            raise DamagedModel(
                f"{self.what} did not come to an end within {seconds:.0f} seconds, and its process "
                "was ended. Give smaller items, or restore the model."
            ) from None
        if answer is None:
            self._stop()
            raise DamagedModel(
                f"{self.what} ended the process that it was run in. Give smaller items, or restore "
                "the model."
            )
        said, found = answer
        if "error" in said:
            raise _ERRORS.get(said["error"], DamagedModel)(str(said["message"]))
        return said, found

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and self._end is not None:
            self._end()

    def run(self, output: str, feed: Mapping[str, Array]) -> Array:
        """One output for these inputs; see `run_all`."""
        return self.run_all([output], feed)[0]

    def run_all(self, outputs: Sequence[str], feed: Mapping[str, Array]) -> list[Array]:
        """Some outputs for these inputs, in one run; see `OnnxSession.run_all`."""
        values = sum(array.size for array in feed.values())
        seconds = onnx_session.PATIENCE_SECONDS + values / onnx_session.SLOWEST_VALUES_A_SECOND
        with self._lock:
            if self._process is None:
                self._started()
            header = {"outputs": list(outputs), "names": list(feed)}
            return self._asked(header, list(feed.values()), seconds)[1]


def _ended(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _listened(
    process: "subprocess.Popen[bytes]",
    answers: "queue.SimpleQueue[tuple[dict[str, Any], list[Array]] | None]",
) -> None:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    with contextlib.suppress(OSError, ValueError, EOFError):
        while True:
            answers.put(_read(process.stdout))
    answers.put(None)


def _write(pipe: IO[bytes], header: Mapping[str, object], arrays: Sequence[Array]) -> None:
    plain = [np.ascontiguousarray(array) for array in arrays]
    shapes = [[array.dtype.str, list(array.shape)] for array in plain]
    text = json.dumps({**header, "arrays": shapes}).encode()
    pipe.write(_LENGTH.pack(len(text)) + text)
    for array in plain:
        pipe.write(array.tobytes())
    pipe.flush()


def _read(pipe: IO[bytes]) -> tuple[dict[str, Any], list[Array]]:
    """The next message.

    Raises:
        EOFError: If there is none.
        ValueError: If it is no message.
    """
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    if length > _LARGEST_HEADER:
        raise ValueError("no header is so long")
    header = json.loads(_exactly(pipe, length))
    arrays = []
    for name, shape in header.pop("arrays"):
        dtype = np.dtype(name)
        if dtype.hasobject:
            raise ValueError("an array of objects")
        data = _exactly(pipe, dtype.itemsize * int(np.prod(shape, dtype=np.int64)))
        arrays.append(np.frombuffer(data, dtype).reshape(shape))
    return header, arrays


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data


def serve() -> None:
    """Load the graph that the other process sends, and run it as often as that asks."""
    taken, given = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a library prints must not come between the answers.
    os.dup2(2, 1)
    graph: OnnxSession | None = None
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            header, arrays = _read(taken)
            try:
                if graph is None:
                    data = arrays[0].tobytes()
                    graph = OnnxSession(data, header["what"], single=header["single"])
                    axes = [
                        [[name, kind, sizes] for name, (kind, sizes) in some.items()]
                        for some in (graph.inputs, graph.outputs)
                    ]
                    _write(given, {"inputs": axes[0], "outputs": axes[1]}, [])
                    continue
                feed = dict(zip(header["names"], arrays, strict=True))
                _write(given, {}, graph.run_all(header["outputs"], feed))
            except LikewiseError as error:
                _write(given, {"error": type(error).__name__, "message": str(error)}, [])


if __name__ == "__main__":
    serve()
