"""How often an item is recognised from one example."""

from collections.abc import Callable

import numpy as np

from likewise.metrics.intervals import two_sided
from likewise.results import OneShot
from likewise.shapes import Array, Float, Int

_CHUNK = 2000


def one_shot(
    vectors: Float[Array, "n dim"],
    codes: Int[Array, "n"],
    rows: Callable[[Array, Array], Array],
    *,
    ways: int = 20,
    episodes: int = 2000,
    seed: int = 0,
) -> OneShot | None:
    """Recognition from one example in random episodes.

    An episode draws an identity, one of its items as the question, another as its example, and one
    example of each of `ways - 1` other identities; the nearest example answers. Ties share the
    point. Every identity is asked for equally often (rounded up).

    Args:
        vectors: Embeddings.
        codes: The identity of each, 0 to identities - 1.
        rows: The distance of corresponding rows.
        ways: How many examples to choose among; fewer if there are fewer identities.
        episodes: How many questions at least.
        seed: Of the draw.

    Returns:
        The accuracy with an interval over identities; None without two identities and an
        identity of two items.

    References:
        Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic
        program induction", 2015, for the task; its official runs draw within an alphabet, these
        among all identities.
    """
    sizes = np.bincount(codes)
    count = len(sizes)
    asked = np.flatnonzero(sizes >= 2)
    ways = min(ways, count)
    if ways < 2 or len(asked) == 0:
        return None
    random = np.random.default_rng(seed)
    order = np.argsort(codes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    targets = np.repeat(asked, -(-episodes // len(asked)))
    right = np.concatenate(
        [
            _answer(vectors, order, starts, sizes, targets[at : at + _CHUNK], rows, ways, random)
            for at in range(0, len(targets), _CHUNK)
        ]
    )
    by_identity = right.reshape(len(asked), -1).mean(1)
    accuracy = float(by_identity.mean())
    without = (by_identity.sum() - by_identity) / max(1, len(asked) - 1)
    low, high = two_sided(accuracy, without, float(len(asked)))
    return OneShot(ways, len(targets), accuracy, len(asked), low, high)


def _answer(
    vectors: Array,
    order: Array,
    starts: Array,
    sizes: Array,
    targets: Int[Array, "e"],
    rows: Callable[[Array, Array], Array],
    ways: int,
    random: np.random.Generator,
) -> Float[Array, "e"]:
    """The share of the point that each episode earns."""
    e, count = len(targets), len(sizes)
    # The others of an episode are the first of a random order of all identities but the target.
    lots = random.random((e, count))
    lots[np.arange(e), targets] = -1.0
    chosen = np.argpartition(lots, ways - 1, axis=1)[:, :ways]
    question = (random.random(e) * sizes[targets]).astype(np.int64)
    example = (random.random((e, ways)) * sizes[chosen]).astype(np.int64)
    own = chosen == targets[:, None]
    other = (random.random(e) * (sizes[targets] - 1)).astype(np.int64)
    other += other >= question
    example = np.where(own, other[:, None], example)
    asked = vectors[order[starts[targets] + question]]
    shown = vectors[order[starts[chosen] + example]]
    distances = rows(
        np.repeat(asked, ways, axis=0), shown.reshape(e * ways, vectors.shape[1])
    ).reshape(e, ways)
    nearest = distances == distances.min(1, keepdims=True)
    earned: Array = (nearest & own).any(1) / nearest.sum(1)
    return earned
