"""Do two sets of embeddings come from the same source? A two-sample test, and how large it is.

It looks at single embeddings, not at distances of pairs: those move with the mix of same and
different pairs, too. Units (identities), not items, are what is exchanged.
"""

from dataclasses import dataclass

import numpy as np

from likewise.shapes import Array, Float, Int

_HALVES = 20


@dataclass(frozen=True)
class Shift:
    """What a two-sample test found.

    Attributes:
        statistic: The squared maximum mean discrepancy, without bias: about 0, on either side of
            it, where nothing moved.
        p_value: How often units dealt at random into the two sets are as far apart.
        effect: The probability that a simple rule, made on other units, ranks an item of the second
            set above one of the first: .5 where they look alike, 1 where each is told.
    """

    statistic: float
    p_value: float
    effect: float


def two_samples(
    vectors: Float[Array, "n dim"],
    units: Int[Array, "n"],
    second: Int[Array, "units"],
    *,
    permutations: int = 999,
    seed: int = 0,
) -> Shift:
    """Compare two sets of embeddings by the maximum mean discrepancy.

    The kernel is exp(-d^2 / (2 m^2)), where m is the median distance of two items. The similarity
    of two units is the mean over their items, so that units weigh equally; a unit is never compared
    with itself, so that the statistic has no bias. Under the null hypothesis that all units were
    drawn alike the p-value is exact. Beside it, `benchmarks/monitor.py` tried the energy distance
    and the distance of the means, which find as much, and a ridge classifier, which finds weak
    shifts more often.

    Args:
        vectors: Of both sets.
        units: Whom or what each shows, 0 to units - 1; no unit is in both sets.
        second: Of each unit, 1 if it is of the second set, else 0; two of each at least.
        permutations: How many random exchanges.
        seed: Of all draws.

    References:
        Gretton, Borgwardt, Rasch, Schölkopf, Smola, "A Kernel Two-Sample Test", JMLR 13, 2012, for
        the unbiased statistic (lemma 6, equation 3). Departures: units in place of items; the
        p-value by permutation (Phipson, Smyth, "Permutation P-values Should Never Be Zero", 2010).
        The effect is that of a classifier two-sample test (Lopez-Paz, Oquab, 2017) whose classifier
        is the witness function of the discrepancy, made on half of the units and used on the rest.
    """
    random = np.random.default_rng(seed)
    kernel = _kernel(vectors)
    count = len(second)
    own = np.zeros((count, len(units)))
    own[units, np.arange(len(units))] = 1 / np.bincount(units, minlength=count)[units]
    likeness = own @ kernel @ own.T
    np.fill_diagonal(likeness, 0.0)
    dealt = np.stack([second, *(random.permutation(second) for _ in range(permutations))])
    found = _discrepancies(likeness, dealt.astype(np.float64))
    # Exchanges that come to the same may differ in the last digits.
    extreme = found[1:] >= found[0] - 1e-12 * max(1.0, float(np.abs(found).max()))
    return Shift(
        statistic=float(found[0]),
        p_value=float((1 + extreme.sum()) / (1 + permutations)),
        effect=_effect(own @ kernel, units, second, random),
    )


def _kernel(vectors: Float[Array, "n dim"]) -> Float[Array, "n n"]:
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    squares = np.einsum("ij,ij->i", centred, centred)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2 * centred @ centred.T, 0.0)
    median = float(np.median(apart[np.triu_indices(len(apart), 1)]))
    kernel: Array = np.exp(-apart / (2 * median or 1.0))
    return kernel


def _discrepancies(
    likeness: Float[Array, "units units"], dealt: Float[Array, "deals units"]
) -> Float[Array, "deals"]:
    """The statistic for each way to deal the units; the likeness of a unit and itself is 0."""
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


def _effect(
    toward: Float[Array, "units n"],
    units: Int[Array, "n"],
    second: Int[Array, "units"],
    random: np.random.Generator,
) -> float:
    """How well items of the two sets are told apart by what other units look like.

    Args:
        toward: The likeness of every unit to every item.
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
            made = [toward[known & (second == side)] for side in (0, 1)]
            asked = ~known[units]
            if not all(map(len, made)) or len(set(second[units[asked]].tolist())) < 2:
                continue
            witness = made[1].mean(0) - made[0].mean(0)
            told.append(_ranked(witness[asked], second[units[asked]], weight[asked]))
    return float(np.mean(told)) if told else 0.5


def _ranked(
    values: Float[Array, "n"], second: Int[Array, "n"], weights: Float[Array, "n"]
) -> float:
    """Probability that a value of the second set is above one of the first; ties half."""
    _, place = np.unique(values, return_inverse=True)
    first, other = (np.bincount(place, weights * (second == side)) for side in (0, 1))
    below = np.cumsum(first) - first
    return float(np.sum(other * (below + 0.5 * first)) / (first.sum() * other.sum()))
