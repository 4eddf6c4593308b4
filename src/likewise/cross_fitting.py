"""Thresholds fitted on some of the data and applied to the rest, in turn, until all is decided.

Nothing decides about what it was fitted on: units (identities, or groups of linked pairs) are dealt
into folds, each fold is decided by thresholds fitted on the others, and the decisions are pooled,
never the distances.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from likewise.calibration import Calibration
from likewise.comparisons import Compared
from likewise.errors import BadArgument, SplitError
from likewise.evaluation import calibrate, verify_all
from likewise.given import Given, GivenComparisons
from likewise.metrics.tally import Tally
from likewise.printable import printable
from likewise.results import ErrorRates, Rate, Verification
from likewise.shapes import Array, Int
from likewise.types import Claim

FOLDS = 5
MOST_FOLDS = 100
CLAIM = Claim.NEW_IDENTITIES
ACCURACY_POINT = "balanced"
"""The operating point at which accuracy is measured: where the mean of both errors is least."""


@dataclass(frozen=True)
class Accuracy:
    """The share of pairs that were decided rightly.

    Attributes:
        value: A fraction.
        right: How many pairs were decided rightly.
        trials: Of how many.
        units: How many independent trials stand behind the interval.
        low: Lower end of the 95% interval; None if the units are too few for one.
        high: Upper end; None likewise.
    """

    value: float
    right: int
    trials: int
    units: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CrossFitted:
    """What thresholds do to data that they were not fitted on.

    Attributes:
        calibration: Fitted on all of the data; the rates of its points are those of the folds.
        verification: What the distances are like, and the same points.
        accuracy: At the point `balanced` of each fold, every pair weighing equally; None where the
            folds could not be stratified, or all pairs of embeddings were compared.
        balanced_accuracy: One less the mean of FAR and FRR, there.
        folds: Into how many parts the data were dealt.
        stratified: Whether each part has its share of same and of different pairs, to a pair.
    """

    calibration: Calibration
    verification: Verification
    accuracy: Accuracy | None
    balanced_accuracy: Accuracy
    folds: int
    stratified: bool


@dataclass(frozen=True)
class Decided:
    """What one threshold did to the fold that it was not fitted on.

    Attributes:
        far: About different pairs.
        frr: About same pairs.
        units: For each of the two, which units its tally goes through.
        count: How many units the fold has.
    """

    far: Tally
    frr: Tally
    units: tuple[Int[Array, "f"], Int[Array, "r"]]
    count: int


def deal(given: Given, folds: int = FOLDS, seed: int = 0) -> Int[Array, "units"]:
    """The fold of each unit; every fold gets its share of same and of different pairs, nearly.

    Heavy units come first, each to the fold that lacks the most of what it brings.

    Args:
        given: What to deal.
        folds: Into how many parts.
        seed: Of the order of units of the same weights.

    Raises:
        BadArgument: If there are not 2 to 100 folds.
        SplitError: If a fold would lack same or different pairs; with the largest unit.
    """
    if not 2 <= folds <= MOST_FOLDS:
        raise BadArgument(f"{folds} folds were asked for, and 2 to {MOST_FOLDS} are expected.")
    weights = given.weights()
    random = np.random.default_rng(seed)
    mixed = random.permutation(weights.shape[1])
    order = mixed[np.argsort(-weights[:, mixed].sum(0), kind="stable")]
    totals = np.maximum(weights.sum(1), 1).tolist()
    # Of each fold, the share of the different and of the same pairs that it still lacks.
    lacks = [[1 / folds, 1 / folds] for _ in range(folds)]
    ranks = random.permutation(folds).tolist()
    dealt = np.empty(weights.shape[1], dtype=np.int64)
    brought = weights[:, order].T.tolist()
    for unit, (apart, alike) in zip(order.tolist(), brought, strict=True):
        wants = [apart / totals[0], alike / totals[1]]
        best = max(
            ranks,
            key=lambda fold: (
                wants[0] * lacks[fold][0] + wants[1] * lacks[fold][1],
                lacks[fold][0] + lacks[fold][1],
            ),
        )
        dealt[unit] = best
        lacks[best][0] -= wants[0]
        lacks[best][1] -= wants[1]
    held = _held(given, dealt, folds)
    if (held < np.array(given.least)[:, None]).any():
        raise SplitError(_refusal(given, weights, held))
    return dealt


def _held(given: Given, dealt: Int[Array, "units"], folds: int) -> Int[Array, "2 folds"]:
    """What each fold holds for different and for same pairs."""
    sums = [np.bincount(dealt, weight, minlength=folds) for weight in given.weights()]
    return np.stack(sums).astype(np.int64)


def _refusal(given: Given, weights: Int[Array, "2 u"], held: Int[Array, "2 k"]) -> str:
    folds = held.shape[1]
    worst = int(np.argmin((held - np.array(given.least)[:, None]).min(0)))
    largest = int(weights.sum(0).argmax())
    name = printable(str(given.names[largest]))
    todo = "Give fewer --folds, or more data."
    if not isinstance(given, GivenComparisons):
        return (
            f"{given.place} has {weights.shape[1]} identities, {int(weights[1].sum())} of them "
            f"with two items or more, and {folds} folds need {2 * folds} identities, {folds} of "
            f"them with two items. {todo}"
        )
    of = f"{int(weights[:, largest].sum())} of the {int(weights.sum())} pairs"
    return (
        f"{given.place}: pairs that hang together by their items stay in one fold, and "
        f"{weights.shape[1]} such groups make no {folds} folds with a same and a different pair in "
        f"each: one would have {held[1, worst]} same and {held[0, worst]} different. The largest "
        f"group, that of {name!r}, holds {of}. {todo} Where all items hang together, drop the "
        "pairs of the items that most others are compared with; or give their embeddings with "
        "labels (.npz), of which whole identities are dealt."
    )


def is_stratified(given: Given, dealt: Int[Array, "units"]) -> bool:
    """Whether each fold has the share of same pairs that all have, to a pair."""
    different, same = _held(given, dealt, int(dealt.max()) + 1)
    pairs = same + different
    return bool((np.abs(same - same.sum() * pairs / pairs.sum()) <= 1).all())


def pool(
    given: Given,
    dealt: Int[Array, "units"],
    fit: Callable[[Compared], Mapping[str, float]],
) -> dict[str, list[Decided]]:
    """Decide each fold by thresholds that were fitted on the others.

    Args:
        given: The data.
        dealt: The fold of each unit.
        fit: Gives thresholds by name.

    Returns:
        For each name that every fold has, what became of each fold.
    """
    found: list[dict[str, Decided]] = []
    for fold in range(int(dealt.max()) + 1):
        thresholds = fit(given.take(np.flatnonzero(dealt != fold)).compared())
        new = given.take(np.flatnonzero(dealt == fold))
        apart, alike = (np.flatnonzero(weight) for weight in new.weights())
        tallies = new.compared().tallies(list(thresholds.values()), CLAIM)
        found.append(
            {
                name: Decided(far, frr, (apart, alike), len(new.names))
                for name, (far, frr) in zip(thresholds, tallies, strict=True)
            }
        )
    shared = [name for name in found[0] if all(name in one for one in found)]
    return {name: [one[name] for one in found] for name in shared}


def rates(decided: Sequence[Decided]) -> ErrorRates:
    """Both error rates over all folds."""
    far, frr = (Tally.join(part) for part in ([d.far for d in decided], [d.frr for d in decided]))
    return ErrorRates(far.rate(), frr.rate())


def accuracy(decided: Sequence[Decided], *, balanced: bool) -> Accuracy:
    """The share of right decisions over all folds.

    Args:
        decided: What became of each fold.
        balanced: Whether same and different pairs weigh as much in all; else every pair does.
    """
    scales = (1.0, 1.0)
    if balanced:
        far, frr = (sum(d.far.weight for d in decided), sum(d.frr.weight for d in decided))
        scales = (0.5 / far, 0.5 / frr)
    wrong = Tally.join([_both(one, scales) for one in decided]).rate()
    return _complement(wrong)


def _both(decided: Decided, scales: tuple[float, float]) -> Tally:
    """One tally of both errors of a fold, each pair weighing as its sort does."""
    total = weight = 0.0
    totals, weights = np.zeros(decided.count), np.zeros(decided.count)
    for tally, units, scale in zip((decided.far, decided.frr), decided.units, scales, strict=True):
        total += scale * tally.total
        weight += scale * tally.weight
        totals[units] += scale * (tally.total - tally.total_without)
        weights[units] += scale * (tally.weight - tally.weight_without)
    return Tally(
        total=total,
        weight=weight,
        total_without=total - totals,
        weight_without=weight - weights,
        errors=decided.far.errors + decided.frr.errors,
        trials=decided.far.trials + decided.frr.trials,
        independent=min(decided.far.independent, decided.frr.independent),
    )


def _complement(wrong: Rate) -> Accuracy:
    return Accuracy(
        value=1 - wrong.value,
        right=wrong.trials - wrong.errors,
        trials=wrong.trials,
        units=wrong.units,
        low=None if wrong.high is None else 1 - wrong.high,
        high=None if wrong.low is None else 1 - wrong.low,
    )


def cross_fit(
    given: Given, *, folds: int = FOLDS, calibrator: str = "logistic", seed: int = 0
) -> CrossFitted:
    """Calibrate on all of the data, and measure that by folds.

    Args:
        given: Embeddings or comparisons.
        folds: Into how many parts to deal.
        calibrator: Spec.
        seed: Of the dealing.

    Raises:
        BadArgument: If there are not 2 to 100 folds.
        SplitError: If the data cannot be dealt into so many.
    """
    dealt = deal(given, folds, seed)

    def fit(known: Compared) -> dict[str, float]:
        points = calibrate(known, CLAIM, calibrator).points
        # A limit that a fold's data cannot guarantee has no threshold there.
        return {p.name: p.threshold for p in points if p.supported or not p.guaranteed}

    decided = pool(given, dealt, fit)
    whole = given.compared()
    fitted = calibrate(whole, CLAIM, calibrator)
    points = [
        replace(point, test=rates(decided[point.name]) if point.name in decided else None)
        for point in fitted.points
    ]
    described = verify_all(whole, (), CLAIM)
    at = decided[ACCURACY_POINT]
    even = isinstance(given, GivenComparisons) and is_stratified(given, dealt)
    return CrossFitted(
        calibration=fitted.measured(points),
        verification=replace(described, points=tuple(points)),
        accuracy=accuracy(at, balanced=False) if even else None,
        balanced_accuracy=accuracy(at, balanced=True),
        folds=folds,
        stratified=even,
    )
