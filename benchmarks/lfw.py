"""LFW from scratch: the false-accept rate on people never seen, and the accuracy of view 2.

    python -m benchmarks.lfw --folds 2 --budget 8min

A demonstration of decisions, not of faces: 48x48 grey pixels and no other data (view 2,
unrestricted, no outside data). A fold tests the people of one of the ten sets of view 2; of the
others, three in four train and one in four calibrate. The threshold for FAR .01 is fitted on all
different pairs of the calibrate people, and its rates are measured on all pairs of the tested ones.
Beside it stands the accuracy on the fold's own 600 pairs, at the threshold of least balanced error
on the calibrate people. Needs LIKEWISE_DATA.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.faces import interval
from benchmarks.machine import machine_line
from likewise.calibration import DecisionRequest
from likewise.data.cache import Decoded, decode_all
from likewise.data.splits import split
from likewise.evaluation.pooled import Decided, Fold, PooledPoint, pool_folds
from likewise.learn.experiment import run_experiment
from likewise.metrics.tally import Tally
from likewise.model.model import Model
from likewise.pairs.choose import choose_pairs
from likewise.recipe.recipe import Recipe, seconds_of
from likewise.sources.lfw import FOLDS, Lfw
from likewise.types import Claim, Items, Role, Split

NEW = Claim.NEW_IDENTITIES
SHARES = {Role.TRAIN: 0.675, Role.CALIBRATE: 0.225, Role.TEST: 0.1}
RECIPE = Recipe(
    transform="image(size=48)",
    encoder="resnet",
    loss="supcon",
    sampler="classes_by_items(classes=32, items=4)",
    augmentations=("affine",),
    # Of four recipes, a minute each, learned from sets 4 to 10 and looked at on set 3.
    learning_rate=0.003,
)


def parts(number: int) -> Callable[[Items], Split]:
    """The split that tests the people of one set."""

    def share_out(items: Items) -> Split:
        own = items.groups == str(number)
        parted = replace(items, parts=np.where(own, "test", "train"))
        return split(parted, NEW, fractions=SHARES, by="source", seed=0)

    return share_out


def view2(model: Model, number: int) -> tuple[Tally, Tally]:
    """What the model decides about the 600 pairs of a set: different ones, same ones."""
    items = Lfw(view=2, fold=number).items()
    with decode_all(items, model.transform) as decoded:
        vectors = model.embed_decoded(decoded)
    threshold = model.calibration().point(DecisionRequest(operating_point="balanced")).threshold
    compared = choose_pairs(vectors, decoded.items, model.comparator())
    return compared.tallies([threshold], NEW)[0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=2, help=f"how many of the {FOLDS}")
    parser.add_argument("--budget", default="8min", help="of each fold")
    parser.add_argument("--set", action="append", default=[], help="any field of the recipe")
    given = parser.parse_args()
    print(machine_line())
    recipe = RECIPE.with_fields({"budget_seconds": seconds_of(given.budget)})
    recipe = recipe.with_settings(given.set)
    folds, decided, accuracies = [], [], []
    for number in range(1, given.folds + 1):
        found: list[Decided] = []

        def look(model: Model, test: Decoded, found: list[Decided] = found) -> None:
            fitted = model.calibration()
            vectors = model.embed_decoded(test)
            compared = choose_pairs(vectors, test.items, model.comparator())
            found.append(Decided.of(compared, fitted.points, NEW))

        with tempfile.TemporaryDirectory() as place:
            made = run_experiment(
                recipe,
                Lfw(),
                out=Path(place) / "model",
                parts=parts(number),
                examples=False,
                on_measured=look,
            )
            far, frr = view2(made.model, number)
        pace = float(np.mean([epoch.items_per_second for epoch in made.epochs]))
        folds.append(Fold(number, made.parts, made.evaluation, pace))
        decided += found
        wrong, pairs = far.errors + frr.errors, far.trials + frr.trials
        accuracies.append(1 - wrong / pairs)
        results.note(f"fold {number}: {made.parts}; {pace:.0f} items/s")
        results.note(
            f"  EER {made.evaluation.verification.eer:.4f}; view 2: {pairs - wrong} of {pairs}"
        )
        report(f"fold {number}", pool_folds(folds[-1:], decided[-1:]).points)
    results.note(
        f"view 2, {given.folds} of {FOLDS} folds: accuracy {np.mean(accuracies):.4f}"
        + (
            f" +- {np.std(accuracies, ddof=1) / len(accuracies) ** 0.5:.4f} (standard error)"
            if len(accuracies) > 1
            else ""
        )
    )
    report("pooled", pool_folds(folds, decided).points)


def report(name: str, points: tuple[PooledPoint, ...]) -> None:
    """Print what the thresholds did to people never seen."""
    for point in points:
        if point.rates is not None:
            far, frr = interval(point.rates.far), interval(point.rates.frr)
            results.row("", {"": name, "point": point.name, "FAR": far, "FRR": frr})


if __name__ == "__main__":
    results.run("lfw", main)
