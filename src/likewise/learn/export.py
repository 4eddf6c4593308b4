"""From a trained network to ONNX, and the proof that both give the same."""

import contextlib
import io
import logging
import warnings

import numpy as np
import torch

from likewise.errors import TrainingError
from likewise.learn.network import Network
from likewise.shapes import Array, Float
from likewise.types import InputShape, Kind

TOLERANCE = 1e-4


def export(network: Network, shape: InputShape) -> bytes:
    """Export a network to ONNX with free batch and time axes.

    The graph takes `inputs` (and `lengths`, int64, for sequences) and gives `embedding`. It is
    run by ONNX Runtime beside torch on batches of several sizes before it is handed over.

    Raises:
        TrainingError: If the two differ by more than 1e-4.
    """
    network = network.to("cpu").eval()
    inputs, lengths = _random_batch(shape, rows=3, steps=17, seed=0)
    batch = torch.export.Dim("batch", min=1)
    dynamic: tuple[dict[int, torch.export.Dim], ...]
    if shape.kind is Kind.SEQUENCE:
        arguments: tuple[torch.Tensor, ...] = (torch.from_numpy(inputs), torch.from_numpy(lengths))
        dynamic = ({0: batch, 1: torch.export.Dim("time", min=1)}, {0: batch})
        names = ["inputs", "lengths"]
    else:
        arguments = (torch.from_numpy(inputs),)
        dynamic = ({0: batch},)
        names = ["inputs"]
    # The exporter talks on every channel; what matters of it is compared below.
    _forget_lstm_kernel()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),
    ):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            arguments,
            dynamo=True,
            dynamic_shapes=dynamic,
            input_names=names,
            output_names=["embedding"],
            verbose=False,
        )
    assert program is not None  # noqa: S101 - the dynamo exporter always returns one
    exported: bytes = program.model_proto.SerializeToString()
    _compare(network, exported, shape)
    return exported


def _forget_lstm_kernel() -> None:
    """Let the exporter find its own decomposition of an LSTM again.

    It registers one that keeps the time axis free, but torch (2.13 at least) remembers the kernel
    that ran last: after any other export in this process the axis was fixed at the example's
    length. Where this private cache is absent, `_compare` still refuses a fixed axis.
    """
    cache = getattr(torch.ops.aten.lstm.input, "_dispatch_cache", None)
    if cache is not None:
        cache.clear()


def _compare(network: Network, exported: bytes, shape: InputShape) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    for seed, (rows, steps) in enumerate([(1, 5), (2, 16), (7, 33)]):
        inputs, lengths = _random_batch(shape, rows=rows, steps=steps, seed=seed)
        feed = {"inputs": inputs}
        with torch.no_grad():
            if shape.kind is Kind.SEQUENCE:
                feed["lengths"] = lengths
                ours = network(torch.from_numpy(inputs), torch.from_numpy(lengths))
            else:
                ours = network(torch.from_numpy(inputs))
        try:
            (theirs,) = session.run(["embedding"], feed)
        except Exception as error:  # ONNX Runtime's errors share no public base class
            raise TrainingError(
                f"The exported encoder does not run on {rows} items of {steps} steps ({error}): "
                "the exporter fixed an axis. Choose another encoder, or another version of torch."
            ) from error
        scale = max(1.0, float(np.abs(theirs).max()))
        off = float(np.abs(ours.numpy() - theirs).max()) / scale
        if not off <= TOLERANCE:
            raise TrainingError(
                f"The exported encoder differs from torch by {off:.2g}, and at most {TOLERANCE} "
                "is expected. Training diverged, or the encoder holds an operation that does not "
                "export: try a smaller learning rate."
            )


def _random_batch(
    shape: InputShape, *, rows: int, steps: int, seed: int
) -> tuple[Float[Array, "n ..."], Array]:
    random = np.random.default_rng(seed)
    size: tuple[int, ...] = (rows, steps, shape.channels)
    if shape.height is not None and shape.width is not None:
        size = (rows, shape.channels, shape.height, shape.width)
    lengths = random.integers(max(1, steps // 2), steps + 1, rows).astype(np.int64)
    lengths[0] = steps
    return random.normal(size=size).astype(np.float32), lengths
