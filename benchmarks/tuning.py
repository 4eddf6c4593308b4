"""The recipe that `search_recipes` finds for AT&T faces beside the one it began with.

For each seed, the people are dealt as `train` deals them: 22 train, 9 calibrate, 9 test.
`search_recipes` looks at the 22 alone, for the whole budget. Then both recipes are trained equally
long on the 22 and measured on the 9 that test, so that nobody who measures had a part in tuning.
The intervals are over seeds, paired. Needs LIKEWISE_DATA.

    python -m benchmarks.tuning --budget 15min --train 60s
    python -m benchmarks.tuning --budget 15min --train 60s --seeds 3
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import results
from benchmarks.faces import faces
from benchmarks.machine import machine_line
from likewise.learn.experiment import run_experiment
from likewise.learn.tuning.tune import search_recipes
from likewise.recipe.recipe import Recipe, seconds_of

START = ["transform=image(size=64)"]


@dataclass(frozen=True)
class Measured:
    """A trained recipe on people never seen in tuning or training.

    Attributes:
        eer: Equal error rate.
        shot: One-shot accuracy.
    """

    eer: float
    shot: float


def main() -> None:
    """Print the search, and both recipes side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="15min", help="of each search")
    parser.add_argument("--train", default="60s", help="of each recipe, after the search")
    parser.add_argument("--trials", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--again", type=int, default=1, help="how often each recipe is trained")
    given = parser.parse_args()
    print(machine_line())
    pairs = []
    for seed in range(given.seeds):
        start = Recipe.for_kind("image").with_settings([*START, f"seed={seed}"])
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            found = search_recipes(
                start,
                faces(),
                output=Path(place) / "tuned.toml",
                budget_seconds=seconds_of(given.budget),
                trials=given.trials,
            )
        took = time.perf_counter() - began
        results.note(
            f"seed {seed}: {len(found.trials)} trials in {took:.0f} s on {found.measured_on}"
        )
        first, best = found.trials[0], found.best
        results.note(
            f"seed {seed}: validation error {first.figure:.4f} as given, {best.figure:.4f} of the "
            f"best: {', '.join(best.settings) or 'nothing changed'}"
        )
        seconds = seconds_of(given.train)
        # In turns, since what else the machine does changes.
        for _ in range(given.again):
            pair = measured(start, seconds), measured(found.recipe, seconds)
            pairs.append(pair)
            for name, one in zip(("as given", "tuned"), pair, strict=True):
                told = {"EER": one.eer, "one-shot": one.shot}
                results.row("", {"seed": seed, "recipe": name, **told})
    if len(pairs) > 1:
        for name, field in (("EER", "eer"), ("one-shot", "shot")):
            values = [[getattr(one, field) for one in pair] for pair in pairs]
            gains = [after - before for before, after in values]
            means = [sum(column) / len(column) for column in zip(*values, strict=True)]
            results.note(f"{name}: as given {means[0]:.4f}, tuned {means[1]:.4f}, {change(gains)}")


def measured(recipe: Recipe, seconds: float) -> Measured:
    """Train for so long, and measure on the people who test."""
    with tempfile.TemporaryDirectory() as place:
        made = run_experiment(
            recipe.with_fields({"budget_seconds": seconds}),
            faces(),
            out=Path(place) / "model",
            examples=False,
            audit=False,
        )
    shot = made.evaluation.one_shot
    return Measured(made.evaluation.verification.eer, 0.0 if shot is None else shot.accuracy)


def change(gains: list[float]) -> str:
    """The mean change of units that count equally, with its 95% t interval."""
    mean = float(np.mean(gains))
    half = float(stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains))
    return f"change {mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})"


if __name__ == "__main__":
    results.run("tuning", main)
