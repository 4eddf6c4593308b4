"""Do two sets of embeddings come from the same source? A two-sample test, and how large it is.

It looks at single embeddings, not at distances of pairs: those move with the mix of same and
different pairs, too. Units (identities), not items, are what is exchanged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from likewise.shapes import Array, Bool, Float, Int

DISCRIMINANT, DISCREPANCY = TESTS = ("discriminant", "discrepancy")
_HALVES = 20
# Of the mean variance of a direction: what keeps rare directions from being all noise.
_RIDGE = 0.01
Rule = Callable[[Bool[Array, "units"]], Float[Array, "n"]]


@dataclass(frozen=True)
class Shift:
    """What a two-sample test found.

    Attributes:
        p_value: How often units dealt at random into the two sets are as far apart, by the test
            that sees the most.
        p_values: The same of each test alone: `discriminant`, whether the means differ along any
            direction; `discrepancy`, whether the sets differ in any way.
        statistics: What each test found: the squared distance of the means in units of how units
            vary, and the squared maximum mean discrepancy, about 0 on either side without a shift.
        rule: Which of them sees the most here.
        effect: The probability that the rule of that test, made on other units, ranks an item of
            the second set above one of the first: .5 where they look alike, 1 where each is told.
    """

    p_value: float
    p_values: Mapping[str, float]
    statistics: Mapping[str, float]
    rule: str
    effect: float


def two_samples(
    vectors: Float[Array, "n dim"],
    units: Int[Array, "n"],
    second: Int[Array, "units"],
    *,
    permutations: int = 999,
    seed: int = 0,
) -> Shift:
    """Compare two sets of embeddings by two tests, and by the one of them that sees the most.

    Both measure by how the means of units vary, whichever set these are of (Mahalanobis' distance,
    the covariance shrunk by a ridge): a weak change that all items share shows in directions in
    which units hardly differ. `discriminant` is the squared distance of the means of both sets:
    what a ridge regression of the sets on the means of units explains, but for a factor.
    `discrepancy` is the maximum mean discrepancy with the kernel exp(-d^2 / (2 m^2)), m the median
    distance of two items: it sees every difference, such as a wider spread, where means do not
    move. The likeness of two units is the mean over their items, so that units weigh equally; a
    unit is never compared with itself.

    The smaller of the two p-values is held against the smaller ones of the same exchanges, so that
    under the null hypothesis that all units were drawn alike the p-value is exact: two tests raise
    no more alarms than one. Where the smaller ones are equal, the larger decide.

    Args:
        vectors: Of both sets.
        units: Whom or what each shows, 0 to units - 1; no unit is in both sets.
        second: Of each unit, 1 if it is of the second set, else 0; two of each at least.
        permutations: How many random exchanges.
        seed: Of all draws.

    References:
        Rosenblatt, Benjamini, Gilron, Mukamel, Goeman, "Better-than-chance Classification for
        Signal Detection", Biostatistics 22, 2021: Hotelling's statistic with a shrunk covariance
        finds more than the accuracy of a classifier on held-out data, which `benchmarks/monitor.py`
        found, too. Gretton, Borgwardt, Rasch, Schölkopf, Smola, "A Kernel Two-Sample Test", JMLR
        13, 2012, for the discrepancy without bias (lemma 6, equation 3), of units in place of
        items. Phipson, Smyth, "Permutation P-values Should Never Be Zero", 2010. The effect is that
        of a classifier two-sample test (Lopez-Paz, Oquab, 2017) whose classifier is the regression,
        or the witness function of the discrepancy.
    """
    random = np.random.default_rng(seed)
    own = _own(units, len(second))
    scaled = _scaled(vectors, own)
    toward = own @ _kernel(scaled)
    dealt = np.stack([second, *(random.permutation(second) for _ in range(permutations))])
    found = np.stack(
        [
            discriminants(own @ scaled, dealt.astype(np.float64)),
            discrepancies(toward @ own.T, dealt.astype(np.float64)),
        ]
    )
    shares = np.stack([_as_extreme(values) for values in found])
    seen = int(np.argmin(shares[:, 0]))
    rule = _regression(vectors, own, second) if seen == 0 else _witness(toward, second)
    return Shift(
        p_value=_smallest(shares),
        p_values=dict(zip(TESTS, shares[:, 0].tolist(), strict=True)),
        statistics=dict(zip(TESTS, found[:, 0].tolist(), strict=True)),
        rule=TESTS[seen],
        effect=_effect(rule, units, second, random),
    )


def _own(units: Int[Array, "n"], count: int) -> Float[Array, "units n"]:
    """What takes the mean over the items of each unit."""
    own = np.zeros((count, len(units)))
    own[units, np.arange(len(units))] = 1 / np.bincount(units, minlength=count)[units]
    return own


def _as_extreme(found: Float[Array, "deals"]) -> Float[Array, "deals"]:
    """For each deal the share of all deals whose statistic is as large: its own p-value."""
    # Exchanges that come to the same may differ in the last digits.
    close = 1e-12 * max(1.0, float(np.abs(found).max()))
    below = np.searchsorted(np.sort(found), found - close, side="left")
    shares: Array = (len(found) - below) / len(found)
    return shares


def _smallest(shares: Float[Array, "tests deals"]) -> float:
    """The p-value of the smallest p-value, by the same deals."""
    ordered = np.sort(shares, axis=0)
    least, rest = ordered[0], ordered[1:].sum(0)
    extreme = (least < least[0]) | ((least == least[0]) & (rest <= rest[0]))
    return float(extreme.mean())


def discriminants(
    means: Float[Array, "units dim"], dealt: Float[Array, "deals units"]
) -> Float[Array, "deals"]:
    """The squared distance of the means of the two sets, in each way to deal the units.

    Args:
        means: Of the items of each unit.
        dealt: 1 where a unit is of the second set.
    """
    weights = dealt / dealt.sum(1, keepdims=True)
    weights -= (1 - dealt) / (1 - dealt).sum(1, keepdims=True)
    apart = weights @ means
    found: Array = np.einsum("ij,ij->i", apart, apart)
    return found


def _scaled(vectors: Float[Array, "n dim"], own: Float[Array, "units n"]) -> Float[Array, "n dim"]:
    """The same, turned and scaled so that the means of units vary alike in every direction."""
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    means = own @ centred
    root = np.linalg.cholesky(_covariance(means - means.mean(0)))
    scaled: Array = np.linalg.solve(root, centred.T).T
    return scaled


def _covariance(centred: Float[Array, "units dim"]) -> Float[Array, "dim dim"]:
    """Of the means of units, with a ridge."""
    covariance = centred.T @ centred / len(centred)
    ridge = _RIDGE * float(np.trace(covariance)) / len(covariance)
    # Where nothing varies, nothing is told apart.
    shrunk: Array = covariance + (ridge or 1.0) * np.eye(len(covariance))
    return shrunk


def _kernel(vectors: Float[Array, "n dim"]) -> Float[Array, "n n"]:
    squares = np.einsum("ij,ij->i", vectors, vectors)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * vectors @ vectors.T, 0.0)
    median = float(np.median(apart[np.triu_indices(len(apart), 1)]))
    kernel: Array = np.exp(-apart / (2 * median or 1.0))
    return kernel


def discrepancies(
    likeness: Float[Array, "units units"], dealt: Float[Array, "deals units"]
) -> Float[Array, "deals"]:
    """The squared maximum mean discrepancy, without bias, in each way to deal the units.

    Args:
        likeness: Of every two units; that of a unit and itself is not looked at.
        dealt: 1 where a unit is of the second set.
    """
    likeness = likeness - np.diag(np.diag(likeness))
    size = dealt.sum(1)
    other = dealt.shape[1] - size
    toward = dealt @ likeness
    inside = np.einsum("ij,ij->i", toward, dealt)
    across = toward.sum(1) - inside
    outside = likeness.sum() - inside - 2 * across
    found: Array = (
        inside / (size * (size - 1)) + outside / (other * (other - 1)) - 2 * across / (size * other)
    )
    return found


def _regression(
    vectors: Float[Array, "n dim"], own: Float[Array, "units n"], second: Int[Array, "units"]
) -> Rule:
    """Made of some units: the direction of a ridge regression of the sets on their means."""
    items = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    means = own @ items

    def values(known: Bool[Array, "units"]) -> Float[Array, "n"]:
        part = means[known]
        first, other = (means[known & (second == side)].mean(0) for side in (0, 1))
        found: Array = items @ np.linalg.solve(_covariance(part - part.mean(0)), other - first)
        return found

    return values


def _witness(toward: Float[Array, "units n"], second: Int[Array, "units"]) -> Rule:
    """Made of some units: how much liker every item is to the second set than to the first."""

    def values(known: Bool[Array, "units"]) -> Float[Array, "n"]:
        first, other = (toward[known & (second == side)].mean(0) for side in (0, 1))
        found: Array = other - first
        return found

    return values


def _effect(
    rule: Rule, units: Int[Array, "n"], second: Int[Array, "units"], random: np.random.Generator
) -> float:
    """How well items of the two sets are told apart by a rule made of other units.

    Args:
        rule: From some units to a value of every item, larger in the second set.
        units: Of each item.
        second: Of each unit, whether it is of the second set.
        random: Deals the units into halves.
    """
    weight = 1 / np.bincount(units)[units]
    told = []
    for _ in range(_HALVES):
        half = np.zeros(len(second), dtype=bool)
        for side in (0, 1):
            members = random.permutation(np.flatnonzero(second == side))
            half[members[: (len(members) + int(random.integers(2))) // 2]] = True
        for known in (half, ~half):
            asked = ~known[units]
            if len(set(second[known].tolist())) < 2 or len(set(second[units[asked]].tolist())) < 2:
                continue
            told.append(_ranked(rule(known)[asked], second[units[asked]], weight[asked]))
    return float(np.mean(told)) if told else 0.5


def _ranked(
    values: Float[Array, "n"], second: Int[Array, "n"], weights: Float[Array, "n"]
) -> float:
    """Probability that a value of the second set is above one of the first; ties half."""
    _, place = np.unique(values, return_inverse=True)
    first, other = (np.bincount(place, weights * (second == side)) for side in (0, 1))
    below = np.cumsum(first) - first
    return float(np.sum(other * (below + 0.5 * first)) / (first.sum() * other.sum()))
