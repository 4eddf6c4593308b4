"""CEDAR signatures by writer: five folds over all 55 writers, black on white.

    python -m benchmarks.cedar --budget 4min

Each fold trains on 30 writers, calibrates on 14 and tests on 11. Its thresholds are fitted for
skilled forgeries; what they do to skilled and to random ones (other people's signatures) is pooled
over the folds. Pages are binarised and cut to the ink, since the page alone tells forgeries.
Needs LIKEWISE_DATA.
"""

import argparse
from dataclasses import replace

from benchmarks import results
from benchmarks.faces import interval
from benchmarks.machine import machine_line
from likewise.evaluation.pooled import PooledEvaluation
from likewise.learn.folds import train_folds
from likewise.recipe.recipe import Recipe, seconds_of
from likewise.sources.cedar import Cedar

WRITERS = 55
SHARES = {"train": 30 / WRITERS, "calibrate": 14 / WRITERS, "test": 11 / WRITERS}
RECIPE = Recipe(
    transform="image(size=64, invert=True, binarise=True, crop=True)",
    encoder="convnet4",
    loss="contrastive",
    sampler="genuine_forged(pairs=48)",
    augmentations=("affine",),
    fractions=SHARES,
)


def report(found: PooledEvaluation) -> None:
    """Print the tables."""
    for fold in found.folds:
        eers = fold.evaluation.verification.population_eers
        each = {f"EER, {name}": eer for name, eer in eers.items()}
        results.row("", {"fold": fold.number, **each, "items/s": fold.items_per_second})
    each = {f"EER, {name}": eer for name, eer in found.population_eers.items()}
    results.row("", {"fold": f"mean of {len(found.folds)}", **each})
    for point in found.points:
        if point.rates is None:
            results.note(f"{point.name}: not supported. {point.reason}")
            continue
        skilled, random = (point.populations[name].far for name in ("skilled", "random"))
        results.row(
            "At the frozen thresholds, decisions of all folds pooled",
            {
                "point": point.name,
                "FAR, skilled": interval(skilled),
                "FAR, random": interval(random),
                "FRR": interval(point.rates.frr),
            },
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="4min", help="of each fold")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--impostors", default="skilled", choices=["skilled", "random", "both"])
    parser.add_argument("--set", action="append", default=[], help="any field of the recipe")
    given = parser.parse_args()
    print(machine_line())
    recipe = RECIPE.with_fields({"budget_seconds": seconds_of(given.budget)})
    recipe = replace(recipe, impostors=given.impostors).with_settings(given.set)
    results.note(f"{recipe.transform}, {recipe.encoder}, {recipe.loss}, {recipe.sampler}")
    found = train_folds(
        recipe,
        Cedar(),
        folds=given.folds,
        on_fold=lambda number, of: print(f"fold {number} of {of}", flush=True),
    )[""]
    report(found)


if __name__ == "__main__":
    results.run("cedar", main)
