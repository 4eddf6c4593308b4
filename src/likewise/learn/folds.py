"""Folds: a recipe is trained and measured several times, and every identity is tested once.

Each fold trains, calibrates and tests on identities of its own and applies its own threshold; the
decisions are pooled, never the distances.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from likewise.calibration import FEWEST_FOR_THRESHOLDS, DecisionRequest
from likewise.data import DEFAULT_SHARES, LEAST_OF_SHARE, Decoded, most_shared, pair_counts, split
from likewise.errors import BadArgument, RecipeError, SplitError
from likewise.evaluation import Decided, Fold, FoldProbabilities, PooledEvaluation, pool_folds
from likewise.learn.experiment import run_experiment
from likewise.learn.loop.data import Splitter
from likewise.learn.loop.run import OnStep, Run
from likewise.model import Model
from likewise.pairs import choose_pairs
from likewise.recipe import Recipe
from likewise.results import Epoch, Evaluation, check_prior
from likewise.shapes import Array, Int
from likewise.sources import FAMILY as SOURCES
from likewise.sources.base import Source
from likewise.tasks.evaluate import measure_model
from likewise.tasks.features import features_for
from likewise.types import Claim, Items, Role, Split

MOST_FOLDS = 100


def train_folds(
    recipe: Recipe,
    source: Source | None = None,
    *,
    folds: int,
    comparators: Sequence[str] = ("",),
    prior: float = 0.5,
    strict: bool = False,
    device: str = "auto",
    on_fold: Callable[[int, int], None] | None = None,
    on_decode: Callable[[int, int], None] | None = None,
    on_start: Callable[[Run], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_step: OnStep | None = None,
) -> Mapping[str, PooledEvaluation]:
    """Train and measure a recipe once for each fold, and pool the decisions.

    The folds are drawn by the recipe's seed. What a fold does not test is shared out by the
    recipe's fractions of the other roles; where it names none, ten identities at least are for
    calibrating if 30 are left. A budget is one for each fold.

    Args:
        recipe: Every choice of the run.
        source: Where the items come from, when not what the recipe names.
        folds: How many, 2 to 100.
        comparators: What to measure of each model: `matcher`, `distance`, or empty for the one
            that decides.
        prior: The share of same pairs where this is used, for what is measured of probabilities.
        strict: Stop at the first item that cannot be read.
        device: Where to train: `auto`, `cpu` or `cuda`.
        on_fold: Called before each fold with its number, of how many.
        on_decode: Called with how many items are decoded, of how many.
        on_start: Called with each run once its data are read.
        on_epoch: Called after each epoch.
        on_step: Called after each step with the share done and the loss.

    Returns:
        What was measured, for each comparator.

    Raises:
        BadArgument: If there are not 2 to 100 folds, or the prior is not between 0 and 1.
        RecipeError: If the recipe claims known classes, or splits by other parts than identities.
        SplitError: If the data cannot carry so many folds, with what stands in the way.
        SourceError: If the data cannot be used.
        TrainingError: If training diverges.
    """
    recipe = recipe.checked()
    _check(recipe, folds)
    check_prior(prior)
    if source is None and not recipe.source:
        raise RecipeError("The recipe names no source. Set source, or give one in Python.")
    built = SOURCES.build(recipe.source) if source is None else source
    items = built.items()
    fold_of = deal_folds(items, folds, recipe.seed)
    for number in range(folds):
        # Nothing is learned before it is known that every fold can be.
        splitter(fold_of, number, folds, recipe)(items)
    done: dict[str, list[tuple[Fold, Decided]]] = {name: [] for name in comparators}
    for number in range(folds):
        if on_fold is not None:
            on_fold(number + 1, folds)
        measured: dict[str, tuple[Evaluation, Decided]] = {}

        def look(
            model: Model, test: Decoded, found: dict[str, tuple[Evaluation, Decided]] = measured
        ) -> None:
            for name in comparators:
                found[name] = _decided(model, test, items.namespace, name, prior)

        with tempfile.TemporaryDirectory(prefix="likewise-") as place:
            made = run_experiment(
                recipe,
                built,
                out=Path(place) / "model",
                strict=strict,
                examples=False,
                device=device,
                parts=splitter(fold_of, number, folds, recipe),
                on_decode=on_decode,
                on_start=on_start,
                on_epoch=on_epoch,
                on_step=on_step,
                on_measured=look,
            )
        pace = float(np.mean([epoch.items_per_second for epoch in made.epochs]))
        for name, (evaluation, decided) in measured.items():
            done[name].append((Fold(number + 1, made.parts, evaluation, pace), decided))
    return {
        name: pool_folds([fold for fold, _ in found], [decided for _, decided in found], prior)
        for name, found in done.items()
    }


def _check(recipe: Recipe, folds: int) -> None:
    if not 2 <= folds <= MOST_FOLDS:
        raise BadArgument(f"{folds} folds were asked for, and 2 to {MOST_FOLDS} are expected.")
    if recipe.claim != Claim.NEW_IDENTITIES:
        raise RecipeError(
            f"claim is {recipe.claim}, and folds share out whole identities. Set "
            "claim=new_identities, or leave the folds out."
        )
    if recipe.split_by not in {"auto", "random"}:
        raise RecipeError(
            f"split_by is {recipe.split_by!r}, and folds are drawn at random over all identities, "
            "whatever the source's parts and groups. Set split_by=random, or leave the folds out."
        )


def _decided(
    model: Model, test: Decoded, source: str, comparator: str, prior: float
) -> tuple[Evaluation, Decided]:
    """What a fold's model does to its own test items."""
    fitted = model.calibration(comparator=comparator)
    request = DecisionRequest(prior=prior, comparator=comparator)
    evaluation = measure_model(model, test, source, request)
    features = features_for(model, test, comparator)
    compared = choose_pairs(features.vectors, features.items, features.comparator, fitted.against)
    decided = Decided.of(compared, fitted.points, fitted.claim)
    said = FoldProbabilities.of(compared, fitted.ratios, fitted.claim, prior)
    return evaluation, replace(decided, said=said)


