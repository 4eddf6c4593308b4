"""What is there twice: among vectors, how fast and how exactly; among photographs, how well.

python -m benchmarks.dedupe vectors               (100,000 x 128)
python -m benchmarks.dedupe chance                (how many false pairs come where K are expected)
python -m benchmarks.dedupe own                   (the duplicates that LFW brings, to be looked at)
python -m benchmarks.dedupe images --budget 2min  (10,000 photographs of LFW, 2,000 planted copies)

`vectors`: unit vectors in 5,000 clusters, 1,000 of them nearly copied. The time beside that of the
bare product of the same blocks, the largest memory, and the pairs of 200 rows held against all
distances by rows.

`chance`: the ratio of the false pairs found to those expected, over collections without a single
duplicate: smooth ones, clusters, and one of which a fiftieth is much denser than the rest.

`images`: photographs of LFW without those that it holds twice (`own`), some beside one altered
copy each. A pair is right when it is a photograph and its copy. Recall by what was done to the
copy; precision and F1 over all, flips aside (a mirrored face is another picture to a model that was
not told otherwise, and to a hash). A model that `dedupe --train` makes of these very images, at the
threshold of --expect-false 10 and at the best one (which nobody knows beforehand); hashes of
ImageHash at their best one, and at 8 bits.
"""

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.auditing.copies import details
from likewise.distances.euclidean import Euclidean
from likewise.duplicates import pair_search
from likewise.duplicates.chance import expecting
from likewise.duplicates.hamming import Hamming
from likewise.duplicates.pair_search import pairs_within
from likewise.duplicates.result import Duplicates
from likewise.learn.unsupervised import teach
from likewise.model.model import Model
from likewise.shapes import Array
from likewise.sources.folder import Folder
from likewise.sources.lfw import Lfw
from likewise.tasks.dedupe import dedupe
from likewise.transforms.image import open_image

OWN = 0.9
"""Photographs of LFW whose details correlate so much are two of one picture."""


