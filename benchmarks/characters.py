"""The demo's recipe over several splits of the characters that ship with the package.

    python -m benchmarks.characters --seeds 3 --budget 90s

A seed splits 136 characters of 5 alphabets anew (76 to train, 30 to calibrate, 30 to test) and
trains on them. What is printed was measured on the test characters at thresholds fitted on the
calibrate characters.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.learn import run_experiment
from likewise.recipe.recipe import Recipe, seconds_of

RECIPE = Path(__file__).parents[1] / "examples" / "characters.toml"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", default="90s")
    given = parser.parse_args()
    print(machine_line())
    rows = []
    for seed in range(given.seeds):
        recipe = Recipe.from_toml(RECIPE.read_text(encoding="utf-8")).with_fields(
            {"seed": seed, "budget_seconds": seconds_of(given.budget)}
        )
        with tempfile.TemporaryDirectory() as place:
            made = run_experiment(recipe, out=Path(place) / "model")
        evaluation = made.evaluation
        point = next(p for p in evaluation.verification.points if p.target == 0.05)
        if point.test is None or evaluation.one_shot is None or point.test.far.low is None:
            raise SystemExit("nothing was measured")
        far, frr = point.test.far, point.test.frr
        shot, eer = evaluation.one_shot.accuracy, evaluation.verification.eer
        rows.append((shot, far.value, frr.value, eer))
        pace = np.mean([epoch.items_per_second for epoch in made.epochs])
        results.row(
            "",
            {
                "split": f"seed {seed}",
                "20-way one-shot": shot,
                "FAR at the threshold for 0.05": (
                    f"{far.value:.4f} ({far.low:.4f} to {far.high:.4f})"
                ),
                "FRR there": f"{frr.value:.4f} ({frr.low:.4f} to {frr.high:.4f})",
                "EER": eer,
                "items/s": float(pace),
            },
        )
    mean = np.mean(rows, axis=0)
    names = ("20-way one-shot", "FAR at the threshold for 0.05", "FRR there", "EER")
    cells = dict(zip(names, map(float, mean), strict=True))
    results.row("", {"split": f"mean of {given.seeds}", **cells})


if __name__ == "__main__":
    results.run("characters", main)
