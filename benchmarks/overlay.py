"""What laying images over one another is worth: `dedupe --overlay`, and its promise.

python -m benchmarks.overlay copies   (10,000 photographs of LFW, 2,000 planted copies)
python -m benchmarks.overlay chance --numbers 10 100    (the photographs alone)

`copies`: as `benchmarks.dedupe images`, whose photographs and copies these are: recall by what was
done to a copy, precision and F1 flips aside, at each of the `--numbers` of false pairs expected,
with how many pairs were found that nobody planted.

`chance`: the same photographs, without those that LFW holds twice and without a copy: how many
pairs are found where so many are expected. They are named and drawn on `--sheet`, since some are
of one scene and a moment apart.

Windows, sides and the tail were chosen on the photographs that these leave out: `--held-out` takes
them (the 1,233 that `benchmarks.dedupe images` with 10,000 never reads). Needs LIKEWISE_DATA.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import results
from benchmarks.dedupe import KINDS, judge, plant
from benchmarks.machine import machine_line
from likewise.duplicates.result import Duplicates
from likewise.sources.folder import Folder
from likewise.sources.lfw import Lfw
from likewise.tasks.dedupe import dedupe
from likewise.transforms.image import open_image

READ = 12_000
"""How many photographs `plant` draws to keep 10,000."""


def held_out(folder: Path, planted: int) -> list[tuple[str, str, str]]:
    """The photographs that `plant` never draws, some beside a copy: kind, original and copy."""
    items = Lfw().items()
    rows = np.sort(np.random.default_rng(0).permutation(len(items))[READ:])
    folder.mkdir()
    truth = []
    for number, row in enumerate(rows.tolist()):
        page = open_image(items.read(row), str(items.places[row])).convert("RGB")
        page.save(folder / f"{number:05}.png")
        if number < planted:
            kind = list(KINDS)[number % len(KINDS)]
            KINDS[kind](page).save(folder / f"{number:05}-{kind}.png")
            truth.append((kind, f"{number:05}.png", f"{number:05}-{kind}.png"))
    return truth


def names_of(found: Duplicates) -> list[tuple[str, str]]:
    """The files of each pair."""
    names = [Path(str(place)).name for place in found.places]
    ends = zip(found.first.tolist(), found.second.tolist(), strict=True)
    return [(names[one], names[other]) for one, other in ends]


def draw(folder: Path, pairs: Sequence[tuple[str, str]], sheet: str) -> None:
    """Pairs side by side, eight in a row."""
    page = Image.new("RGB", (8 * 200, 100 * ((len(pairs) + 7) // 8)))
    for at, pair in enumerate(pairs):
        for side, name in enumerate(pair):
            with Image.open(folder / name) as one:
                shown = one.convert("RGB").resize((96, 96))
            page.paste(shown, (at % 8 * 200 + side * 98, at // 8 * 100))
    page.save(sheet)


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("part", choices=["copies", "chance"])
    parser.add_argument("--numbers", type=int, nargs="+", default=[10])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--planted", type=int, default=2000)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--sheet", default="", help="to draw what nobody planted")
    asked = parser.parse_args()
    print(machine_line())
    planted = asked.planted if asked.part == "copies" else 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "photographs"
        chosen = held_out if asked.held_out else partial(plant, count=asked.count)
        truth = chosen(folder, planted=planted)
        right = {frozenset(pair) for _, *pair in truth}
        if truth:
            print(f"{len(truth):,} copies planted")
        for number in asked.numbers:
            wall, used = time.perf_counter(), time.process_time()
            found = dedupe(None, Folder(str(folder)), expect_false=number, overlay=True)
            took = time.perf_counter() - wall, time.process_time() - used
            pairs = names_of(found)
            if truth:
                judge(f"overlay, {number} false pairs expected", pairs, truth)
            ordered = np.argsort(found.distances, kind="stable").tolist()
            others = [at for at in ordered if frozenset(pairs[at]) not in right]
            results.note(
                f"{number} expected: {len(others)} found that nobody planted; "
                f"{took[0]:.0f} s ({took[1]:.0f} s of processor time); threshold "
                f"{found.threshold.value:.3f}, {found.threshold.words}"
            )
        for at in others:
            print(f"  {float(found.distances[at]):.3f} {' '.join(pairs[at])}")
        if asked.sheet and others:
            draw(folder, [pairs[at] for at in others], asked.sheet)


if __name__ == "__main__":
    results.run("overlay", main)