def spread(kind: str, count: int, dim: int, random: np.random.Generator) -> Array:
    """Vectors of unit length without duplicates."""
    made = random.normal(size=(count, dim))
    if kind == "clusters":
        centres = random.normal(size=(50, dim))
        made = centres[random.integers(0, 50, count)] + 0.5 * made
    elif kind == "a dense part":
        made[: count // 50] = made[0] + 0.2 * made[: count // 50]
    made = made @ random.normal(size=(dim, 64))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def vectors(count: int, dim: int) -> None:
    """Time, memory and exactness among many vectors."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(5000, dim)).astype(np.float32)
    noise = random.normal(size=(count, dim)).astype(np.float32)
    made = centres[random.integers(0, 5000, count)] + np.float32(0.7) * noise
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    copied = count // 100
    shift = random.normal(size=(copied, dim)).astype(np.float32) / np.sqrt(dim)
    made[:copied] = made[count // 2 : count // 2 + copied] + np.float32(0.01) * shift
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, used = time.perf_counter(), time.process_time()
    found = pairs_within(made, Euclidean(), 0.1)
    took = time.perf_counter() - wall, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, used = time.perf_counter(), time.process_time()
    for top in range(0, count, pair_search.ROWS):
        for left in range(top, count, pair_search.COLUMNS):
            made[top : top + pair_search.ROWS] @ made[left : left + pair_search.COLUMNS].T
    bare = time.perf_counter() - wall, time.process_time() - used
    some = np.sort(random.choice(count, 200, replace=False))
    wrong = 0
    for row in some.tolist():
        far = Euclidean().rows(np.broadcast_to(made[row], made.shape), made)
        truth = set(np.flatnonzero(far <= 0.1).tolist()) - {row}
        here = found.second[found.first == row].tolist() + found.first[found.second == row].tolist()
        wrong += len(truth ^ set(here))
    results.note(f"{count:,} x {dim}: {len(found.first):,} pairs, {copied:,} planted")
    for name, (wall, used) in {"search": took, "bare product of the same blocks": bare}.items():
        results.row("", {"": name, "seconds": wall, "seconds of processor": used})
    results.note(f"peak {peak:.0f} MB, {before:.0f} MB of it before the search")
    results.note(f"wrong pairs among those of 200 rows, by rows: {wrong}")


def chance(runs: int) -> None:
    """The false pairs that come where K are expected."""
    for kind in ("smooth", "clusters", "a dense part"):
        for dim in (4, 16):
            for count, wanted in ((1000, 10), (3000, 10), (3000, 100)):
                found = []
                for seed in range(runs):
                    made = spread(kind, count, dim, np.random.default_rng([seed, dim, count]))
                    value = expecting(wanted, made, Euclidean(), None).value
                    found.append(len(pairs_within(made, Euclidean(), value).first))
                line = f"{np.mean(found):.1f} ({min(found)} to {max(found)})"
                cells = {"collection": kind, "dimension": dim, "items": count, "expected": wanted}
                results.row("", {**cells, "found, mean (least to most)": line})


def own_copies(most: int) -> tuple[list[Image.Image], list[str], list[tuple[float, int, int]]]:
    """Photographs of LFW, their places, and the pairs of them that are one picture."""
    items = Lfw().items()
    rows = np.sort(np.random.default_rng(0).permutation(len(items))[:most])
    places = [str(items.places[row]) for row in rows]
    both = zip(rows.tolist(), places, strict=True)
    photographs = [open_image(items.read(row), place) for row, place in both]
    fine = np.stack([details(np.asarray(one)) for one in photographs]).astype(np.float32)
    # Of unit vectors, a correlation c is a distance of sqrt(2 - 2c).
    found = pairs_within(fine, Euclidean(), float(np.sqrt(2 - 2 * OWN)))
    pairs = zip(found.distances.tolist(), found.first.tolist(), found.second.tolist(), strict=True)
    return photographs, places, [(1 - far**2 / 2, one, other) for far, one, other in pairs]


def own(most: int, sheet: str) -> None:
    """Name the duplicates that LFW brings, and draw them side by side."""
    photographs, places, pairs = own_copies(most)
    results.note(
        f"{len(pairs)} pairs of {len(photographs):,} photographs correlate by {OWN} or more"
    )
    for likeness, one, other in pairs:
        print(f"  {likeness:.3f} {Path(places[one]).name} {Path(places[other]).name}")
    if sheet and pairs:
        page = Image.new("RGB", (8 * 200, 100 * ((len(pairs) + 7) // 8)))
        for at, (_, one, other) in enumerate(pairs):
            for side, row in enumerate((one, other)):
                place = (at % 8 * 200 + side * 98, at // 8 * 100)
                page.paste(photographs[row].convert("RGB"), place)
        page.save(sheet)


def _jpeg(page: Image.Image) -> Image.Image:
    file = io.BytesIO()
    page.save(file, "JPEG", quality=30)
    return Image.open(file).convert("RGB")


def _text(page: Image.Image) -> Image.Image:
    page = page.copy()
    place = (page.width // 12, page.height * 3 // 4)
    ImageDraw.Draw(page).text(place, "SAMPLE 2026", fill=(255, 255, 255), font_size=13)
    return page


def _cropped(page: Image.Image) -> Image.Image:
    width, height = page.size
    return page.crop((width // 12, height // 16, width * 15 // 16, height * 11 // 12))


KINDS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "crop": _cropped,
    "resize": lambda page: page.resize((page.width // 2, page.height // 2)),
    "jpeg": _jpeg,
    "colour": lambda page: ImageEnhance.Color(ImageEnhance.Brightness(page).enhance(1.25)).enhance(
        0.4
    ),
    "blur": lambda page: page.filter(ImageFilter.GaussianBlur(1.5)),
    "text": _text,
    "flip": ImageOps.mirror,
}


def plant(folder: Path, count: int, planted: int) -> list[tuple[str, str, str]]:
    """Photographs in a folder, some beside a copy: kind, original and copy of each."""
    photographs, _, pairs = own_copies(count + count // 5)
    twice = {row for _, one, other in pairs for row in (one, other)}
    kept = [row for row in range(len(photographs)) if row not in twice][:count]
    folder.mkdir()
    truth = []
    for number, row in enumerate(kept):
        page = photographs[row].convert("RGB")
        page.save(folder / f"{number:05}.png")
        if number < planted:
            kind = list(KINDS)[number % len(KINDS)]
            KINDS[kind](page).save(folder / f"{number:05}-{kind}.png")
            truth.append((kind, f"{number:05}.png", f"{number:05}-{kind}.png"))
    results.note(f"{len(kept):,} photographs, {len(twice)} that LFW holds twice left out")
    return truth


def judge(
    name: str, pairs: Sequence[tuple[str, str]], truth: Sequence[tuple[str, str, str]]
) -> None:
    """Print recall by kind, and precision and F1, flips aside."""
    found = {frozenset(pair) for pair in pairs}
    flips = {frozenset(pair) for kind, *pair in truth if kind == "flip"}
    right = {frozenset(pair) for kind, *pair in truth if kind != "flip"}
    hit, counted = len(found & right), len(found - flips)
    recall, precision = hit / len(right), hit / max(1, counted)
    f1 = 2 * hit / (len(right) + counted)
    cells = {"precision": precision, "recall": recall, "F1": f1}
    for kind in KINDS:
        of = [frozenset(pair) for one, *pair in truth if one == kind]
        cells[kind] = sum(pair in found for pair in of) / max(1, len(of))
    results.row("", {"": name, **cells})


def best(
    pairs: Sequence[tuple[str, str]], far: Array, truth: Sequence[tuple[str, str, str]]
) -> float:
    """The threshold of the largest F1, flips aside, of pairs that are sorted by distance."""
    flips = {frozenset(pair) for kind, *pair in truth if kind == "flip"}
    right = {frozenset(pair) for kind, *pair in truth if kind != "flip"}
    hits = np.cumsum([frozenset(pair) in right for pair in pairs])
    counted = np.cumsum([frozenset(pair) not in flips for pair in pairs])
    ends = np.flatnonzero(np.diff(far, append=np.inf))  # equal distances are found together
    f1 = 2 * hits[ends] / (len(right) + counted[ends])
    return float(far[ends[int(f1.argmax())]])


def _named(found: Duplicates) -> list[tuple[str, str]]:
    ends = zip(found.first.tolist(), found.second.tolist(), strict=True)
    names = [Path(str(place)).name for place in found.places]
    return [(names[one], names[other]) for one, other in ends]


def images(count: int, planted: int, budget: str) -> None:
    """How well planted copies are found."""
    with tempfile.TemporaryDirectory() as place:
        folder, model = Path(place) / "photographs", Path(place) / "model"
        truth = plant(folder, count, planted)
        source = Folder(str(folder))
        started = time.perf_counter()
        teach(source, str(model), budget)
        results.note(f"trained in {time.perf_counter() - started:.0f} s, budget {budget}")
        cache = Path(place) / "twice.cache.npz"
        wall = time.perf_counter()
        found = dedupe(Model(model), source, expect_false=10, cache=cache)
        took = time.perf_counter() - wall
        judge("model, 10 false pairs expected", _named(found), truth)
        expected, value = found.threshold.words, found.threshold.value
        found = dedupe(Model(model), source, threshold=1.6 * value, cache=cache)
        pairs = _named(found)
        limit = best(pairs, found.distances, truth)
        near_enough = [p for p, far in zip(pairs, found.distances, strict=True) if far <= limit]
        judge(f"model, best threshold ({limit:.3f})", near_enough, truth)
        for name in ("phash", "dhash", "whash", "average_hash"):
            _hash(name, folder, truth)
        results.note(f"model: {took:.0f} s without training; threshold {value:.3f}, {expected}")


def _hash(name: str, folder: Path, truth: Sequence[tuple[str, str, str]]) -> None:
    started = time.perf_counter()
    names = sorted(path.name for path in folder.iterdir())
    hashes = []
    for one in names:
        with Image.open(folder / one) as image:
            hashes.append(getattr(imagehash, name)(image).hash.reshape(-1))
    bits = np.array(hashes, dtype=np.float32)
    found = pairs_within(bits, Hamming(), 8)
    took = time.perf_counter() - started
    pairs = [
        (names[a], names[b])
        for a, b in zip(found.first.tolist(), found.second.tolist(), strict=True)
    ]
    for limit, words in ((best(pairs, found.distances, truth), "best"), (8.0, "8 bits")):
        kept = [p for p, far in zip(pairs, found.distances, strict=True) if far <= limit]
        judge(f"{name}, {words} ({limit:g}; {took:.0f} s)", kept, truth)


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("part", choices=["vectors", "chance", "own", "images"])
    parser.add_argument("--count", type=int, default=0, help="of vectors or photographs")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--planted", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--budget", default="2min")
    parser.add_argument("--sheet", default="", help="to draw what LFW holds twice")
    asked = parser.parse_args()
    print(machine_line())
    if asked.part == "vectors":
        vectors(asked.count or 100_000, asked.dim)
    elif asked.part == "chance":
        chance(asked.runs)
    elif asked.part == "own":
        own(asked.count or 13_233, asked.sheet)
    else:
        images(asked.count or 10_000, asked.planted, asked.budget)


if __name__ == "__main__":
    results.run("dedupe", main)
