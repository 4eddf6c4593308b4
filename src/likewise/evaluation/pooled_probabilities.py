"""What probabilities were worth over folds, each of which has a calibration of its own.

No probability is measured on a pair that its calibration was fitted on. Probabilities are of one
scale whatever made them, so that pairs of all folds stand in one diagram; distances are not, unless
one encoder made them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from likewise.calibration import LEVELS, bins_of, thresholds_of, uninformed
from likewise.metrics import probability
from likewise.metrics.tally import Tally
from likewise.metrics.verification import bin_values
from likewise.pairs import PairSet
from likewise.results import Probability, check_prior
from likewise.shapes import Array, Float, Int
from likewise.types import Claim


@dataclass(frozen=True, eq=False)
class Said:
    """What the probabilities of one fold said of its own pairs.

    Attributes:
        distances: Some of them, ascending, each for all pairs that are about as far apart.
        ratios: The log-likelihood ratio of each.
        place: Between which levels its probability lies: 0 is the most probable bin.
        same: The share of the fold's same pairs with each.
        different: The share of its different pairs.
        tallies: The decisions at every level, from the highest on.
    """

    distances: Float[Array, "n"]
    ratios: Float[Array, "n"]
    place: Int[Array, "n"]
    same: Float[Array, "n"]
    different: Float[Array, "n"]
    tallies: tuple[tuple[Tally, Tally], ...]

    @classmethod
    def of(
        cls,
        compared: PairSet,
        ratios: Callable[[Float[Array, "n"]], Float[Array, "n"]],
        claim: Claim,
        prior: float = 0.5,
    ) -> "Said":
        """Ask for the probabilities of a fold's pairs.

        Args:
            compared: The pairs.
            ratios: Gives the log-likelihood ratio of each distance; it never rises with the
                distance.
            claim: What the units of the intervals are.
            prior: The share of same pairs that the probabilities assume.

        Raises:
            BadArgument: If the prior is not between 0 and 1.
        """
        check_prior(prior)
        spread = compared.spread()
        used = np.flatnonzero(spread.same + spread.different)
        distances, thresholds = bin_values()[used], thresholds_of(ratios, prior)
        return cls(
            distances,
            np.asarray(ratios(distances), dtype=np.float64),
            np.searchsorted(thresholds, distances, side="left"),
            spread.same[used],
            spread.different[used],
            tuple(compared.tallies(thresholds, claim)),
        )


def pooled(said: Sequence[Said], prior: float = 0.5, *, one_scale: bool) -> Probability:
    """What the probabilities of all folds were worth; each fold weighs as in the error rates.

    Args:
        said: By each fold.
        prior: The share of same pairs that the probabilities assume, as it was said.
        one_scale: Whether the distances of all folds are of one encoder. If not, the minimum Cllr
            is the mean of the folds' own.

    Raises:
        BadArgument: If the prior is not between 0 and 1.
    """
    check_prior(prior)
    joined = [
        tuple(Tally.join([one.tallies[at][sort] for one in said]) for sort in (0, 1))
        for at in range(len(LEVELS))
    ]
    ends = [(far, frr) for far, frr in joined]
    apart, alike = (
        np.array([one.tallies[0][sort].weight for one in said], dtype=np.float64) for sort in (0, 1)
    )
    apart, alike = apart / apart.sum(), alike / alike.sum()
    same = np.concatenate([w * one.same for w, one in zip(alike, said, strict=True)])
    different = np.concatenate([w * one.different for w, one in zip(apart, said, strict=True)])
    ratios = np.concatenate([one.ratios for one in said])
    bins = bins_of(
        dict(enumerate(zip([None, *ends], [*ends, None], strict=True))),
        np.concatenate([one.place for one in said]),
        probability.probabilities_at(ratios, prior),
        prior * same + (1 - prior) * different,
        prior,
    )
    if one_scale:
        distances = np.concatenate([one.distances for one in said])
        _, which = np.unique(distances, return_inverse=True)
        least = probability.minimum_cllr(np.bincount(which, same), np.bincount(which, different))
    else:
        own = [probability.minimum_cllr(one.same, one.different) for one in said]
        least = float(np.asarray(own) @ (apart + alike) / 2)
    return Probability(
        prior=prior,
        log_loss=probability.log_loss(ratios, same, different, prior),
        uninformed=uninformed(prior),
        brier=probability.brier(ratios, same, different, prior),
        calibration_error=sum(one.share * abs(one.said - one.seen) for one in bins),
        cllr=probability.cllr(ratios, same, different),
        minimum_cllr=least,
        reliability=bins,
    )
