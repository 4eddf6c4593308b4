"""How often an item is recognised: in random episodes, and among all identities."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from likewise.metrics.intervals import share_of
from likewise.metrics.workers import in_order
from likewise.results import Identification, OneShot
from likewise.shapes import Array, Bool, Float, Int

_CHUNK = 2000
_BLOCK_ELEMENTS = 2**20


def one_shot(
    vectors: Float[Any, "n dim"],
    codes: Int[Array, "n"],
    rows: Callable[[Any, Any], Array],
    *,
    ways: int = 20,
    shots: int = 1,
    episodes: int = 2000,
    seed: int = 0,
    lists: Callable[[Any, Any, int], Array] | None = None,
) -> OneShot | None:
    """Recognition from one example, or a few, in random episodes.

    An episode draws an identity, one of its items as the question, `shots` others as its examples,
    and as many examples of each of `ways - 1` other identities; the identity of the nearest example
    answers. Ties share the point. Every identity is asked for equally often (rounded up).

    Args:
        vectors: Embeddings.
        codes: The identity of each, 0 to identities - 1.
        rows: The distance of corresponding rows.
        ways: How many identities to choose among; fewer if there are fewer.
        shots: How many examples of each.
        episodes: How many questions at least.
        seed: Of the draw.
        lists: In place of `rows`, the distances of each question to its own list of so many
            examples, where the place in a list depends on the others of it.

    Returns:
        The accuracy with an interval over identities; None without two identities that have as
        many items, and one that has one more.

    References:
        Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic
        program induction", 2015, for the task; its official runs draw within an alphabet, these
        among all identities.
    """
    sizes = np.bincount(codes)
    shown = np.flatnonzero(sizes >= shots)
    asked = np.flatnonzero(sizes[shown] >= shots + 1)
    ways = min(ways, len(shown))
    if ways < 2 or len(asked) == 0:
        return None
    random = np.random.default_rng(seed)
    order = np.argsort(codes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    items = _Items(order, starts[shown], sizes[shown])

    def apart(asked: Array, examples: Array) -> Array:
        count = examples.shape[1]
        if lists is not None:
            return lists(vectors[asked], vectors[examples.ravel()], count)
        found = rows(vectors[np.repeat(asked, count)], vectors[examples.ravel()])
        return found.reshape(examples.shape)

    targets = np.repeat(asked, -(-episodes // len(asked)))
    right = np.concatenate(
        [
            _answer(items, targets[at : at + _CHUNK], apart, ways, shots, random)
            for at in range(0, len(targets), _CHUNK)
        ]
    )
    found = share_of(right, targets)
    return OneShot(ways, len(targets), found.value, len(asked), found.low, found.high, shots)


class _Items(NamedTuple):
    """The order that sorts items by identity, where each identity starts, its size."""

    order: Array
    starts: Array
    sizes: Array


def _answer(
    items: _Items,
    targets: Int[Array, "e"],
    apart: Callable[[Array, Array], Array],
    ways: int,
    shots: int,
    random: np.random.Generator,
) -> Float[Array, "e"]:
    """The share of the point that each episode earns."""
    order, starts, sizes = items
    e, count = len(targets), len(sizes)
    # The others of an episode are the first of a random order of all identities but the target.
    lots = random.random((e, count))
    lots[np.arange(e), targets] = -1.0
    chosen = np.argpartition(lots, ways - 1, axis=1)[:, :ways]
    question = (random.random(e) * sizes[targets]).astype(np.int64)
    own = chosen == targets[:, None]
    example = _distinct(sizes[chosen], own, question, shots, random)
    asked = order[starts[targets] + question]
    shown = order[starts[chosen][:, :, None] + example].reshape(e, ways * shots)
    distances = apart(asked, shown)
    nearest = distances.reshape(e, ways, shots).min(2)
    first = nearest == nearest.min(1, keepdims=True)
    earned: Array = (first & own).any(1) / first.sum(1)
    return earned


def _distinct(
    sizes: Int[Array, "e ways"],
    own: Bool[Array, "e ways"],
    question: Int[Array, "e"],
    shots: int,
    random: np.random.Generator,
) -> Int[Array, "e ways shots"]:
    """Different items of every identity, and of the target's own none that is the question."""
    taken = [np.where(own, question[:, None], np.iinfo(np.int64).max)]
    for shot in range(shots):
        lots = random.random(sizes.shape)
        lots[own] = random.random(len(sizes))
        drawn = (lots * (sizes - own - shot)).astype(np.int64)
        # Counted among the items that are left: step over each that is taken, from the first on.
        for one in np.sort(np.stack(taken), axis=0):
            drawn += drawn >= one
        taken.append(drawn)
    return np.stack(taken[1:], axis=2)


