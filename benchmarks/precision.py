"""bf16 and float32 training compared: how fast, and how good.

    python -m benchmarks.precision --steps 300 --seeds 3

The characters that ship with the package, split by seed; the same number of steps in both, so that
quality is compared and speed stands beside it. The last column is what `precision=auto` would
have taken on this machine.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.characters import RECIPE
from benchmarks.machine import machine_line
from likewise.learn import run_experiment
from likewise.learn.loop.run import Run
from likewise.recipe.recipe import Recipe


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    print(machine_line())
    found: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(given.seeds):
        for precision in ("float32", "bf16"):
            recipe = Recipe.from_toml(RECIPE.read_text(encoding="utf-8")).with_fields(
                {"seed": seed, "steps": given.steps, "precision": precision}
            )
            with tempfile.TemporaryDirectory() as place:
                made = run_experiment(recipe, out=Path(place) / "model")
            shot = made.evaluation.one_shot
            pace = float(np.mean([epoch.items_per_second for epoch in made.epochs]))
            found.setdefault(precision, []).append(
                (pace, made.evaluation.verification.eer, shot.accuracy if shot else 0.0)
            )
            told = dict(zip(("items/s", "EER", "one-shot"), found[precision][-1], strict=True))
            results.row("", {"": f"seed {seed}", "precision": precision, **told})
    for precision, rows in found.items():
        pace, eer, shot_mean = map(float, np.mean(rows, axis=0))
        told = {"items/s": pace, "EER": eer, "one-shot": shot_mean}
        results.row("", {"": "mean", "precision": precision, **told})
    ratio = np.mean([b[0] / a[0] for a, b in zip(found["float32"], found["bf16"], strict=True)])
    results.note(f"bf16 trains {ratio:.2f} times as fast as float32 here")
    taken: list[Run] = []
    recipe = Recipe.from_toml(RECIPE.read_text(encoding="utf-8")).with_fields({"steps": 1})
    with tempfile.TemporaryDirectory() as place:
        run_experiment(recipe, out=Path(place) / "model", on_start=taken.append)
    chosen = taken[0].precision
    words = f"{chosen.name}: {chosen.why}" if chosen else "?"
    results.note(f"precision=auto took {words}")


if __name__ == "__main__":
    results.run("precision", main)
