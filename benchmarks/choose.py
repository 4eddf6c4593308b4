"""Which encoder for which data: faces, characters and series, the same time for each.

    python -m benchmarks.choose faces --budget 30s
    python -m benchmarks.choose characters --budget 2min
    python -m benchmarks.choose series --budget 40s --seeds 3

Faces are AT&T in four folds (the budget is for each fold), characters Omniglot (trained on the
background alphabets, measured on the evaluation alphabets), series three UCR sets (the budget is
for each seed). Nothing is tuned for an encoder. Needs LIKEWISE_DATA.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import faces, omniglot, results, series
from benchmarks.machine import machine_line
from likewise.data.cache import decode_all
from likewise.learn.experiment import run_experiment
from likewise.recipe.recipe import Recipe, seconds_of
from likewise.sources.omniglot import Omniglot, drawer_of

IMAGES = ("convnet4", "resnet", "vgg", "transformer")
SERIES = ("lstm", "transformer", "conv1d")
SETS = ("GunPoint", "ArrowHead", "JapaneseVowels")
FACES = [
    "transform=image(size=64)",
    "augmentations=('affine',)",
    "loss=supcon",
    "distance=cosine",
    "sampler=classes_by_items(classes=16, items=4)",
]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=["faces", "characters", "series"])
    parser.add_argument("--budget", default="2min")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--encoders", nargs="*", default=[])
    parser.add_argument("--names", nargs="*", default=SETS)
    given = parser.parse_args()
    print(machine_line())
    budget = seconds_of(given.budget)
    if given.data == "faces":
        of_faces(given.encoders or IMAGES, budget)
    elif given.data == "characters":
        of_characters(given.encoders or IMAGES, budget, given.seeds)
    else:
        of_series(given.encoders or SERIES, given.names, budget, given.seeds)


def of_faces(encoders: tuple[str, ...], budget: float) -> None:
    """AT&T: 400 pictures, 64 x 64, of 40 people."""
    for encoder in encoders:
        recipe = Recipe.for_kind("image").with_settings(
            [*FACES, f"encoder={encoder}", f"budget_seconds={budget}"]
        )
        found = faces.pooled(recipe)[""]
        results.row(
            "",
            {
                "encoder": encoder,
                "items/s": found.pace,
                "FAR at the threshold for 0.05": faces.interval(found.far),
                "FRR there": faces.interval(found.frr),
                "EER": float(np.mean(found.eer)),
                "10-way one-shot": float(np.mean(found.shot)),
            },
        )


def of_characters(encoders: tuple[str, ...], budget: float, seeds: int) -> None:
    """Omniglot, 28 x 28."""
    items = Omniglot("evaluation").items()
    drawers = np.array([drawer_of(str(place)) for place in items.places])
    for encoder in encoders:
        for seed in range(seeds):
            recipe = Recipe.for_kind("image").with_settings(
                [
                    *omniglot.RECIPE,
                    "source=omniglot('background')",
                    f"encoder={encoder}",
                    f"budget_seconds={budget}",
                    f"seed={seed}",
                ]
            )
            with tempfile.TemporaryDirectory() as place:
                made = run_experiment(recipe, out=Path(place) / "model")
                with decode_all(items, made.model.transform) as decoded:
                    vectors = made.model.embed_decoded(decoded)
                pace = np.mean([epoch.items_per_second for epoch in made.epochs])
                within = omniglot.episodes(
                    vectors, items.identities, drawers, items.groups, made.model, 100
                )
                everywhere = np.full(len(items), "all")
                between = omniglot.episodes(
                    vectors, items.identities, drawers, everywhere, made.model, 2000
                )
            each = [float(np.mean(missed)) for missed in between.values()]
            results.row(
                "",
                {
                    "encoder": encoder,
                    "seed": seed,
                    "items/s": float(pace),
                    "20-way error within alphabets": omniglot.interval(omniglot.by_group(within)),
                    "between alphabets": omniglot.interval(each),
                },
            )


def of_series(encoders: tuple[str, ...], names: tuple[str, ...], budget: float, seeds: int) -> None:
    """1-NN on the learned distance beside 1-NN Euclidean."""
    for name in names:
        found = {"set": name, "encoder": "none: Euclidean on the raw series"}
        results.row("", {**found, "1-NN error": f"{series.euclidean_error(name):.4f}"})
        for encoder in encoders:
            errors = [
                series.learned_error(name, {"encoder": encoder}, budget, seed)[0]
                for seed in range(seeds)
            ]
            words = faces.mean_interval(errors) if seeds > 1 else f"{errors[0]:.4f}"
            results.row("", {"set": name, "encoder": encoder, "1-NN error": words})


if __name__ == "__main__":
    results.run("choose", main)
