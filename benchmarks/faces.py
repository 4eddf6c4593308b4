"""AT&T faces by four folds over the 40 people, for one encoder or another.

The folds are disjoint: 20 people train, 10 calibrate, 10 test. Every fold applies its own
threshold; the decisions of the four are pooled, never the distances. Needs LIKEWISE_DATA.

    python -m benchmarks.faces --budget 60s
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from benchmarks import results
from benchmarks.machine import machine_line
from likewise.evaluation.pooled import PooledEvaluation
from likewise.learn.folds import train_folds
from likewise.recipe.recipe import Recipe, seconds_of
from likewise.results.rates import Rate
from likewise.sources.data_folder import find_data
from likewise.sources.folder import Folder

FOLDS = 4
SHARES = {"train": 0.5, "calibrate": 0.25, "test": 0.25}


@dataclass(frozen=True)
class Pooled:
    """What four folds measured together.

    Attributes:
        far: At each fold's own threshold, over the decisions of all; None if not supported.
        frr: Likewise.
        eer: Of each fold.
        shot: One-shot accuracy of each fold.
        pace: Items a second of training.
    """

    far: Rate | None
    frr: Rate | None
    eer: tuple[float, ...]
    shot: tuple[float, ...]
    pace: float


def faces() -> Folder:
    """The 400 pictures of 40 people."""
    return Folder(str(find_data("the AT&T faces", "att_faces.zip")))


def pooled(
    recipe: Recipe, point: str = "far=0.05", comparators: Sequence[str] = ("",)
) -> Mapping[str, Pooled]:
    """Train the four folds and pool their decisions, for each comparator of the model."""
    found = train_folds(
        replace(recipe, fractions=SHARES, split_by="random"),
        faces(),
        folds=FOLDS,
        comparators=comparators,
    )
    return {name: _of(one, point) for name, one in found.items()}


def _of(found: PooledEvaluation, point: str) -> Pooled:
    at = next(p for p in found.points if p.name == point)
    shots = [fold.evaluation.one_shot for fold in found.folds]
    return Pooled(
        far=at.rates.far if at.rates else None,
        frr=at.rates.frr if at.rates else None,
        eer=tuple(fold.evaluation.verification.eer for fold in found.folds),
        shot=tuple(shot.accuracy for shot in shots if shot is not None),
        pace=float(np.mean([fold.items_per_second for fold in found.folds])),
    )


def interval(rate: Rate | None) -> str:
    """A rate with its 95% interval."""
    if rate is None:
        return "not supported"
    if rate.low is None:
        return f"{rate.value:.4f} ({rate.errors} of {rate.trials} pairs)"
    return f"{rate.value:.4f} ({rate.low:.4f} to {rate.high:.4f})"


def mean_interval(values: Sequence[float]) -> str:
    """The mean of units that count equally, with its 95% t interval."""
    mean = float(np.mean(values))
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return f"{mean:.4f} ({max(0.0, mean - half):.4f} to {min(1.0, mean + half):.4f})"


def main() -> None:
    """Print the rates at every supported point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="60s")
    given = parser.parse_args()
    print(machine_line())
    recipe = Recipe().with_settings(["transform=image(size=48)", "augmentations=affine"])
    recipe = recipe.with_fields({"budget_seconds": seconds_of(given.budget)})
    found = train_folds(replace(recipe, fractions=SHARES, split_by="random"), faces(), folds=FOLDS)[
        ""
    ]
    results.note(f"mean EER {found.eer:.4f}, one-shot {found.one_shot or 0:.4f}")
    for point in found.points:
        if point.rates is not None:
            rates = point.rates
            far, frr = interval(rates.far), interval(rates.frr)
            results.row("", {"point": point.name, "FAR": far, "FRR": frr})


if __name__ == "__main__":
    results.run("faces", main)
