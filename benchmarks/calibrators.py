"""Calibrators compared by their log loss on identities that they never saw.

    python -m benchmarks.calibrators --budget 60s
    python -m benchmarks.calibrators --source omniglot --budget 2min

An encoder is trained once and frozen. The characters that it did not learn from are split again and
again: so many calibrate, all others are the test. The log loss (in nats, a coin's is 0.693) is that
of the probabilities at prior .5, identities weighing equally. The intervals widen the spread over
the splits by what they share (Nadeau, Bengio, "Inference for the Generalization Error", 2003,
equation 8); that of the difference is paired. "Least" is isotonic fitted without bounds on the test
itself: what these distances would allow. Omniglot needs LIKEWISE_DATA.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import omniglot, results
from benchmarks.machine import machine_line
from likewise.calibration.probability import fit_calibrator
from likewise.calibrators import FAMILY as CALIBRATORS
from likewise.data.cache import decode_all
from likewise.distances.base import Distance
from likewise.learn.experiment import run_experiment
from likewise.metrics.verification import DistanceHistograms, bin_values
from likewise.pairs.all_pairs import AllPairs
from likewise.recipe.recipe import Recipe, seconds_of
from likewise.shapes import Array
from likewise.sources.characters import Characters
from likewise.sources.omniglot import Omniglot
from likewise.types import Claim, Items, Role, Split

RECIPE = Path(__file__).parents[1] / "examples" / "characters.toml"
TRAINED_ON = 76
LEAST = "least"
WIDE = (1e9, 1e9)


@dataclass(frozen=True)
class Frozen:
    """Embeddings of characters that the encoder did not learn from."""

    vectors: Array
    names: Array
    distance: Distance

    def comparisons(self, chosen: Array) -> AllPairs:
        """The pairs of these characters."""
        rows = np.isin(self.names, chosen)
        return AllPairs.of(self.vectors[rows], self.names[rows], self.distance)


def _parts(items: Items) -> Split:
    """76 characters train; the rest, in halves, measures the encoder and is split again here."""
    names = np.random.default_rng(0).permutation(np.unique(items.identities))
    halves = np.array_split(names[TRAINED_ON:], 2)
    who = {Role.TRAIN: names[:TRAINED_ON], Role.CALIBRATE: halves[0], Role.TEST: halves[1]}
    indices = {r: np.flatnonzero(np.isin(items.identities, n)) for r, n in who.items()}
    return Split(Claim.NEW_IDENTITIES, indices, f"{TRAINED_ON} characters drawn to train")


def characters(budget: float) -> Frozen:
    """The characters that ship with the package and were not trained on."""
    recipe = Recipe.from_toml(RECIPE.read_text(encoding="utf-8"))
    recipe = recipe.with_fields({"budget_seconds": budget})
    items = Characters().items()
    split = _parts(items)
    rest = np.setdiff1d(np.arange(len(items)), split.indices[Role.TRAIN])
    with tempfile.TemporaryDirectory() as place:
        model = run_experiment(recipe, out=Path(place) / "model", parts=_parts).model
        with decode_all(items.take(rest), model.transform) as decoded:
            return Frozen(model.embed_decoded(decoded), items.identities[rest], model.distance)


def evaluation_alphabets(budget: float, most: int) -> Frozen:
    """Some characters of Omniglot's evaluation alphabets, after training on the background."""
    recipe = Recipe.for_kind("image").with_settings(
        [*omniglot.RECIPE, "source=omniglot('background')", f"budget_seconds={budget}"]
    )
    items = Omniglot("evaluation").items()
    drawn = np.random.default_rng(0).permutation(np.unique(items.identities))[:most]
    items = items.take(np.flatnonzero(np.isin(items.identities, drawn)))
    with tempfile.TemporaryDirectory() as place:
        model = run_experiment(recipe, out=Path(place) / "model").model
        with decode_all(items, model.transform) as decoded:
            return Frozen(model.embed_decoded(decoded), items.identities, model.distance)


def log_loss(
    calibrator: str,
    fitted_on: DistanceHistograms,
    trials: tuple[float, float],
    on: DistanceHistograms,
) -> float:
    """Of the probabilities at even prior, on the pairs of a test."""
    parameters = fit_calibrator(calibrator, fitted_on, trials)
    used = np.flatnonzero(on.same + on.different)
    ratio = CALIBRATORS.build(calibrator, parameters=parameters).apply(bin_values()[used])
    same = np.sum(on.same[used] * np.logaddexp(0, -ratio))
    different = np.sum(on.different[used] * np.logaddexp(0, ratio))
    return float(same + different) / 2


def losses(frozen: Frozen, calibrating: int, splits: int) -> dict[str, Array]:
    """The log loss of each calibrator in each split."""
    names = np.unique(frozen.names)
    found: dict[str, list[float]] = {name: [] for name in (*CALIBRATORS.names(), LEAST)}
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(names)
        known = frozen.comparisons(order[:calibrating])
        _, _, *trials = known.trials(Claim.NEW_IDENTITIES)
        fitted_on = known.spread()
        on = frozen.comparisons(order[calibrating:]).spread()
        for name in CALIBRATORS.names():
            found[name].append(log_loss(name, fitted_on, (trials[0], trials[1]), on))
        found[LEAST].append(log_loss("isotonic", on, WIDE, on))
    return {name: np.array(values) for name, values in found.items()}


def interval(values: Array, share: float) -> str:
    """The mean over splits with its interval; `share` is of test to calibrate identities."""
    count = len(values)
    spread = float(np.sqrt((1 / count + share) * np.var(values, ddof=1)))
    half = float(stats.t.ppf(0.975, count - 1)) * spread
    return f"{values.mean():.4f} ({values.mean() - half:.4f} to {values.mean() + half:.4f})"


def main() -> None:
    """Train once, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", choices=["characters", "omniglot"], default="characters")
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--calibrate", type=int, nargs="*", help="characters that calibrate")
    parser.add_argument("--most", type=int, default=200, help="characters of Omniglot in all")
    given = parser.parse_args()
    print(machine_line())
    budget = seconds_of(given.budget)
    if given.source == "characters":
        frozen, sizes = characters(budget), [10, 20, 30, 40]
    else:
        frozen, sizes = evaluation_alphabets(budget, given.most), [20, 50, 100]
    count = len(np.unique(frozen.names))
    results.note(
        f"{len(frozen.names)} drawings of {count} characters not trained on, {given.splits} splits"
    )
    for calibrating in given.calibrate or sizes:
        share = (count - calibrating) / calibrating
        found = losses(frozen, calibrating, given.splits)
        apart = found["isotonic"] - found["logistic"]
        results.row(
            "",
            {
                "calibrate": calibrating,
                "test": count - calibrating,
                **{name: interval(values, share) for name, values in found.items()},
                "isotonic - logistic": interval(apart, share),
                "lower in splits": int((apart < 0).sum()),
            },
        )


if __name__ == "__main__":
    results.run("calibrators", main)
