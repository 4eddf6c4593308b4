"""Embedding files from disk, beside bare decoding and bare ONNX Runtime on the same cores.

python -m benchmarks.embedding --encoder convnet4 --encoder resnet

For each encoder (untrained: speed does not depend on the weights) these alternate, item for item:

decode  the files are read and decoded by the threads of `embed`, and nothing else
onnx    ONNX Runtime as it comes, on batches of 64 that are in memory as its input
single  the same, in as many threads as there are cores, one core and 16 items a run: as embed does
embed   what `likewise embed` does, from files to vectors

The ratio is embed's items a second over those of the slower of `decode` and `onnx`; the median of
the rounds is the figure. Then the peak memory of whole processes that embed 1,000 and 13,000 files.

The files are LFW's 96x96 JPEG, unpacked from the folder that LIKEWISE_DATA names.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.data.loader import CHUNK_ITEMS, decode, worked
from likewise.io.cores import cores
from likewise.learn.encoders import FAMILY as ENCODERS
from likewise.learn.network.export import export_network
from likewise.learn.network.network import Network
from likewise.model import Model, save_model
from likewise.model.transform_text import dump_transform
from likewise.registry import Spec
from likewise.shapes import Array
from likewise.sources.folder import Folder
from likewise.transforms.image import ImageTransform
from likewise.types import Claim, Items

STATE = {"mean": [0.45, 0.4, 0.35], "std": [0.25, 0.25, 0.25]}
IMAGE = ImageTransform(96, color=True, state=STATE)
BATCH = 64
# What wait4 tells of a child begins at what its parent held, so the child looks for itself.
PEAK = """
import pathlib, re
from likewise.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
status = pathlib.Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+([0-9]+) kB", status)[1])
"""


def untrained(folder: Path, encoder: str) -> Model:
    """A model whose encoder has learned nothing."""
    network = Network(ENCODERS.build(encoder, shape=IMAGE.shape), normalize=False)
    save_model(
        folder,
        inputs={"main": "image"},
        claim=Claim.NEW_IDENTITIES,
        distance="euclidean",
        files={
            "recipe": b"",
            "transform": dump_transform(str(Spec("image", (96,), {"color": True})), STATE),
            "encoder.main": export_network(network, IMAGE.shape),
            "weights": b"",
            "trained_on": b"{}",
        },
    )
    return Model(folder)


def rates(model: Model, items: Items, rounds: int) -> dict[str, list[float]]:
    """Items a second of each way, round by round."""
    decoded = [one for chunk in worked(items, lambda c: list(decode(IMAGE, c))) for one in chunk]
    inputs = IMAGE.finish(np.stack(decoded))
    bare = onnxruntime.InferenceSession(
        model.read("encoder.main"), providers=["CPUExecutionProvider"]
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    single = onnxruntime.InferenceSession(
        model.read("encoder.main"), options, providers=["CPUExecutionProvider"]
    )

    def parts(size: int) -> list[Array]:
        return [inputs[start : start + size] for start in range(0, len(inputs), size)]

    def run_decode() -> None:
        for _ in worked(items, lambda chunk: list(decode(IMAGE, chunk))):
            pass

    def run_onnx() -> None:
        for part in parts(BATCH):
            bare.run(["embedding"], {"inputs": part})

    def run_single() -> None:
        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(lambda p: single.run(["embedding"], {"inputs": p}), parts(CHUNK_ITEMS)))

    def run_embed() -> None:
        for _ in model.blocks(items):
            pass

    ways: dict[str, Callable[[], None]] = {
        "decode": run_decode,
        "onnx": run_onnx,
        "single": run_single,
        "embed": run_embed,
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            if number:  # the first round warms up
                found[name].append(len(items) / (time.perf_counter() - started))
    return found


def peak_bytes(model: Path, source: Path, out: Path) -> int:
    """The most memory that a process of `likewise embed` held, read by itself at its end."""
    words = ["embed", str(model), str(source), "--out", str(out), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *words], check=True, capture_output=True, text=True
    )
    return int(done.stdout.split()[-1]) * 1024


def unpacked(folder: Path) -> Path:
    """LFW's faces as files."""
    with zipfile.ZipFile(Path(os.environ["LIKEWISE_DATA"]) / "lfw_deepfunneled_96.zip") as archive:
        archive.extractall(folder)
    return next(folder.glob("*/lfw-deepfunneled"))


def first_files(whole: Path, count: int, folder: Path) -> Path:
    """A folder of the first files of another."""
    for path in sorted(whole.glob("*/*.jpg"))[:count]:
        place = folder / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return folder


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", action="append", help="spec; convnet4 and resnet if left out")
    parser.add_argument("--items", type=int, default=2000, help="files a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-memory", action="store_true", help="leave the second table out")
    asked = parser.parse_args()
    print(machine_line())
    results.note(
        f"onnxruntime {onnxruntime.__version__}, {asked.items} files, {asked.rounds} rounds"
    )
    with tempfile.TemporaryDirectory(prefix="likewise-") as place:
        room = Path(place)
        faces = unpacked(room / "lfw")
        items = Folder(str(faces)).items()
        models = {}
        for number, encoder in enumerate(asked.encoder or ["convnet4", "resnet"]):
            model = models[encoder] = untrained(room / f"model{number}", encoder)
            found = rates(model, items.take(np.arange(asked.items)), asked.rounds)
            cells: dict[str, results.Cell] = {"encoder": encoder}
            for name, values in found.items():
                cells[f"{name}/s"] = round(statistics.median(values))
            for other, name in (("onnx", "ratio"), ("single", "to single")):
                rounds = zip(found["embed"], found["decode"], found[other], strict=True)
                ratios = [embed / min(slower) for embed, *slower in rounds]
                low, high = min(ratios), max(ratios)
                cells[name] = f"{statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})"
            results.row("", cells)
        if asked.no_memory:
            return
        few = first_files(faces, 1000, room / "few")
        for encoder, model in models.items():
            for count, source in ((1000, few), (len(items), faces)):
                peak = peak_bytes(model.folder, source, room / "e.npz")
                cells = {"encoder": encoder, "files": count, "peak MB": round(peak / 1e6)}
                results.row("Memory of likewise embed", cells)


if __name__ == "__main__":
    results.run("embedding", main)
