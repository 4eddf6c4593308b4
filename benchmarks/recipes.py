"""The rows of the table of recipes beside the plain recipe, on data that no row was chosen on.

    python -m benchmarks.recipes drawings --budget 30s --seeds 3
    python -m benchmarks.recipes faces --budget 30s
    python -m benchmarks.recipes series --budget 30s --seeds 3

Drawings: the characters that ship with the package, identities dealt by the seed. Faces: AT&T,
four folds over the 40 people, each trained for the budget; the equal error rate and the one-shot
accuracy of each fold, of people never trained on. Series: the official splits of UCR sets, 1-NN on
the learned distance, beside 1-NN Euclidean. Nothing is tuned by hand: a row's fields are taken as
`likewise train` takes them. Needs LIKEWISE_DATA.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.faces import faces, mean_interval, pooled
from benchmarks.machine import machine_line
from benchmarks.series import euclidean_error, learned_error
from likewise.learn.experiment import run_experiment
from likewise.recipe import presets
from likewise.recipe.recipe import Recipe, seconds_of

SETS = ["GunPoint", "ArrowHead", "ItalyPowerDemand"]


def of_drawings(names: list[str], budget: float, seeds: int) -> None:
    """Print a line for each row."""
    for name in names:
        errors, shots = [], []
        for seed in range(seeds):
            recipe = Recipe.for_kind("image")
            if name != presets.PLAIN:
                recipe = recipe.with_fields(presets.preset_named(name).fields)
            recipe = recipe.with_fields(
                {"source": "characters", "budget_seconds": budget, "seed": seed}
            )
            with tempfile.TemporaryDirectory() as place:
                found = run_experiment(recipe, out=Path(place) / "model", audit=False).evaluation
            errors.append(found.verification.eer)
            shots.append(found.one_shot.accuracy if found.one_shot else 0.0)
        cells = {"EER": mean_interval(errors), "one-shot": mean_interval(shots)}
        results.row("", {"recipe": name, **cells})


def of_faces(names: list[str], budget: float) -> None:
    """Print a line for each row."""
    row, why = presets.pick(faces().items(), budget)
    results.note(f"likewise train picks {row.name if row else presets.PLAIN}: {why}")
    for name in names:
        recipe = Recipe.for_kind("image")
        if name != presets.PLAIN:
            recipe = recipe.with_fields(presets.preset_named(name).fields)
        found = pooled(recipe.with_fields({"budget_seconds": budget}))[""]
        cells = {"EER": mean_interval(found.eer), "one-shot": mean_interval(found.shot)}
        results.row("", {"recipe": name, **cells, "items/s": round(found.pace)})


def of_series(names: list[str], budget: float, seeds: int, sets: list[str]) -> None:
    """Print a line for each set and row."""
    for one in sets:
        results.row("", {"set": one, "recipe": "1-NN Euclidean", "error": euclidean_error(one)})
        for name in names:
            fields = {} if name == presets.PLAIN else presets.preset_named(name).fields
            errors = [learned_error(one, fields, budget, seed)[0] for seed in range(seeds)]
            each = ", ".join(f"{error:.4f}" for error in errors)
            error = float(np.mean(errors))
            results.row("", {"set": one, "recipe": name, "error": error, "seeds": each})


def main() -> None:
    """Print the table of one kind of data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=["drawings", "faces", "series"])
    parser.add_argument("--budget", default="30s")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--rows", nargs="*", default=[])
    given = parser.parse_args()
    print(machine_line())
    budget = seconds_of(given.budget)
    if given.data == "drawings":
        of_drawings(given.rows or ["drawings", "drawings_long"], budget, given.seeds)
    elif given.data == "faces":
        of_faces(given.rows or ["photographs"], budget)
    else:
        rows = given.rows or [presets.PLAIN, "series"]
        of_series(rows, budget, given.seeds, given.sets)


if __name__ == "__main__":
    results.run("recipes", main)
