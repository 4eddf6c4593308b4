"""What log-likelihood ratios, and the probabilities made of them, are worth.

Everything is of shares: `same` and `different` say which share of the same and of the different
pairs has each ratio, so that each sums to 1; the prior then says how many of all pairs are the
same. Nothing here holds a pair.
"""

import math

import numpy as np

from likewise.errors import BadArgument
from likewise.metrics.intervals import (
    CONFIDENCE,
    FEWEST_UNITS,
    expit,
    expit_all,
    logit,
    student_quantile,
)
from likewise.metrics.tally import Tally
from likewise.shapes import Array, Float


def probabilities_at(ratios: Float[Array, "n"], prior: float) -> Float[Array, "n"]:
    """The probability of the same that each natural log-likelihood ratio gives at this prior."""
    return expit_all(ratios + logit(prior))


def log_loss(
    ratios: Float[Array, "n"],
    same: Float[Array, "n"],
    different: Float[Array, "n"],
    prior: float = 0.5,
) -> float:
    """The mean surprise, in nats, at what the pairs turn out to be.

    Args:
        ratios: Natural log-likelihood ratios.
        same: The share of the same pairs with each.
        different: The share of the different pairs with each.
        prior: The share of same pairs among all.
    """
    odds = ratios + logit(prior)
    missed = float(np.sum(same * np.logaddexp(0.0, -odds)))
    alarmed = float(np.sum(different * np.logaddexp(0.0, odds)))
    return prior * missed + (1 - prior) * alarmed


def brier(
    ratios: Float[Array, "n"],
    same: Float[Array, "n"],
    different: Float[Array, "n"],
    prior: float = 0.5,
) -> float:
    """The mean squared difference of the probability and the truth; arguments as in `log_loss`."""
    said = probabilities_at(ratios, prior)
    missed, alarmed = np.sum(same * (1 - said) ** 2), np.sum(different * said**2)
    return float(prior * missed + (1 - prior) * alarmed)


def cllr(ratios: Float[Array, "n"], same: Float[Array, "n"], different: Float[Array, "n"]) -> float:
    """The cost of log-likelihood ratios in bits: 0 is perfect, 1 what says nothing.

    Arguments as in `log_loss`.

    References:
        Brümmer, du Preez, "Application-independent evaluation of speaker detection", 2006,
        equation 14 (C_llr).
    """
    return log_loss(ratios, same, different) / math.log(2)


def minimum_cllr(same: Float[Array, "n"], different: Float[Array, "n"]) -> float:
    """The least Cllr that ratios which never rise with the distance could have on these pairs.

    Args:
        same: The share of the same pairs at each distance, from the nearest on.
        different: The share of the different pairs.

    References:
        Brümmer, du Preez, 2006, section 4.3: the ratios of the pool-adjacent-violators algorithm,
        found on the pairs that they are then measured on.
    """
    blocks: list[tuple[float, float]] = []
    for alike, apart in zip(same.tolist(), different.tolist(), strict=True):
        if alike == apart == 0:
            continue
        block = (alike, apart)
        # A block may not hold a larger share of same pairs than the one before it.
        while blocks and block[0] * blocks[-1][1] >= blocks[-1][0] * block[1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1])
        blocks.append(block)
    cost = 0.0
    for alike, apart in blocks:
        # A block of one sort is told without doubt, and costs nothing.
        if alike and apart:
            cost += alike * math.log2(1 + apart / alike) + apart * math.log2(1 + alike / apart)
    return cost / 2


def share_of_same(
    nearer: tuple[Tally, Tally] | None, farther: tuple[Tally, Tally] | None, prior: float
) -> tuple[float, float | None, float | None]:
    """How many of the pairs between two thresholds are the same, with its 95% interval.

    With t and f for the shares of all same and of all different pairs that lie between them, the
    log odds are those of the prior + log t - log f. The variances of log t and log f are those of
    the delete-one jackknife, added; identities are the trials.

    Args:
        nearer: The tallies of false accepts and of false rejects at the lower threshold; None
            where it is below all distances.
        farther: At the higher one; None where it is above all distances.
        prior: The share of same pairs among all.

    Raises:
        BadArgument: If both are None.
        MissingExtra: If scipy is not installed.

    Returns:
        The share at the prior, and the ends of the interval: None below 20 units, or where a pair
        of one sort is missing, with all units or without one.
    """
    different = error_between(nearer and nearer[0], farther and farther[0])
    same = error_between(farther and farther[1], nearer and nearer[1])
    if not same.value or not different.value:
        return float(bool(same.value)), None, None
    odds = logit(prior) + math.log(same.value) - math.log(different.value)
    share = expit(odds)
    units = min(len(same.without), len(different.without))
    if units < FEWEST_UNITS or not (same.without.min() > 0 < different.without.min()):
        return share, None, None
    variance = sum(
        (len(part.without) - 1) * float(np.var(np.log(part.without))) for part in (same, different)
    )
    half = student_quantile(units - 1, (1 + CONFIDENCE) / 2) * math.sqrt(variance)
    return share, expit(odds - half), expit(odds + half)


def error_between(less: Tally | None, more: Tally | None) -> Tally:
    """What the looser of two decisions gets wrong and the stricter does not.

    Args:
        less: The tally with fewer wrong decisions; None for none at all.
        more: The tally with more; None where every decision is wrong.

    Raises:
        BadArgument: If both are None.
    """
    known = less or more
    if known is None:
        raise BadArgument("Two decisions were given as None, and one tally is expected at least.")
    weight, without = known.weight, known.weight_without
    top = (weight, without, known.trials)
    high = top if more is None else (more.total, more.total_without, more.errors)
    low = (0.0, 0.0 * without, 0) if less is None else (less.total, less.total_without, less.errors)
    return Tally(
        total=high[0] - low[0],
        weight=weight,
        total_without=np.maximum(high[1] - low[1], 0.0),
        weight_without=without,
        errors=high[2] - low[2],
        trials=known.trials,
        independent=known.independent,
    )