def splitter(fold_of: Mapping[str, int], number: int, folds: int, recipe: Recipe) -> Splitter:
    """The split of one fold: its identities test, the others are shared out as the recipe says.

    Args:
        fold_of: The fold of each identity, from 0.
        number: Of the fold that tests, from 0.
        folds: How many there are.
        recipe: Whose fractions and seed are used.
    """

    def share_out(items: Items) -> Split:
        tests = np.array([fold_of[str(name)] == number for name in items.identities], dtype=bool)
        parted = replace(items, parts=np.where(tests, "test", "train"))
        drawn = split(
            parted,
            Claim.NEW_IDENTITIES,
            fractions=_fractions(recipe, items, len(set(items.identities[~tests].tolist()))),
            by="source",
            seed=recipe.seed,
        )
        counts = drawn.how.partition(": ")[2]
        return replace(drawn, how=f"Fold {number + 1} of {folds}: {counts}")

    return share_out


def _fractions(recipe: Recipe, items: Items, left: int) -> dict[Role, float] | None:
    """The recipe's; where it names none, at least enough identities to calibrate on, if it can be.

    The usual fractions leave fewer than ten of 30 to 35 identities for it, and then not one
    threshold could be measured.
    """
    if recipe.fractions:
        return {Role(role): share for role, share in recipe.fractions.items()}
    usual = DEFAULT_SHARES[Role.CALIBRATE] / (1 - DEFAULT_SHARES[Role.TEST])
    if (
        items.pairs is not None
        or left * usual >= FEWEST_FOR_THRESHOLDS
        or left < 3 * FEWEST_FOR_THRESHOLDS
    ):
        return None
    rest = 1 - DEFAULT_SHARES[Role.TEST]
    # A quarter more, so that no rounding takes one away.
    calibrate = rest * (FEWEST_FOR_THRESHOLDS + 0.25) / left
    return {
        Role.TRAIN: rest - calibrate,
        Role.CALIBRATE: calibrate,
        Role.TEST: DEFAULT_SHARES[Role.TEST],
    }


def deal_folds(items: Items, folds: int, seed: int) -> dict[str, int]:
    """The fold of each identity, or of each component where the source gives pairs.

    Identities with two items, and those with forgeries, are dealt evenly; components so that every
    fold has nearly its share of same and of different pairs.

    Args:
        items: The whole table.
        folds: How many.
        seed: Where all chance comes from.

    Raises:
        SplitError: If they are too few, or a component holds too many of the pairs.
    """
    random = np.random.default_rng(seed)
    names, codes = np.unique(items.identities, return_inverse=True)
    if "" in names:
        raise SplitError(
            f"{items.namespace}: some items have no identity, so nothing can be dealt."
        )
    if items.pairs is not None:
        dealt = _deal_components(items, names, codes, folds, random)
        return dict(zip(map(str, names), dealt.tolist(), strict=True))
    own = np.bincount(codes[~items.forged], minlength=len(names))
    forged = np.bincount(codes[items.forged], minlength=len(names))
    if (paired := int((own >= 2).sum())) < folds or len(names) < 2 * folds:
        raise SplitError(
            f"{items.namespace} has {len(names)} identities, {paired} of them with two items or "
            f"more, and {folds} folds need {2 * folds}, {folds} of them with two items. Ask for "
            "fewer folds, or add some."
        )
    # One round after the other, so that no fold has two more than another of any sort.
    mixed = random.permutation(len(names))
    order = mixed[np.lexsort((forged[mixed] > 0, own[mixed] >= 2))]
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names)) % folds
    return dict(zip(map(str, names), place.tolist(), strict=True))


def _deal_components(
    items: Items,
    names: Array,
    codes: Int[Array, "n"],
    folds: int,
    random: np.random.Generator,
) -> Int[Array, "components"]:
    counts = pair_counts(items, codes, len(names))
    totals = np.maximum(counts.sum(1), 1)
    held = np.zeros((2, folds), dtype=np.int64)
    dealt = np.empty(len(names), dtype=np.int64)
    mixed = random.permutation(len(names))
    for component in mixed[np.argsort(-counts[:, mixed].sum(0), kind="stable")].tolist():
        after = (held + counts[:, [component]]) / totals[:, None]
        # To the fold where the shares of both sorts grow least beyond the others'.
        grown = (after**2 - (held / totals[:, None]) ** 2).sum(0)
        fold = int(np.argmin(grown))
        dealt[component] = fold
        held[:, fold] += counts[:, component]
    least = LEAST_OF_SHARE * counts.sum() / folds
    if (held == 0).any() or held.sum(0).min() < least:
        largest = int(counts.sum(0).argmax())
        inside = items.take(np.flatnonzero(codes == largest))
        worst = int(np.argmin(np.where((held == 0).any(0), 0, held.sum(0))))
        raise SplitError(
            f"{items.namespace}: items that hang together by pairs stay in one fold, and "
            f"{len(names)} such components make no {folds} folds with same and different pairs and "
            f"half of their share of the pairs at least: fold {worst + 1} would have "
            f"{held[1, worst]} same and {held[0, worst]} different ones. The largest component, "
            f"that of {names[largest]}, holds {counts[:, largest].sum()} of {counts.sum()} pairs. "
            f"{most_shared(inside)} Ask for fewer folds, drop pairs that join many items, or add "
            "pairs of other items."
        )
    return dealt
