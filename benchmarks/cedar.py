"""CEDAR signatures by writer: five folds over all 55 writers, black on white.

    python -m benchmarks.cedar --budget 4min

Each fold trains on 30 writers, calibrates on 14 and tests on 11. Its thresholds are fitted for
skilled forgeries; what they do to skilled and to random ones (other people's signatures) is pooled
over the folds. Pages are binarised and cut to the ink, since the page alone tells forgeries.
Needs LIKEWISE_DATA.
"""

import argparse
from dataclasses import replace

from benchmarks.faces import interval
from benchmarks.machine import machine_line
from likewise.evaluation.pooled import PooledEvaluation
from likewise.learn.folds import cross_validate
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


def lines(found: PooledEvaluation) -> list[str]:
    """The table."""
    told = []
    for fold in found.folds:
        eers = fold.evaluation.verification.population_eers
        each = ", ".join(f"{name} {eer:.4f}" for name, eer in eers.items())
        told.append(f"fold {fold.number}: EER {each}; {fold.items_per_second:.0f} items/s")
    each = ", ".join(f"{name} {eer:.4f}" for name, eer in found.population_eers.items())
    told.append(f"mean of {len(found.folds)} folds: EER {each}")
    told.append("at the frozen thresholds, decisions of all folds pooled:")
    for point in found.points:
        if point.rates is None:
            told.append(f"{point.name}: not supported. {point.reason}")
            continue
        skilled, random = (point.populations[name].far for name in ("skilled", "random"))
        told.append(
            f"{point.name}: FAR skilled {interval(skilled)}, random {interval(random)}; "
            f"FRR {interval(point.rates.frr)}"
        )
    return told


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
    print(f"{recipe.transform}, {recipe.encoder}, {recipe.loss}, {recipe.sampler}", flush=True)
    found = cross_validate(
        recipe,
        Cedar(),
        folds=given.folds,
        on_fold=lambda number, of: print(f"fold {number} of {of}", flush=True),
    )[""]
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
