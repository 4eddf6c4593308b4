"""Learned comparisons beside plain distances, on the same encoder and data.

    python -m benchmarks.matchers --budget 60s

AT&T faces in four folds (see benchmarks/faces.py). Each row trains the same encoder for the same
time; a model with a matcher is measured twice, by its matcher and by the plain distance of its
embeddings. Needs LIKEWISE_DATA.
"""

import argparse

import numpy as np

from benchmarks import faces, results
from benchmarks.choose import FACES
from benchmarks.machine import machine_line
from likewise.recipe.recipe import Recipe, seconds_of

ROWS = {
    "no matcher": [],
    "weighted_l1, with supcon": ["matcher=weighted_l1"],
    "mlp, with supcon": ["matcher=mlp"],
    "relation, with supcon": ["matcher=relation"],
    "attention, with supcon": ["matcher=attention"],
    "weighted_l1 alone": ["matcher=weighted_l1", "loss=none"],
    "mlp alone": ["matcher=mlp", "loss=none"],
    "weighted_l1 alone, balanced pairs": [
        "matcher=weighted_l1",
        "loss=none",
        "sampler=balanced_pairs(64)",
    ],
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="60s", help="for each fold")
    parser.add_argument("--encoder", default="convnet4")
    parser.add_argument("--only", nargs="*", default=[], help="rows to run; all if none is named")
    given = parser.parse_args()
    print(machine_line())
    chosen = {name: ROWS[name] for name in given.only} if given.only else ROWS
    for name, settings in chosen.items():
        recipe = Recipe.for_kind("image").with_settings(
            [
                *FACES,
                f"encoder={given.encoder}",
                f"budget_seconds={seconds_of(given.budget)}",
                *settings,
            ]
        )
        comparators = ("matcher", "distance") if settings else ("distance",)
        for comparator, found in faces.pooled(recipe, comparators=comparators).items():
            results.row(
                "",
                {
                    "trained": name,
                    "compared by": comparator,
                    "FAR at the threshold for 0.05": faces.interval(found.far),
                    "FRR there": faces.interval(found.frr),
                    "EER": float(np.mean(found.eer)),
                    "10-way one-shot": float(np.mean(found.shot)),
                },
            )


if __name__ == "__main__":
    results.run("matchers", main)
