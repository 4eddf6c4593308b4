"""Does monitoring find a shift, and keep quiet where there is none?

    python -m benchmarks.monitor --budget 60s

An encoder is trained on 76 of the shipped characters and frozen. The 60 others are split again and
again: 30 were calibrated on, 30 come today, as they are or with a planted shift (ink faded, out of
focus, moved, noise; `half` is of every second drawing alone, and with `wider` no mean moves). The
tests compared exchange whole characters: `monitor` is what `likewise monitor` does, the smaller
p-value of the next two; `discriminant` a shrunk Hotelling statistic of the characters' means;
`discrepancy` the maximum mean discrepancy; `unscaled` that of the embeddings as they are; `means`
the distance of their two means; `classifier` a classifier two-sample test (ridge regression,
trained on half of the characters and used on the rest, then the other way round). At the level .05
an alarm without a shift is false: 200 re-splits may raise 10, and more than 15 only once in twenty
times. With `--single`, one drawing of each character is left, as without labels.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from benchmarks import results
from benchmarks.calibrators import RECIPE, TRAINED_ON, _parts
from benchmarks.machine import machine_line
from likewise.learn.experiment import run_experiment
from likewise.metrics.shift import _kernel, _ranked, discrepancies, two_samples
from likewise.model.model import Model
from likewise.recipe.recipe import Recipe, seconds_of
from likewise.shapes import Array
from likewise.sources.arrays import Arrays
from likewise.sources.characters import Characters
from likewise.types import Role

PERMUTATIONS = 199
LEVEL = 0.05


def faded(ink: float) -> Callable[[Array], Array]:
    """Less ink: a brightness shift."""
    return lambda image: (255 - np.round(ink * (255.0 - image))).astype(np.uint8)


def blurred(radius: float) -> Callable[[Array], Array]:
    """Out of focus."""
    return lambda image: np.asarray(
        Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)), dtype=np.uint8
    )


def moved(pixels: int) -> Callable[[Array], Array]:
    """Not centred as before."""

    def shift(image: Array) -> Array:
        rolled: Array = np.roll(image, pixels, axis=1)
        rolled[:, :pixels] = 255
        return rolled

    return shift


def noisy(spread: float) -> Callable[[Array], Array]:
    """A worse sensor."""
    random = np.random.default_rng(0)
    return lambda image: np.clip(image + spread * random.normal(size=image.shape), 0, 255).astype(
        np.uint8
    )


SHIFTS: dict[str, Callable[[Array], Array]] = {
    "none": lambda image: image,
    "ink at .9": faded(0.9),
    "ink at .8": faded(0.8),
    "ink at .5": faded(0.5),
    "blur of 1 pixel": blurred(1.0),
    "blur of 2 pixels": blurred(2.0),
    "moved by 2 pixels": moved(2),
    "moved by 5 pixels": moved(5),
    "noise of 20 of 255": noisy(20.0),
    "noise of 60 of 255": noisy(60.0),
}
HALF, WIDER = "half ", "wider"
ROWS = (*SHIFTS, f"{HALF}ink at .8", f"{HALF}ink at .5", WIDER)


def embeddings(budget: float) -> tuple[dict[str, Array], Array]:
    """The drawings of the characters not trained on, under every shift; and the identities."""
    recipe = Recipe.from_toml(RECIPE.read_text(encoding="utf-8"))
    recipe = recipe.with_fields({"budget_seconds": budget})
    items = Characters().items()
    rest = np.setdiff1d(np.arange(len(items)), _parts(items).indices[Role.TRAIN])
    names = items.identities[rest]
    with tempfile.TemporaryDirectory() as place:
        model: Model = run_experiment(recipe, out=Path(place) / "model", parts=_parts).model
        found = {}
        for name, change in SHIFTS.items():
            images = [change(np.asarray(items.read(int(row)))) for row in rest]
            found[name] = model.embed(Arrays.of(images, names.tolist()).items()).vectors
    return found, names


def product(vectors: Array, units: Array, second: Array, seed: int) -> dict[str, float]:
    """What `likewise monitor` does, and its two tests alone."""
    found = two_samples(vectors, units, second, permutations=PERMUTATIONS, seed=seed)
    return {"monitor": found.p_value, **found.p_values}


def _permuted(likeness: Array, second: Array, seed: int) -> float:
    random = np.random.default_rng(seed)
    dealt = np.stack([second, *(random.permutation(second) for _ in range(PERMUTATIONS))])
    found = discrepancies(likeness, dealt.astype(np.float64))
    return float((1 + (found[1:] >= found[0]).sum()) / (1 + PERMUTATIONS))


def _means(units: Array) -> Array:
    own = np.zeros((int(units.max()) + 1, len(units)))
    own[units, np.arange(len(units))] = 1 / np.bincount(units)[units]
    return own


def unscaled(vectors: Array, units: Array, second: Array, seed: int) -> float:
    """The discrepancy of the embeddings as they are, which `likewise monitor` looked at before."""
    own = _means(units)
    return _permuted(own @ _kernel(vectors - vectors.mean(0)) @ own.T, second, seed)


def means(vectors: Array, units: Array, second: Array, seed: int) -> float:
    """The distance of the two means: a linear kernel."""
    own = _means(units) @ (vectors - vectors.mean(0))
    return _permuted(own @ own.T, second, seed)


def classifier(vectors: Array, units: Array, second: Array, seed: int) -> float:
    """Ridge regression on half of the identities, its AUC on the others, against exchanges."""
    random = np.random.default_rng(seed)
    centred = np.concatenate([vectors - vectors.mean(0), np.ones((len(vectors), 1))], axis=1)
    halves = random.permutation(len(second)) % 2 == 0

    def auc(truth: Array) -> float:
        told = []
        for side, known in enumerate((halves, ~halves)):
            rows = known[units]
            of, at = truth[units[rows]], truth[units[~rows]]
            if of.min() == of.max() or at.min() == at.max():
                return 0.5
            values = centred[~rows] @ (solved[side] @ (of - of.mean()))
            told.append(_ranked(values, at, np.ones(len(at))))
        return float(np.mean(told))

    solved = []
    for known in (halves, ~halves):
        part = centred[known[units]]
        ridge = 0.1 * np.trace(part.T @ part) / part.shape[1] * np.eye(part.shape[1])
        solved.append(np.linalg.solve(part.T @ part + ridge, part.T))
    real = auc(second)
    exchanged = [auc(random.permutation(second)) for _ in range(PERMUTATIONS)]
    return float((1 + sum(one >= real for one in exchanged)) / (1 + PERMUTATIONS))


TESTS = {"unscaled": unscaled, "means": means, "classifier": classifier}
NAMES = ("monitor", "discriminant", "discrepancy", *TESTS)


def resplit(
    found: dict[str, Array], names: Array, shift: str, each: int, seed: int, *, single: bool
) -> tuple[Array, Array, Array]:
    """Embeddings, their characters, and of each character whether it comes today."""
    random = np.random.default_rng(seed)
    order = random.permutation(np.unique(names))[: 2 * each]
    second = np.repeat([0, 1], each)
    place = {name: number for number, name in enumerate(order)}
    rows = np.flatnonzero(np.isin(names, order))
    units = np.array([place[name] for name in names[rows]])
    if single:
        kept = [random.choice(np.flatnonzero(units == unit)) for unit in range(2 * each)]
        rows, units = rows[kept], units[kept]
    today = second[units] == 1
    vectors = found["none"][rows].astype(float)
    if shift == WIDER:
        middle = vectors[today].mean(0)
        vectors[today] = middle + 1.2 * (vectors[today] - middle)
        return vectors, units, second
    changed = today & (random.random(len(today)) < 0.5) if shift.startswith(HALF) else today
    vectors[changed] = found[shift.removeprefix(HALF)][rows[changed]]
    return vectors, units, second


def shares(
    found: dict[str, Array], names: Array, shift: str, splits: int, each: int, *, single: bool
) -> Array:
    """How often each test raises an alarm."""
    alarms = np.zeros(len(NAMES))
    for seed in range(splits):
        vectors, units, second = resplit(found, names, shift, each, seed, single=single)
        told = product(vectors, units, second, seed)
        told |= {name: test(vectors, units, second, seed) for name, test in TESTS.items()}
        alarms += [told[name] <= LEVEL for name in NAMES]
    return alarms / splits


def main() -> None:
    """Train once, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--splits", type=int, default=200, help="re-splits without a shift")
    parser.add_argument("--shifted", type=int, default=50, help="re-splits with each shift")
    parser.add_argument("--each", type=int, default=30, help="characters on each side")
    parser.add_argument("--single", action="store_true", help="one drawing of each character")
    given = parser.parse_args()
    print(machine_line())
    found, names = embeddings(seconds_of(given.budget))
    results.note(
        f"encoder trained on {TRAINED_ON} characters for {given.budget}; {given.each} others "
        f"calibrated on, {given.each} come today; {given.splits} re-splits without a shift, "
        f"{given.shifted} with each; level {LEVEL}"
    )
    for shift in ROWS:
        splits = given.splits if shift == "none" else given.shifted
        row = shares(found, names, shift, splits, given.each, single=given.single)
        told = dict(zip(NAMES, map(float, row), strict=True))
        results.row("Alarms, of all splits", {"planted in today's items": shift, **told})


if __name__ == "__main__":
    results.run("monitor", main)
