"""Which fold each unit of given data is in: whole identities, or whole groups of linked pairs."""

import numpy as np

from likewise.errors import BadArgument, SplitError
from likewise.io.display import printable
from likewise.precomputed.pairs import PrecomputedComparisons
from likewise.precomputed.protocol import Precomputed
from likewise.shapes import Array, Int

FOLDS = 5
MOST_FOLDS = 100


def deal(given: Precomputed, folds: int = FOLDS, seed: int = 0) -> Int[Array, "units"]:
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


def _held(given: Precomputed, dealt: Int[Array, "units"], folds: int) -> Int[Array, "2 folds"]:
    """What each fold holds for different and for same pairs."""
    sums = [np.bincount(dealt, weight, minlength=folds) for weight in given.weights()]
    return np.stack(sums).astype(np.int64)


def _refusal(given: Precomputed, weights: Int[Array, "2 u"], held: Int[Array, "2 k"]) -> str:
    folds = held.shape[1]
    worst = int(np.argmin((held - np.array(given.least)[:, None]).min(0)))
    largest = int(weights.sum(0).argmax())
    name = printable(str(given.names[largest]))
    todo = "Give fewer --folds, or more data."
    if not isinstance(given, PrecomputedComparisons):
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


def is_stratified(given: Precomputed, dealt: Int[Array, "units"]) -> bool:
    """Whether each fold has the share of same pairs that all have, to a pair."""
    different, same = _held(given, dealt, int(dealt.max()) + 1)
    pairs = same + different
    return bool((np.abs(same - same.sum() * pairs / pairs.sum()) <= 1).all())
