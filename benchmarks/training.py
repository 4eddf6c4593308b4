"""What the house costs: items a second of training beside a bare torch loop, and peak memory.

    python -m benchmarks.training --rounds 5 --seconds 10

Both train the same encoder on the same batches with the same loss and optimiser, in turns in one
run. The bare loop finds its batches ready as tensors in memory, and keeps no averaged weights; the
other is `train` as a user calls it, without and with an augmentation. Peak memory is that of a
whole `likewise train omniglot` in a process of its own. Needs LIKEWISE_DATA.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import machine_line
from likewise.distances.cosine import Cosine
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.losses import FAMILY as LOSSES
from likewise.learn.network import Network
from likewise.learn.training import train
from likewise.recipe import Recipe
from likewise.types import InputShape, Kind, Labels

CLASSES, ITEMS, SIZE = 32, 4, 28


def bare(encoder: str, bf16: bool) -> Callable[[float], float]:
    """A plain loop; call it with seconds for its items a second."""
    torch.manual_seed(0)
    shape = InputShape(Kind.IMAGE, 1, SIZE, SIZE)
    network = Network(ENCODERS.build(encoder, shape=shape), unit=True)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = LOSSES.build("supcon", distance=Cosine())
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.001, foreach=True)
    count = CLASSES * ITEMS
    images = torch.rand(64, count, 1, SIZE, SIZE)
    labels = torch.arange(CLASSES).repeat_interleave(ITEMS)

    def run(seconds: float) -> float:
        network.train()
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                embeddings = network(images[done % 64])
            cost = loss(embeddings.float(), Labels(labels))
            optimizer.zero_grad(set_to_none=True)
            cost.backward()
            optimizer.step()
            done += 1
        return done * count / (time.perf_counter() - started)

    return run


def ours(encoder: str, bf16: bool, augmentations: tuple[str, ...]) -> Callable[[float], float]:
    """`train` as a user calls it; call it with seconds for its items a second."""

    def run(seconds: float) -> float:
        recipe = Recipe(
            source="omniglot('small1')",
            transform=f"image(size={SIZE}, invert=True)",
            encoder=encoder,
            distance="cosine",
            loss="supcon",
            sampler=f"classes_by_items(classes={CLASSES}, items={ITEMS})",
            augmentations=augmentations,
            precision="bf16" if bf16 else "float32",
            # The bare loop validates nothing, so neither does this one.
            shares={"train": 0.8, "calibrate": 0.1, "test": 0.1},
            budget_seconds=seconds,
        )
        made = train(recipe)
        started = time.perf_counter()
        seen = 0
        for _ in made:
            pass
        seen = made.epochs[-1].steps * CLASSES * ITEMS
        made.data.close()
        return seen / (time.perf_counter() - started)

    return run


def peak_memory() -> float:
    """Peak resident memory of a train on all of Omniglot, in MB."""
    with tempfile.TemporaryDirectory() as place:
        words = ["train", "omniglot('all')", "--out", str(Path(place) / "model")]
        words += ["--transform", "image(size=28, invert=True)", "--epochs", "1"]
        script = "import sys; from likewise.cli import main; main()"
        done = subprocess.run([sys.executable, "-c", script, *words], check=False)
        if done.returncode:
            raise SystemExit("the training failed")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--encoders", nargs="*", default=["convnet4", "resnet"])
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--memory", action="store_true", help="peak memory too")
    given = parser.parse_args()
    print(machine_line())
    for encoder in given.encoders:
        runs = {
            "bare loop": bare(encoder, given.bf16),
            "likewise": ours(encoder, given.bf16, ()),
            "likewise, with affine": ours(encoder, given.bf16, ("affine",)),
        }
        paces: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(given.rounds):
            for name, run in runs.items():
                paces[name].append(run(given.seconds))
        for name, found in paces.items():
            ratios = np.array(found) / np.array(paces["bare loop"])
            print(
                f"{encoder:<10} {name:<22} {np.median(found):>7.0f} items/s, "
                f"{np.median(ratios):.3f} of the bare loop ({ratios.min():.3f} to "
                f"{ratios.max():.3f})",
                flush=True,
            )
    if given.memory:
        print(f"peak memory of a train on all of Omniglot: {peak_memory():.0f} MB")


if __name__ == "__main__":
    main()
