"""Listed pairs that contradict one another, directly or by what follows from them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise.auditing.findings import Evidence, Finding, count_words, evidence_of
from likewise.auditing.labels import SHOWN
from likewise.shapes import Array, Bool, Int
from likewise.sources.tabular.pair_graph import components
from likewise.types import Items

_TIMES = 4


@dataclass(frozen=True)
class Contradictions:
    """Pairs said to be different that are the same by others.

    Attributes:
        wrong: Which of the pairs.
        direct: How many of them another row says the same of.
        chains: For the first of them, the shortest chain of same pairs from one item to the other.
    """

    wrong: Int[Array, "k"]
    direct: int
    chains: list[list[int]]


def contradicted(
    first: Int[Array, "m"], second: Int[Array, "m"], same: Bool[Array, "m"], count: int
) -> Contradictions | None:
    """What contradicts itself among some pairs; None if nothing does.

    If a is the same as b, and b as c, then a and c cannot be different.

    Args:
        first: One item of each pair.
        second: The other.
        same: Whether the two are said to be the same.
        count: How many items there are.
    """
    root = components(count, first[same], second[same])
    wrong = np.flatnonzero(~same & (root[first] == root[second]))
    if not len(wrong):
        return None
    wanted = np.isin(root[first], root[first[wrong]]) & same
    neighbours = _neighbours(first[wanted], second[wanted])
    keys = np.minimum(first, second) * count + np.maximum(first, second)
    direct = int(np.isin(keys[wrong], keys[same]).sum())
    chains = [
        _chain(neighbours, int(first[row]), int(second[row])) for row in wrong[:SHOWN].tolist()
    ]
    return Contradictions(wrong, direct, chains)


def contradiction(found: Contradictions, evidence: tuple[Evidence, ...]) -> Finding:
    """The finding of contradictory pairs, with what shows them."""
    wrong, direct = len(found.wrong), found.direct
    return Finding(
        "contradictory_pairs",
        "alarm",
        f"{count_words(wrong, 'pair is', 'pairs are')} listed as different although the two "
        f"are the same by other rows: {direct:,} directly, {wrong - direct:,} by a chain of same "
        "pairs.",
        evidence,
        "One row of each chain is wrong: look at its items, and drop or mend that row.",
        {"pairs": float(wrong), "directly": float(direct), "by_chain": float(wrong - direct)},
    )


def contradictions(items: Items) -> list[Finding]:
    """Pairs said to be different that are the same, by another row or by a chain of others."""
    pairs = items.pairs
    if pairs is None or not len(pairs.first) or pairs.grades is not None:
        # Of grades, a little below the same is no contradiction of a chain of what is the same.
        return []
    first, second = np.asarray(pairs.first), np.asarray(pairs.second)
    found = contradicted(first, second, np.asarray(pairs.same) > 0.5, len(items))
    if found is None:
        return []
    evidence = [
        told for number, chain in enumerate(found.chains) for told in _told(items, chain, number)
    ]
    return [contradiction(found, tuple(evidence))]


def balance(items: Items) -> list[Finding]:
    """How the listed pairs are shared out between same and different."""
    if items.pairs is None:
        return []
    return imbalance(
        np.asarray(items.pairs.same) > 0.5,
        "The sampler balanced_pairs shows both equally often; rates are of each sort alone.",
    )


def imbalance(same: Bool[Array, "m"], advice: str) -> list[Finding]:
    """How some pairs are shared out between same and different.

    Args:
        same: Whether the two of each are the same.
        advice: What to do where one sort is much more frequent.
    """
    alike, apart = int(same.sum()), int((~same).sum())
    figures = {"same": float(alike), "different": float(apart)}
    if not alike or not apart:
        missing = "different" if alike else "same"
        return [
            Finding(
                "no_same_pairs" if not alike else "pair_imbalance",
                "alarm",
                f"No {missing} pair is listed among {len(same):,}, so that nothing can be told "
                "apart.",
                (),
                f"List {missing} pairs.",
                figures,
            )
        ]
    if max(alike, apart) < _TIMES * min(alike, apart):
        return []
    return [
        Finding(
            "pair_imbalance",
            "note",
            f"{alike:,} same and {apart:,} different pairs are listed: one sort is "
            f"{max(alike, apart) / min(alike, apart):.1f} times the other.",
            (),
            advice,
            figures,
        )
    ]


def _neighbours(first: Int[Array, "m"], second: Int[Array, "m"]) -> dict[int, list[int]]:
    """Who is said to be the same as whom."""
    near: dict[int, list[int]] = {}
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    return near


def _chain(near: dict[int, list[int]], start: int, end: int) -> list[int]:
    """The shortest chain of same pairs from one item to another."""
    came: dict[int, int] = {start: start}
    waiting = deque([start])
    while waiting and end not in came:
        at = waiting.popleft()
        for other in near.get(at, []):
            if other not in came:
                came[other] = at
                waiting.append(other)
    chain = [end]
    while chain[-1] != start:
        chain.append(came[chain[-1]])
    return chain[::-1]


def _told(items: Items, chain: Sequence[int], number: int) -> list[Evidence]:
    last = len(chain) - 1
    words = [
        "said to be different from the last of this chain"
        if at == 0
        else "the same as the one before"
        for at in range(last + 1)
    ]
    return [evidence_of(items, row, word, number) for row, word in zip(chain, words, strict=True)]