def identification(
    vectors: Float[Any, "n dim"],
    codes: Int[Array, "n"],
    matrix: Callable[[Any, Any], Array],
    threshold: float,
    *,
    alone: bool = False,
    ranks: int = 20,
    fpirs: Sequence[float] = (0.01, 0.1),
    seed: int = 0,
) -> Identification | None:
    """Who is it? One item of each identity is enrolled, drawn by lot; the others are asked for.

    In the closed set all identities are enrolled. In the open set half of those with two items or
    more are; the items of all others are strangers', who should be answered with "unknown".

    Args:
        vectors: Embeddings.
        codes: The identity of each, 0 to identities - 1.
        matrix: The distances of some rows to others.
        threshold: Farther than this is unknown; found on other data.
        alone: Whether `matrix` may not be called by several threads at once.
        ranks: How many ranks `cmc` holds at most.
        fpirs: For which FPIR the FNIR is given.
        seed: Of the lots.

    Returns:
        Shares in which identities weigh equally and ties share; None without two identities of
        two items.

    References:
        ISO/IEC 19795-1:2021 for CMC, FPIR and FNIR (one candidate, at a threshold).
    """
    random = np.random.default_rng(seed)
    lots = random.permutation(len(codes))
    identities, first = np.unique(codes[lots], return_index=True)
    example = lots[first]
    paired = np.bincount(codes)[identities] >= 2
    if paired.sum() < 2:
        return None
    probes = np.setdiff1d(np.flatnonzero(paired[codes]), example)
    nearer, level, _, _ = probe_ranks(vectors, codes, probes, example, matrix, alone=alone)
    asked_ranks = range(1, min(ranks, len(identities)) + 1)
    cmc = [((rank - nearer) / (level + 1)).clip(0, 1) for rank in asked_ranks]
    of = codes[probes]
    known = np.zeros(len(identities), dtype=bool)
    known[random.permutation(np.flatnonzero(paired))[: int(paired.sum()) // 2]] = True
    stranger = np.flatnonzero(~known[codes])
    mate = probes[known[of]]
    enrolled = example[known]
    _, _, _, closest = probe_ranks(vectors, codes, stranger, enrolled, matrix, alone=alone)
    ahead, tied, own, _ = probe_ranks(vectors, codes, mate, enrolled, matrix, alone=alone)
    first_place = np.where(ahead == 0, 1 / (tied + 1), 0.0)
    each = 1 / np.bincount(codes)[codes[stranger]]
    return Identification(
        enrolled=len(identities),
        probes=len(probes),
        rank_1=share_of(cmc[0], of),
        cmc=tuple(share_of(values, of).value for values in cmc),
        known=int(known.sum()),
        strangers=int((~known).sum()),
        threshold=threshold,
        fpir=share_of((closest <= threshold).astype(np.float64), codes[stranger]),
        fnir=share_of(1 - first_place * (own <= threshold), codes[mate]),
        fnir_at={
            fpir: share_of(
                1 - first_place * (own <= rejecting(closest, each, fpir)), codes[mate]
            ).value
            for fpir in fpirs
        },
    )


def rejecting(closest: Float[Array, "n"], each: Float[Array, "n"], fpir: float) -> float:
    """The largest of these distances that takes at most this share of strangers for somebody.

    Args:
        closest: Of every stranger's item, to the nearest that is enrolled.
        each: The weight of each item.
        fpir: The share.

    Returns:
        -1 where even the least takes more.
    """
    order = np.argsort(closest, kind="stable")
    share = np.cumsum(each[order]) / each.sum()
    last_of_ties = np.append(np.diff(closest[order]) > 0, [True])
    allowed = closest[order][last_of_ties & (share <= fpir * (1 + 1e-9))]
    return float(allowed[-1]) if len(allowed) else -1.0


def probe_ranks(
    vectors: Float[Any, "n dim"],
    codes: Int[Array, "n"],
    probes: Int[Array, "m"],
    enrolled: Int[Array, "k"],
    matrix: Callable[[Any, Any], Array],
    *,
    alone: bool,
) -> tuple[Int[Array, "m"], Int[Array, "m"], Float[Array, "m"], Float[Array, "m"]]:
    """For every probe: how many others are nearer than its own, or as near; own, least distance.

    The own distance of a stranger is infinite.

    Args:
        vectors: Embeddings.
        codes: The identity of each.
        probes: Rows that are asked for, one at least.
        enrolled: Rows that they are held against, one of an identity.
        matrix: The distances of some rows to others.
        alone: Whether `matrix` may not be called by several threads at once.
    """
    others = codes[enrolled]
    step = max(1, _BLOCK_ELEMENTS // len(enrolled))
    # The column of each probe's own; that of a stranger, and of none enrolled, is beyond all.
    place = np.full(int(codes.max()) + 1, len(enrolled))
    place[others] = np.arange(len(enrolled))

    def compare(part: slice) -> tuple[Array, Array, Array, Array]:
        distances = matrix(vectors[probes[part]], vectors[enrolled])
        mine = place[codes[probes[part]]]
        known = np.flatnonzero(mine < len(enrolled))
        own = np.full(len(mine), np.inf)
        own[known] = distances[known, mine[known]]
        limit = own.astype(distances.dtype)[:, None]
        nearer = np.count_nonzero(distances < limit, axis=1)
        level = np.count_nonzero(distances == limit, axis=1) - (mine < len(enrolled))
        return nearer, level, own, distances.min(1)

    parts = [slice(at, at + step) for at in range(0, len(probes), step)]
    found = [one for _, one in in_order(compare, parts, alone=alone)]
    nearer, level, own, least = (np.concatenate(column) for column in zip(*found, strict=True))
    return nearer, level, own, least.astype(np.float64)
