"""From distances to a whole gallery to an identity, or to nobody: thresholds and probabilities.

A probe is held against every identity at once, and each is a chance of a false identification. So
the threshold comes from the gallery itself: every identity is left out in turn and asked for, as a
stranger would be, and the distance to the nearest of the others is one trial.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise.errors import BadArgument
from likewise.metrics.intervals import CONFIDENCE, trials_bounding
from likewise.shapes import Array, Float, Int

TARGETS = (0.001, 0.01, 0.05, 0.1)
PREFERRED = 0.01


@dataclass(frozen=True)
class Limit:
    """A threshold that keeps a false-identification rate, 95% sure, or why there is none.

    Attributes:
        target: The share of strangers' probes that may be taken for somebody (FPIR).
        threshold: A probe is identified when its nearest identity is at most this far; None where
            the gallery cannot support the target.
        accepted: How many identities that were left out are taken for another at this threshold.
        asked: How many were left out in turn.
        trials: How many independent trials these count for: two that are each other's nearest are
            one.
        reason: Why there is no threshold, and what would be needed; empty where there is one.
    """

    target: float
    threshold: float | None
    accepted: int
    asked: int
    trials: int
    reason: str = ""


def limit_for(distances: Float[Array, "n"], nearest: Int[Array, "n"], target: float) -> Limit:
    """The largest threshold that keeps the false-identification rate within a target, 95% sure.

    Below a threshold lie the identities that would be taken for another. Two that are each other's
    nearest lie there together, and would make the interval too narrow if they were counted as two
    trials; nearly all of the least distances are such pairs. With p pairs and s others below a
    threshold, one trial is (4p + s) / (2p + s) identities (Kish's design effect), and 2 where there
    is nothing below. The upper limit is the exact binomial one.

    Args:
        distances: Of every identity that was left out, to the nearest of the others.
        nearest: Which of them that is: its place among those that were left out, or -1 where it is
            none of them.
        target: The false-identification rate.

    Raises:
        BadArgument: If the target is not between 0 and 1.

    References:
        ISO/IEC 19795-1:2021 for FPIR; Clopper, Pearson, "The use of confidence or fiducial limits",
        1934, for the limit; Kish, "Survey Sampling", 1965, section 8.2, for the design effect.
        Departures: the trials are left-out identities in place of strangers, and the effect is that
        of the tail alone.
    """
    if not 0 < target < 1:
        raise BadArgument(
            f"The false-identification rate is {target}, and a rate between 0 and 1 is expected."
        )
    count = len(distances)
    known = np.clip(nearest, 0, None)
    mutual = (nearest >= 0) & (nearest[known] == np.arange(count)) if count else nearest >= 0
    order = np.argsort(distances, kind="stable")
    values = distances[order]
    # What lies below the k-th of them, for every k; of pairs, both ends.
    farther = np.maximum(distances, distances[known])
    ends = np.searchsorted(values, np.sort(farther[mutual]), side="right")
    paired = np.bincount(ends, minlength=count + 1).cumsum() if count else np.zeros(1, np.int64)
    best: tuple[int, int] | None = None
    for below in range(count):
        if below and values[below] == values[below - 1]:
            continue
        twice = int(paired[below])
        effect = (2 * twice + below - twice) / below if below else 2.0
        trials = math.floor(count / effect)
        if _at_most(math.ceil(below / effect), trials, target) > 1 - CONFIDENCE:
            break
        best = (below, trials)
    if best is None:
        return Limit(target, None, 0, count, count // 2, _needed(count, target))
    below, trials = best
    threshold = float(np.nextafter(np.float32(values[below]), np.float32(-1)))
    if threshold < 0:
        reason = (
            f"Of the {count:,} identities, more are at distance 0 of another than the rate "
            f"{target:g} allows. Look for identities that were enrolled twice."
        )
        return Limit(target, None, 0, count, trials, reason)
    return Limit(target, threshold, below, count, trials)


def default_limit(limits: Sequence[Limit]) -> Limit:
    """The limit for .01 where there is one, else the least that has a threshold, else any."""
    found = [limit for limit in limits if limit.threshold is not None]
    for limit in found:
        if limit.target == PREFERRED:
            return limit
    above = [limit for limit in found if limit.target > PREFERRED]
    return min(above or found or limits, key=lambda limit: abs(limit.target - PREFERRED))


def _needed(count: int, target: float) -> str:
    least = 2 * math.ceil(trials_bounding(target))
    if count < least:
        needed = f"at least {least:,} identities"
    else:
        needed = f"more than these {count:,} identities, or fewer that look alike"
    return (
        f"No threshold keeps the false-identification rate within {target:g}, 95% sure, with "
        f"{count:,} identities. It needs {needed} in the gallery."
    )


def _at_most(errors: int, trials: int, rate: float) -> float:
    """The probability of at most so many errors in independent trials at a rate."""
    errors = min(errors, trials)
    terms = [
        math.lgamma(trials + 1)
        - math.lgamma(k + 1)
        - math.lgamma(trials - k + 1)
        + k * math.log(rate)
        + (trials - k) * math.log1p(-rate)
        for k in range(errors + 1)
    ]
    return math.fsum(map(math.exp, terms))


def posterior(ratios: Float[Array, "n"], prior_unknown: float) -> tuple[Float[Array, "n"], float]:
    """The probability of each identity, and that it is none of them.

    P(i) = prior_i LR_i / (prior_unknown + sum_j prior_j LR_j), where the prior of what is not
    unknown is shared equally among the identities.

    Args:
        ratios: The natural log-likelihood ratio of the probe and each identity.
        prior_unknown: How often a probe shows nobody of the gallery.

    Raises:
        BadArgument: If the prior is not between 0 and 1.
    """
    check_prior_unknown(prior_unknown)
    weights = np.append(
        ratios.astype(np.float64) + math.log((1 - prior_unknown) / max(1, len(ratios))),
        math.log(prior_unknown),
    )
    weights = np.exp(weights - weights.max())
    weights /= weights.sum()
    return weights[:-1], float(weights[-1])


def check_prior_unknown(prior_unknown: float) -> None:
    """Refuse a prior of the unknown that is none.

    Raises:
        BadArgument: If it is not between 0 and 1.
    """
    if not 0 < prior_unknown < 1:
        raise BadArgument(
            f"The prior of the unknown is {prior_unknown}, and a share between 0 and 1 is expected."
        )
