"""What a large batch costs in memory and time, whole and in chunks.

    python -m benchmarks.chunks --batch 4096 --chunk 256

Each row is a process of its own that takes one step of `supcon` over random images: a batch of the
size of a chunk, the large batch in chunks, and the large batch whole. Peak memory is that of the
process, less what it held before the step.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import torch

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.distances.cosine import Cosine
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.loop.chunks import embedded_in_chunks
from likewise.learn.losses import FAMILY as LOSSES
from likewise.learn.network.network import Network
from likewise.types import Form, InputShape, Labels


def peak_mb() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def step(encoder: str, size: int, batch: int, chunk: int) -> None:
    """One step, and what it took, as JSON."""
    torch.manual_seed(0)
    shape = InputShape(Form.IMAGES, 1, size, size)
    network = Network(ENCODERS.build(encoder, shape=shape), normalize=True).train()
    loss = LOSSES.build("supcon", distance=Cosine())
    images = torch.rand(batch, 1, size, size)
    labels = Labels(torch.arange(batch) // 4)
    loss(network(images[:8]), Labels(labels.labels[:8])).backward()
    network.zero_grad()
    before, started = peak_mb(), time.perf_counter()
    loss(embedded_in_chunks(network, images, None, chunk), labels).backward()
    seconds = time.perf_counter() - started
    print(json.dumps({"mb": peak_mb() - before, "seconds": seconds}))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default="resnet")
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--chunk", type=int, default=256)
    parser.add_argument("--step", nargs=2, type=int, help="one row, in this process")
    given = parser.parse_args()
    if given.step:
        step(given.encoder, given.size, *given.step)
        return
    print(machine_line())
    results.note(f"{given.encoder}, {given.size}x{given.size}")
    rows = ((given.chunk, 0), (given.batch, given.chunk), (given.batch, 0))
    for batch, chunk in rows:
        words = [sys.executable, "-m", "benchmarks.chunks", "--encoder", given.encoder]
        words += ["--size", str(given.size), "--step", str(batch), str(chunk)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        peak, took = round(found["mb"]), round(found["seconds"], 2)
        cells = {"batch": batch, "in chunks of": chunk or "(whole)"}
        results.row("", {**cells, "peak memory of a step, MB": peak, "seconds": took})


if __name__ == "__main__":
    results.run("chunks", main)
