"""A graph in ONNX, run by ONNX Runtime within bounds of memory and of time.

A graph may come from a stranger. `onnx_check` refuses what no encoder needs; what it cannot know is
how large the tensors become while the graph runs, and how long that takes. Therefore all graphs of
a process share one arena of memory that cannot grow beyond half of the machine's; nothing is
computed while a graph is loaded; and a run that takes too long is given up: ONNX Runtime is told to
stop, which it does when the operator at work is done, and the caller hears of it at once.
"""

import queue
import re
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from likewise.errors import DamagedModel, OutOfMemory
from likewise.io.bounded import memory_bytes
from likewise.io.cores import cores, in_pool
from likewise.io.display import printable, shortened
from likewise.io.onnx_runtime import onnxruntime
from likewise.model.onnx_check import check_onnx
from likewise.shapes import Array

MEMORY_SHARE = 0.5
PATIENCE_SECONDS = 30.0
SLOWEST_VALUES_A_SECOND = 1000.0
"""A run may take `PATIENCE_SECONDS`, and so much longer the more numbers it is given."""


class OnnxSession:
    """A graph in ONNX, loaded and ready to run.

    Args:
        data: The bytes of the file.
        what: What it is, for errors: `The encoder in model`.
        single: Whether it is run by several threads at once, each on one core.

    Attributes:
        inputs: Name → type and shape of what it takes; an axis of any length is no number.
        outputs: Name → type and shape of what it gives.

    Raises:
        DamagedModel: If it is no graph of ONNX operators and weights that can be loaded.
    """

    def __init__(self, data: bytes, what: str, *, single: bool = False) -> None:
        check_onnx(data, what)
        self.what = what
        _share_arena()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.add_session_config_entry("session.use_env_allocators", "1")
        if single:
            options.intra_op_num_threads = 1
        elif in_pool():
            options.intra_op_num_threads = cores()
        try:
            self._session = onnxruntime.InferenceSession(
                data,
                sess_options=options,
                providers=["CPUExecutionProvider"],
                # It would run operators at once, and without bounds.
                disabled_optimizers=["ConstantFolding"],
                # It prints what went wrong, and tries the same once more.
                enable_fallback=0,
            )
            self.inputs = _axes(self._session.get_inputs())
            self.outputs = _axes(self._session.get_outputs())
        except Exception as error:  # ONNX Runtime's errors share no public base class
            raise DamagedModel(
                f"{what} cannot be loaded ({shortened(error, 300)}). Restore the model."
            ) from error

    def run(self, output: str, feed: Mapping[str, Array]) -> Array:
        """One output for these inputs; see `run_all`."""
        return self.run_all([output], feed)[0]

    def run_all(self, outputs: Sequence[str], feed: Mapping[str, Array]) -> list[Array]:
        """Some outputs for these inputs, in one run.

        Args:
            outputs: Their names.
            feed: Name → array of every input.

        Raises:
            OutOfMemory: If there is not enough memory for it.
            DamagedModel: If it cannot run, or takes too long.
        """
        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        answers: queue.SimpleQueue[list[Array] | Exception] = queue.SimpleQueue()

        def work() -> None:
            try:
                answers.put(self._session.run(list(outputs), dict(feed), options))
            except Exception as error:  # noqa: BLE001 - handed to the caller
                answers.put(error)

        values = sum(array.size for array in feed.values())
        seconds = PATIENCE_SECONDS + values / SLOWEST_VALUES_A_SECOND
        # In a thread of its own, since an operator at work cannot be interrupted. It is no pool's,
        # since those are waited for when the process ends.
        threading.Thread(target=work, name="likewise-run", daemon=True).start()
        try:
            answer = answers.get(timeout=seconds)
        except queue.Empty:
            raise DamagedModel(
                f"{self.what} did not come to an end within {seconds:.0f} seconds. Give smaller "
                "items, or restore the model."
            ) from None
        finally:
            options.terminate = True
        if isinstance(answer, Exception):
            if re.search("bad_alloc|llocate memory|BFCArena", str(answer)):
                raise OutOfMemory(
                    f"{self.what} needs more memory than there is, or than half of the machine's. "
                    "Give fewer or smaller items, or restore the model."
                ) from answer
            raise DamagedModel(
                f"{self.what} cannot run ({shortened(answer, 300)}). Restore the model."
            ) from answer
        return answer


def _axes(nodes: Sequence[Any]) -> dict[str, tuple[str, list[int | str | None]]]:
    return {printable(one.name): (one.type, list(one.shape)) for one in nodes}


@cache
def _share_arena() -> None:
    """Give this process one arena of bounded memory, which all its graphs share."""
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    bounds = onnxruntime.OrtArenaCfg({"max_mem": int(memory_bytes() * MEMORY_SHARE)})
    onnxruntime.create_and_register_allocator(place, bounds)
