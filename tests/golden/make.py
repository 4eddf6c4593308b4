"""Make the golden artefacts anew, with the command line of the version that is installed.

    python tests/golden/make.py WORKSPACE

leaves in WORKSPACE/golden what stands in this folder: it draws data, trains, and asks. Where that
is there already, recipes are read, items embedded and commands asked again. It takes six minutes
of two cores. No test runs it.
"""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

SEASONS = ("winter", "spring", "summer", "autumn")
TRAIN = ("--device", "cpu", "--precision", "float32", "--no-examples")


def likewise(*words: object, cwd: Path | None = None) -> str:
    """Run one command in a folder, and give what it printed."""
    command = [sys.executable, "-m", "likewise", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


# ── the data ──────────────────────────────────────────────────────────────────────────────────


def draw(folder: Path, *, first: int, count: int, each: int) -> None:
    """Drawings: an identity is four strokes, an item of it the strokes shaken."""
    for identity in range(first, first + count):
        strokes = np.random.default_rng(identity).uniform(3, 21, size=(4, 4))
        place = folder / f"glyph{identity}"
        place.mkdir(parents=True)
        for item in range(each):
            shake = np.random.default_rng([identity, item]).normal(0, 0.6, size=(4, 4))
            page = np.full((24, 24), 255, dtype=np.uint8)
            for x0, y0, x1, y1 in strokes + shake:
                t = np.linspace(0, 1, 40)
                x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
                page[y.round().clip(0, 23).astype(int), x.round().clip(0, 23).astype(int)] = 0
            Image.fromarray(page).save(place / f"{item}.png", optimize=True)


def wave(identity: int, item: int, steps: int) -> np.ndarray:
    """A series of two channels: an identity is two frequencies and a phase."""
    rates = np.random.default_rng(identity).uniform(0.1, 1.2, size=3)
    random = np.random.default_rng([identity, item])
    clean = np.sin(rates[:2] * np.arange(steps)[:, None] + 3 * rates[2])
    return (clean + 0.2 * random.normal(size=clean.shape)).astype(np.float32)


def waves(path: Path, *, first: int, count: int, each: int, shortest: int = 16) -> None:
    """Series of 16 to 24 steps, or all of 24."""
    lengths = np.random.default_rng(first).integers(shortest, 25, size=count * each)
    who = np.repeat(np.arange(first, first + count), each)
    items = np.zeros((len(who), 24, 2), dtype=np.float32)
    for row, (identity, steps) in enumerate(zip(who, lengths, strict=True)):
        items[row, :steps] = wave(int(identity), row % each, int(steps))
    names = np.array([f"wave{identity}" for identity in who])
    np.savez_compressed(path, items=items, identities=names, lengths=lengths)


def table(path: Path, names: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """A table with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([names, *rows])


def graded(path: Path, folder: str) -> None:
    """Pairs of each two identities: a few of either, and all of both; with noisy grades."""
    random = np.random.default_rng(0)
    folders = sorted((path.parent / folder).iterdir())
    rows: list[tuple[object, ...]] = []
    for one, other in zip(folders[::2], folders[1::2], strict=True):
        mine, theirs = (
            [f"{folder}/{place.name}/{item.name}" for item in sorted(place.iterdir())]
            for place in (one, other)
        )
        alike = [(mine[0], item) for item in mine[1:]] + [(theirs[0], item) for item in theirs[1:]]
        rows += [(*pair, 5 - random.integers(0, 3) / 2) for pair in alike]
        rows += [(item, it, random.integers(0, 6) / 2) for item in mine for it in theirs]
    table(path, ("first", "second", "grade"), rows)


def comparisons() -> None:
    """Distances of somebody else: people by twos, with three items each, every pair of them."""
    random = np.random.default_rng(0)
    rows: list[tuple[object, ...]] = []
    for two in range(50):
        items = [f"p{person:03}/{item}" for person in (2 * two, 2 * two + 1) for item in range(3)]
        for at, one in enumerate(items):
            for other in items[at + 1 :]:
                same = one[:4] == other[:4]
                apart = random.normal(0.35 if same else 0.9, 0.2)
                rows.append((one, other, int(same), round(float(max(apart, 0.0)), 4)))
    names = ("id1", "id2", "same", "distance")
    table(Path("data/comparisons.csv"), names, rows)
    columns = {
        name: pa.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    parquet.write_table(pa.table(columns), "data/comparisons.parquet", compression="zstd")


def make_data() -> None:
    """All items; those in `learned` are not kept."""
    draw(Path("../learned/drawings"), first=0, count=150, each=6)
    draw(Path("../learned/clinic"), first=2000, count=60, each=4)
    draw(Path("../learned/pairs"), first=3000, count=400, each=4)
    graded(Path("../learned/graded.csv"), "pairs")
    waves(Path("../learned/waves.npz"), first=0, count=150, each=6)
    draw(Path("../learned/gallery"), first=1000, count=64, each=2)
    people = [
        (f"gallery/{place.parent.name}/{place.name}", place.parent.name, season, at / 4, at % 3 > 0)
        for at, place in enumerate(sorted(Path("../learned/gallery").rglob("*.png")))
        for season in [SEASONS[at % 4]]
    ]
    names = ("item", "label", "season", "weight", "left")
    table(Path("../learned/people.csv"), names, people)
    # The first half of these are in the gallery by other items; nobody is by the third.
    draw(Path("data/strangers"), first=1050, count=28, each=3)
    graded(Path("data/graded.csv"), "strangers")
    waves(Path("data/waves.npz"), first=1000, count=24, each=3)
    waves(Path("data/even.npz"), first=1000, count=3, each=2, shortest=24)
    waves(Path("data/unfinished.npz"), first=5000, count=40, each=3)
    Path("data/waves").mkdir()
    for name, identity, item, steps in [("a", 1000, 0, 20), ("b", 1000, 1, 24), ("c", 1001, 0, 17)]:
        np.save(f"data/waves/{name}.npy", wave(identity, item, steps))
    few = Path("data/few")
    for identity in (1050, 1051, 1052):
        (few / f"glyph{identity}").mkdir(parents=True)
        for item in (0, 1):
            name = f"glyph{identity}/{item}.png"
            shutil.copyfile(Path("data/strangers") / name, few / name)
    comparisons()


# ── the artefacts ─────────────────────────────────────────────────────────────────────────────


def make_models() -> None:
    """Four small models."""
    os.chdir("../learned")
    likewise(
        *("train", "drawings", "--out", "../golden/images", *TRAIN),
        *("--transform", "image(size=16, invert=True)", "--encoder", "convnet4(dim=8, width=8)"),
        *("--matcher", "relation(width=8, hidden=4)", "--augment", "affine", "--epochs", 30),
        *("--set", "learning_rate=0.003"),
    )
    likewise(
        *("calibrate", "../golden/images", "clinic", "--name", "clinic", "--guarantee"),
        *("--cost-false-accept", 10, "--prior", 0.2, "--calibrator", "isotonic"),
    )
    likewise(
        *("train", "waves.npz", "--out", "../golden/series", *TRAIN, "--recipe", "plain"),
        *("--encoder", "lstm(dim=8, hidden=8, pooling='attention')", "--distance", "cosine"),
        *("--matcher", "mlp(hidden=8)", "--augment", "jitter", "--epochs", 20),
        *("--set", "learning_rate=0.005"),
    )
    likewise(
        *("train", "table('graded.csv', same_from=4, different_to=2)", "--out", "../golden/graded"),
        *(*TRAIN, "--recipe", "plain", "--transform", "image(size=16, invert=True)"),
        *("--encoder", "convnet4(dim=8, width=6)", "--loss", "cosent", "--distance", "cosine"),
        *("--sampler", "source_pairs(pairs=32, grades=True)", "--epochs", 15),
        *("--set", "learning_rate=0.005"),
    )
    member = "resnet(depth=8, width=4, dim=6, stem='strided', pooling='flatten')"
    likewise(
        *("train", "drawings", "--out", "../golden/ensemble", *TRAIN, "--recipe", "plain"),
        *("--transform", "image(size=16, invert=True)", "--distance", "cosine"),
        *("--encoder", f'ensemble("{member}", members=2)'),
        *("--loss", "by_member('supcon', members=2)", "--epochs", 12),
        *("--sampler", "classes_by_items(classes=16, items=4, fewer=True)"),
        *("--set", "optimizer=muon", "--set", "learning_rate=0.01", "--set", "averaging=0"),
        *("--set", "average_last=0.1", "--set", "reestimate=10", "--set", "whiten=0.01"),
        *("--set", "views=('mirrored',)"),
        *("--set", "calibrator=beta", "--set", "patience=10"),
        *("--set", "shares={'train': 0.5, 'select': 0.1, 'calibrate': 0.2, 'test': 0.2}"),
    )
    os.chdir("../golden")
    for page in Path().glob("*/report.html"):
        page.unlink()


def make_checkpoint() -> None:
    """The checkpoint of a run that was stopped by SIGTERM."""
    words = [
        *("train", "data/unfinished.npz", "--out", "unfinished", *TRAIN, "--recipe", "plain"),
        *("--encoder", "lstm(dim=4, hidden=4)", "--epochs", "300", "--checkpoint-every", "0.5s"),
    ]
    command = [sys.executable, "-m", "likewise", *words]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not Path("unfinished.checkpoint").exists() and run.poll() is None:
        time.sleep(0.1)
    run.send_signal(signal.SIGTERM)
    _, said = run.communicate()
    if run.returncode != 143:
        sys.exit(f"{command} ended with {run.returncode}: {said.decode()}")


def make_others() -> None:
    """A gallery, embeddings and calibrations of data alone."""
    os.chdir("../learned")
    enrol = ("enrol", "../golden/images", "../golden/people.db")
    likewise(*enrol, "people.csv", "--keep-items", "--no-paths", "--note", "site=2")
    os.chdir("../golden")
    likewise("gallery", "remove", "people.db", "--identity", "glyph1063")
    likewise("gallery", "index", "people.db", "--kind", "hnsw", "--recall", "0.9")
    likewise("gallery", "export", "people.db", "people.parquet")
    Path("people.db-journal").unlink()
    likewise("embed", "images", "data/strangers", "--out", "embeddings.npz")
    likewise("calibrate", "data/comparisons.csv", "--out", "calibration.json")
    likewise("calibrate", "embeddings.npz", "--distance", "euclidean", "--out", "embedded.json")


SPECS = {
    "transforms": {},
    "encoders": {},
    "matchers": {},
    "distances": {},
    "losses": {"pml": "name='TripletMarginLoss', options={'margin': 0.1}, rate=1.0"},
    "samplers": {},
    "augmentations": {},
    "views": {},
    "calibrators": {},
}


def make_specs() -> None:
    """Every component, with every argument spelled as `likewise list` does."""
    lines = []
    for family, special in SPECS.items():
        lines.append(f"{family} = [")
        for row in likewise("list", family).splitlines():
            found = re.fullmatch(r"  (\w+)\((.*)\)", row)
            if found is None:
                continue
            name, given = found.groups()
            # `name: type = value` becomes `name=value`; a type may hold commas in brackets.
            spelled = re.sub(r"(\w+): [^=]+ = ", r"\1=", given)
            lines.append(f"    {json.dumps(f'{name}({special.get(name, spelled)})')},")
        lines.append("]")
    Path("recipes/specs.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


# ── what they answer ──────────────────────────────────────────────────────────────────────────


def make_expected(here: Path) -> None:
    """What this version reads in the recipes, and answers to the commands."""
    from likewise import Recipe

    for path in sorted(Path().glob("*/recipe.toml")) + sorted(Path("recipes").glob("*.toml")):
        if path.name != "specs.toml":
            read = Recipe.from_toml(path.read_text(encoding="utf-8"))
            Path(f"recipes/read/{path.parent.name}-{path.name}").write_text(read.to_toml())
    commands = tomllib.loads((here / "commands.toml").read_text(encoding="utf-8"))["commands"]
    answers = {}
    for words in commands:
        # Each in a copy of its own, since some of them write.
        with tempfile.TemporaryDirectory() as place:
            copy = shutil.copytree(Path(), Path(place) / "golden")
            answers[shlex.join(words)] = json.loads(likewise(*words, "--json", cwd=copy))
    lines = (f"{json.dumps(words)}: {json.dumps(answer)}" for words, answer in answers.items())
    Path("expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


RECORDER = """
import sys
import numpy as np
import onnxruntime

name = sys.argv.pop(1) + "-inputs.npz"
run = onnxruntime.InferenceSession.run

def recorded(self, outputs, feed, *more):
    np.savez_compressed(name, **feed)
    return run(self, outputs, feed, *more)

onnxruntime.InferenceSession.run = recorded
from likewise.cli import main
main()
"""


def make_vectors() -> None:
    """Embeddings of a few items, and what each encoder was given for them, in one batch."""
    for model in ("images", "series", "graded", "ensemble"):
        source = "data/even.npz" if model == "series" else "data/few"
        words = ["embed", model, source, "--out", f"vectors/{model}.npz", "--threads", "1"]
        command = [sys.executable, "-c", RECORDER, f"vectors/{model}", *words]
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    here = Path(__file__).parent.absolute()
    golden = Path(sys.argv[1]) / "golden"
    if not golden.exists():
        for folder in ("data", "recipes/read", "vectors"):
            (golden / folder).mkdir(parents=True)
        os.chdir(golden)
        make_data()
        make_models()
        make_checkpoint()
        make_others()
    else:
        os.chdir(golden)
    for recipe in here.glob("recipes/*.toml"):
        shutil.copyfile(recipe, Path("recipes") / recipe.name)
    make_specs()
    make_vectors()
    make_expected(here)
