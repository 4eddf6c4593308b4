"""Items a second of training beside two other loops, and peak memory.

    python -m benchmarks.training --rounds 5 --seconds 10

All train the same encoder on batches of the same shape with supervised contrastive loss and AdamW,
in turns in one run. The bare loop finds its batches ready as tensors in memory, and keeps no
averaged weights. The loop of pytorch-metric-learning is as its documentation writes it: a data set
that opens its images, a `DataLoader`, `MPerClassSampler`, `SupConLoss`. Likewise is `train` as a
user calls it: in float32 like the other two, with `precision=auto`, and with an augmentation. Peak
memory is that of a whole `likewise train omniglot` in a process of its own. Needs LIKEWISE_DATA.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.machine import machine_line
from benchmarks.other_loops import CLASSES, ITEMS, SIZE, TEMPERATURE, Loop, bare, documented
from likewise.learn.loop.train import begin_run
from likewise.recipe.recipe import Recipe


def ours(encoder: str, precision: str, augmentations: tuple[str, ...] = ()) -> Loop:
    """`train` as a user calls it; call it with seconds for its items a second."""

    def run(seconds: float) -> float:
        recipe = Recipe(
            source="omniglot('small1')",
            transform=f"image(size={SIZE}, invert=True)",
            encoder=encoder,
            distance="cosine",
            loss=f"supcon(temperature={TEMPERATURE})",
            sampler=f"classes_by_items(classes={CLASSES}, items={ITEMS})",
            augmentations=augmentations,
            precision=precision,
            # The other loops validate nothing, so neither does this one.
            fractions={"train": 0.8, "calibrate": 0.1, "test": 0.1},
            budget_seconds=seconds,
        )
        made = begin_run(recipe)
        started = time.perf_counter()
        made.finish()
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


def taken_by_auto(encoder: str) -> str:
    """The precision that `precision=auto` takes here for this encoder."""
    made = begin_run(
        Recipe(
            source="omniglot('small1')",
            transform=f"image(size={SIZE}, invert=True)",
            encoder=encoder,
            loss="supcon",
            distance="cosine",
            sampler=f"classes_by_items(classes={CLASSES}, items={ITEMS})",
            fractions={"train": 0.8, "calibrate": 0.1, "test": 0.1},
            steps=1,
        )
    ).finish()
    made.data.close()
    return made.recipe.precision


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--encoders", nargs="*", default=["convnet4", "resnet"])
    parser.add_argument("--memory", action="store_true", help="peak memory too")
    given = parser.parse_args()
    print(machine_line())
    for encoder in given.encoders:
        table(encoder, given.rounds, given.seconds)
    if given.memory:
        results.note(f"peak memory of a train on all of Omniglot: {peak_memory():.0f} MB")


def table(encoder: str, rounds: int, seconds: float) -> None:
    """Run every loop in turns, and print what each did beside the bare one and the documented."""
    auto = taken_by_auto(encoder)
    with tempfile.TemporaryDirectory() as place:
        runs = {
            "bare loop, float32": bare(encoder),
            "pytorch-metric-learning": documented(encoder, Path(place)),
            "the same, affine": documented(encoder, Path(place), affine=True),
            "likewise, float32": ours(encoder, "float32"),
            "likewise, float32, affine": ours(encoder, "float32", ("affine",)),
        }
        if auto != "float32":
            runs[f"bare loop, {auto}"] = bare(encoder, bf16=True)
            runs[f"likewise, {auto}"] = ours(encoder, auto)
            runs[f"likewise, {auto}, affine"] = ours(encoder, auto, ("affine",))
        paces: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, run in runs.items():
                paces[name].append(run(seconds))
    results.note(f"{encoder}: precision=auto takes {auto}")
    for name, found in paces.items():
        cells: dict[str, results.Cell] = {"loop": name, "items/s": round(float(np.median(found)))}
        bf16 = f"bare loop, {auto}" if auto in name else "bare loop, float32"
        other = "the same, affine" if "affine" in name else "pytorch-metric-learning"
        pairs = {"of the bare loop": bf16, "of pytorch-metric-learning": other}
        for column, against in pairs.items():
            ratios = np.array(found) / np.array(paces[against])
            words = f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"
            cells[column] = f"{words} of {against}"
        results.row(encoder, cells)


if __name__ == "__main__":
    results.run("training", main)
