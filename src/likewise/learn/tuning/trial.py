"""Where and how one recipe of a search is measured: what of the data it may see, and for how long.

Nothing that calibrates or tests is reachable from what is made here.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from likewise.errors import SplitError
from likewise.learn.folds import deal_folds
from likewise.learn.loop.data import Data, dealt
from likewise.learn.loop.run import Run
from likewise.learn.loop.train import run_on
from likewise.recipe import Recipe
from likewise.shapes import Array, Int
from likewise.types import Claim, Items, Role, Split

FEWEST_IDENTITIES = 6
"""Of which folds inside *train* can be made: two, with enough to learn from in each."""

REPORTS = 10
"""In a fold, at most: to each belongs a step, at which trials are compared."""

_THREE_FOLDS = 15


def learned_part(data: Data, recipe: Recipe) -> Data:
    """What `train` would learn from and select by, and nothing else.

    Args:
        data: As `train` would part it, by the same recipe.
        recipe: Says the transform.
    """
    roles = [role for role in (Role.TRAIN, Role.SELECT) if role in data.parts]
    rows = [data.split.indices[role] for role in roles]
    ends = np.cumsum([len(some) for some in rows])
    places = np.split(np.arange(ends[-1]), ends[:-1])
    whole = data.whole.take(np.concatenate(rows))
    drawn = _split(data.split.claim, dict(zip(roles, places, strict=True)), data.split.how)
    return dealt(data.namespace, whole, drawn, recipe.transform)


def trial_folds(data: Data, recipe: Recipe) -> list[Data]:
    """The data themselves where *select* measures, else folds inside *train*.

    In each fold what is left out has the role *select*: whole identities (or components of pairs)
    under `new_identities`, items of every class under `known_classes`.

    Raises:
        SplitError: If the identities are too few.
    """
    if Role.SELECT in data.parts:
        return [data]
    items = data.whole.items
    _require_enough(items, data.split.claim)
    if data.split.claim is Claim.KNOWN_CLASSES:
        number, fold = 2, _fold_of_items(items, recipe.seed)
    else:
        number = 3 if len(set(items.identities.tolist())) >= _THREE_FOLDS else 2
        fold_of = deal_folds(items, number, recipe.seed)
        fold = np.array([fold_of[str(name)] for name in items.identities], dtype=np.int64)
    made = []
    for one in range(number):
        parts = {Role.TRAIN: np.flatnonzero(fold != one), Role.SELECT: np.flatnonzero(fold == one)}
        how = f"Fold {one + 1} of {number} inside train."
        drawn = _split(data.split.claim, parts, how)
        made.append(dealt(data.namespace, data.whole, drawn, recipe.transform))
    return made


def trial_words(data: Data, folds: int) -> str:
    """In words, who measures."""
    part = Role.TRAIN if folds > 1 else Role.SELECT
    items = data.parts[part].items
    noun = "identities" if data.split.claim is Claim.NEW_IDENTITIES else "classes"
    noun = noun if items.pairs is None else "groups of linked pairs"
    count = f"{len(set(items.identities.tolist()))} {noun}"
    return f"{count} of train, in {folds} folds" if folds > 1 else f"{count} of select"


def timed(recipe: Recipe, seconds: float) -> Recipe:
    """The same recipe, to train so long."""
    return recipe.with_fields({"budget_seconds": seconds})


def run_trial(
    recipe: Recipe,
    folds: list[Data],
    seconds: float,
    *,
    until: float,
    device: str,
    on_report: Callable[[Run, int, float], bool],
) -> float | None:
    """Train a recipe in each fold, and take the mean of what these measure.

    A fold inside *train* counts with its last epoch, since `train` keeps the last where no
    identities select; *select* counts with its best, since `train` keeps that.

    Args:
        recipe: What is measured.
        folds: Each with the roles *train* and *select*.
        seconds: To train in each.
        until: When to give up, as `time.perf_counter` tells it.
        device: Where to train.
        on_report: Called now and then with the run, a step and the mean so far; says whether to go
            on.

    Returns:
        The mean; None where it was given up.

    Raises:
        SplitError: If what is left out holds no pair to measure by.
        TrainingError: If training diverges, or the recipe cannot be trained.
    """
    alone = len(folds) == 1
    done: list[float] = []
    for number, data in enumerate(folds):
        run = run_on(data, timed(recipe, seconds), device=device)
        run.on_step = _stopping(run, until)
        figures: list[float] = []
        reported = -1
        for epoch in run:
            if epoch.figure is None:
                raise SplitError(
                    f"{data.namespace}: {data.split.how} What is left out holds no two items of "
                    "one identity beside another, so nothing can be measured. Give more items."
                )
            figures.append(epoch.figure)
            at = min(REPORTS - 1, int(REPORTS * epoch.seconds / seconds))
            if at > reported:
                reported, current = at, min(figures) if alone else figures[-1]
                if not on_report(run, number * REPORTS + at, float(np.mean([*done, current]))):
                    return None
        if run.stopped:
            return None
        done.append(min(figures) if alone else figures[-1])
        # Found out once, since that takes a second or two.
        recipe = replace(recipe, precision=run.recipe.precision)
    return float(np.mean(done))


def _stopping(run: Run, until: float) -> Callable[[float, float], None]:
    def step(_share: float, _loss: float) -> None:
        if time.perf_counter() > until:
            run.stop()

    return step


def _split(claim: Claim, parts: dict[Role, Int[Array, "_"]], how: str) -> Split:
    none = np.empty(0, dtype=np.int64)
    return Split(claim, {role: parts.get(role, none) for role in Role}, how)


def _require_enough(items: Items, claim: Claim) -> None:
    names, counts = np.unique(items.identities[~items.forged], return_counts=True)
    known = claim is Claim.KNOWN_CLASSES
    if items.pairs is not None:
        able, need = len(names), "linked by pairs"
    else:
        able, need = int((counts >= (4 if known else 2)).sum()), f"of {4 if known else 2} items"
    least = 2 if known else FEWEST_IDENTITIES
    if able < least:
        raise SplitError(
            f"{items.namespace}: train has {able} {'classes' if known else 'identities'} {need} or "
            f"more, and {least} are needed to cross-validate inside it. Give more, or set "
            "fractions.select, so that others measure."
        )


def _fold_of_items(items: Items, seed: int) -> Int[Array, "n"]:
    """The items of each class dealt to two folds in turn."""
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(len(items)), items.identities))
    _, starts, counts = np.unique(items.identities[order], return_index=True, return_counts=True)
    fold = np.empty(len(items), dtype=np.int64)
    fold[order] = (np.arange(len(items)) - np.repeat(starts, counts)) % 2
    return fold
