"""How sure one may be: what probabilities were worth, and how what gives them was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Choice:
    """Which calibrator was chosen, and why.

    Attributes:
        calibrator: Spec of the one that was chosen.
        losses: Spec → log loss (nats, at even prior) on units that it was not fitted on, the mean
            over the folds; empty if there were too few to compare on.
        folds: How many parts the units were dealt into; 0 if there were too few.
        reason: The choice in a sentence.
    """

    calibrator: str
    losses: Mapping[str, float] = field(default_factory=dict)
    folds: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Reliability:
    """One bin of a reliability diagram: what was said, and what was so.

    Attributes:
        low: The bin holds probabilities above this (and, the first, 0).
        high: Up to this.
        share: Of all pairs at the prior, how many are in it; a fraction.
        said: The mean probability in it.
        seen: The share of them that were the same, at the prior.
        seen_low: Lower end of the 95% interval of `seen`, in which identities are the trials; None
            where they are too few, or all pairs of the bin are of one sort.
        seen_high: Upper end; None likewise.
        same_pairs: How many same pairs were counted in it.
        different_pairs: How many different ones.
    """

    low: float
    high: float
    share: float
    said: float
    seen: float
    seen_low: float | None
    seen_high: float | None
    same_pairs: int
    different_pairs: int


@dataclass(frozen=True)
class Probability:
    """What the probabilities were worth, identities weighing equally.

    Attributes:
        prior: The share of same pairs that all of it assumes, but for the two Cllr.
        log_loss: Mean surprise in nats; smaller is better.
        uninformed: The log loss of always saying the prior (.693 at even prior).
        brier: Mean squared difference of the probability and the truth.
        calibration_error: ECE, the mean difference of said and seen over the bins.
        cllr: Log loss of the likelihood ratios in bits at even prior, which no prior moves; 1 is
            what says nothing.
        minimum_cllr: The same after the best monotone calibration on these very pairs: what the
            distances would allow; the rest of `cllr` is the calibrator's.
        reliability: The bins that hold pairs, from the least probable on.
    """

    prior: float
    log_loss: float
    uninformed: float
    brier: float
    calibration_error: float
    cllr: float
    minimum_cllr: float
    reliability: tuple[Reliability, ...]
