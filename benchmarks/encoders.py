"""Each encoder with its defaults: its size, what its export is worth, and how fast it is.

    python -m benchmarks.encoders

Images have one channel and the side that is printed, series 3 channels and 100 steps. `agrees` is
the largest difference between torch and ONNX Runtime on a batch of another size than the export
saw, divided by the largest number of the embedding, or by 1 if that is smaller. Times an item are
of the fastest of several batches of 64 (`koch`: 16), on two threads each, the two engines in
turn, torch with its images and weights channels-last, where it is faster. `learns` is forward,
backward and AdamW's step in float32, channels-last too. `--learn` prints that column alone, for
batches of 64 of the sizes given.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import onnxruntime
import torch

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.learn.encoders import FAMILY
from likewise.learn.encoders.base import Encoder
from likewise.learn.network.export import export_network
from likewise.learn.network.network import Network
from likewise.types import Form, InputShape

THREADS = 2
STEPS = 100
SERIES = InputShape(Form.FRAMES, 3)
CASES = [
    *((name, 28) for name in ("convnet4", "resnet", "vgg", "transformer")),
    *((name, 64) for name in ("convnet4", "resnet", "vgg", "transformer")),
    ("koch", 105),
    *((name, 0) for name in ("conv1d", "lstm", "transformer")),
]


def shape_of(side: int) -> InputShape:
    """Square images of a side in pixels; 0 stands for series."""
    return InputShape(Form.IMAGES, 1, side, side) if side else SERIES


def batch_of(shape: InputShape, rows: int) -> tuple[torch.Tensor, ...]:
    """Random items, all series of one length."""
    random = torch.Generator().manual_seed(rows)
    if shape.height is not None and shape.width is not None:
        size = (rows, shape.channels, shape.height, shape.width)
        return (torch.randn(size, generator=random),)
    inputs = torch.randn((rows, STEPS, shape.channels), generator=random)
    return inputs, torch.full((rows,), STEPS)


def fastest(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """The fewest seconds each call took, the calls taking turns."""
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for place, call in enumerate(calls):
            started = time.perf_counter()
            call()
            best[place] = min(best[place], time.perf_counter() - started)
    return best


def learning(spec: str, shape: InputShape, rows: int, rounds: int) -> float:
    """Items a second of forward, backward and the optimiser's step."""
    encoder = built(spec, shape).train()
    lay_out(encoder, shape)
    optimizer = torch.optim.AdamW(encoder.parameters(), foreach=True)
    batch = batch_of(shape, rows)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        encoder(*batch).square().mean().backward()
        optimizer.step()

    return rows / fastest([step], rounds + 2)[0]


def lay_out(module: torch.nn.Module, shape: InputShape) -> None:
    """Put the weights for images channels-last in memory, as training does."""
    if shape.kind == "image":
        module.to(memory_format=torch.channels_last)


def built(spec: str, shape: InputShape) -> Encoder:
    """An encoder with the random weights of seed 0."""
    torch.manual_seed(0)
    return FAMILY.build(spec, shape=shape)


def measured(spec: str, side: int, rounds: int) -> dict[str, results.Cell]:
    """One row of the table."""
    shape = shape_of(side)
    rows = 16 if spec == "koch" else 64
    network = Network(built(spec, shape), normalize=False).eval()
    started = time.perf_counter()
    graph = export_network(network, shape)
    seconds = time.perf_counter() - started
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    batch = batch_of(shape, rows)
    feed = dict(zip(("inputs", "lengths"), (part.numpy() for part in batch), strict=False))
    lay_out(network, shape)
    with torch.inference_mode():
        ours = network(*batch).numpy()
        off = np.abs(session.run(None, feed)[0] - ours).max() / max(1.0, np.abs(ours).max())
        torch_seconds, onnx_seconds = fastest(
            [lambda: network(*batch), lambda: session.run(None, feed)], rounds
        )
    count = sum(parameter.numel() for parameter in network.parameters())
    size = f"{side}x{side}" if side else f"{STEPS} steps"
    return {
        "encoder": spec,
        "input": size,
        "parameters": count,
        "agrees": float(off),
        "export s": seconds,
        "file MB": len(graph) / 1e6,
        "torch ms": 1e3 * torch_seconds / rows,
        "ORT ms": 1e3 * onnx_seconds / rows,
        "learns/s": round(learning(spec, shape, rows, rounds)),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="how often each batch is timed")
    parser.add_argument("--learn", nargs="*", metavar="SPEC", help="only items learned a second")
    parser.add_argument("--sides", type=int, nargs="*", default=[28, 64])
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    print(machine_line())
    if given.learn is not None:
        for side in given.sides:
            for spec in given.learn or ["convnet4", "resnet", "vgg", "transformer"]:
                pace = learning(spec, shape_of(side), 64, given.rounds)
                results.row("", {"encoder": spec, "side": side, "items/s": round(pace)})
        return
    export_network(
        Network(built("convnet4", shape_of(8)), normalize=False), shape_of(8)
    )  # imports the exporter
    for spec, side in CASES:
        results.row("", measured(spec, side, given.rounds))


if __name__ == "__main__":
    results.run("encoders", main)
