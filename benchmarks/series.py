"""1-NN on the learned distance beside 1-NN Euclidean, on UCR series (known classes).

    python -m benchmarks.series --budget 60s --seeds 3

The official split: a model is trained on four fifths of the training series (the rest calibrates
it); the references of 1-NN are all training series, the questions the test series. Euclidean 1-NN
is on the raw series, zero-padded to the longest. Needs LIKEWISE_DATA.
"""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.data.cache import decode_all
from likewise.learn.experiment import run_experiment
from likewise.metrics.retrieval import nearest_neighbour_error
from likewise.recipe.recipe import Recipe, seconds_of
from likewise.sources.ucr import Ucr
from likewise.transforms.series import SeriesTransform


def euclidean_error(name: str) -> float:
    """1-NN on the raw series, zero-padded to the longest."""
    items = Ucr(name).items()
    with decode_all(items, SeriesTransform(normalize="none")) as decoded:
        padded, _ = decoded.batch(np.arange(len(items)))
    flat = padded.reshape(len(items), -1).astype(np.float64)
    test = items.parts == "test"
    squares = ((flat[test][:, None] - flat[~test][None]) ** 2).sum(2) if flat.size < 2e6 else None
    if squares is None:
        a, b = flat[test], flat[~test]
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return nearest_neighbour_error(squares, items.identities[test], items.identities[~test])


def learned_error(
    name: str, fields: Mapping[str, Any], budget: float, seed: int
) -> tuple[float, float]:
    """1-NN error on the learned distance, and the equal error rate of the test pairs."""
    recipe = Recipe.for_kind("series").with_fields(
        {
            **fields,
            "source": f"ucr({name!r})",
            "claim": "known_classes",
            "fractions": {"train": 0.8, "calibrate": 0.19, "test": 0.01},
            "budget_seconds": budget,
            "seed": seed,
        }
    )
    with tempfile.TemporaryDirectory() as place:
        made = run_experiment(recipe, out=Path(place) / "model")
        items = Ucr(name).items()
        embeddings = made.model.embed(items)
        test = np.flatnonzero(items.parts == "test")
        train = np.flatnonzero(items.parts == "train")
        distances = made.model.distance.matrix(embeddings.vectors[test], embeddings.vectors[train])
        error = nearest_neighbour_error(distances, items.identities[test], items.identities[train])
        return error, made.evaluation.verification.eer


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--names", nargs="*", default=["GunPoint", "JapaneseVowels"])
    given = parser.parse_args()
    print(machine_line())
    for name in given.names:
        results.row("", {"set": name, "1-NN": "Euclidean", "error": euclidean_error(name)})
        for encoder in ("lstm", "transformer"):
            runs = [
                learned_error(name, {"encoder": encoder}, seconds_of(given.budget), seed)
                for seed in range(given.seeds)
            ]
            errors = [run[0] for run in runs]
            results.row(
                "",
                {
                    "set": name,
                    "1-NN": f"learned, {encoder}",
                    "error": float(np.mean(errors)),
                    "seeds": ", ".join(f"{error:.4f}" for error in errors),
                    "EER": float(np.mean([run[1] for run in runs])),
                },
            )


if __name__ == "__main__":
    results.run("series", main)
