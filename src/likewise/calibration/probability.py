"""Probabilities: the calibrator is chosen and fitted on some pairs, and measured on others."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from likewise.calibrators import FAMILY as CALIBRATORS
from likewise.errors import SplitError
from likewise.metrics import probability
from likewise.metrics.intervals import logit
from likewise.metrics.tally import Tally
from likewise.metrics.verification import DistanceHistograms, bin_values
from likewise.pairs import PairSet
from likewise.results import Choice, Probability, Reliability, check_prior
from likewise.shapes import Array, Float, Int
from likewise.types import Claim

AUTO = "auto"
"""Stands where a calibrator is named, for the one that does best on units it was not fitted on."""
CHOSEN_FROM = ("logistic", "isotonic", "beta")
FIRST = CHOSEN_FROM[0]
FOLDS = 5
FEWEST = 20
_DRAWS = 10
_MOST_ITEMS = 5000
LEVELS = tuple(level / 10 for level in range(1, 10))
"""The probabilities at which the bins of a reliability diagram meet."""
_LARGEST = np.finfo(np.float32).max.view(np.uint32)


def check_calibrator(calibrator: str) -> str:
    """The spec of a calibrator, once it is one, or `auto`.

    Raises:
        SpecError: If it is neither.
    """
    return AUTO if calibrator.strip() == AUTO else str(CALIBRATORS.check(calibrator))


def fit_calibrator(
    calibrator: str, spread: DistanceHistograms, independent: tuple[float, float]
) -> Mapping[str, Any]:
    """What a calibrator learns from the distances of same and of different pairs.

    Args:
        calibrator: Spec.
        spread: The distances.
        independent: How many independent trials stand behind the same and the different pairs.
    """
    used = np.flatnonzero(spread.same + spread.different)
    values = bin_values()[used]
    return CALIBRATORS.build(calibrator, parameters=None).fit(
        np.concatenate([values, values]),
        np.repeat([True, False], len(used)),
        np.concatenate([spread.same[used], spread.different[used]]),
        independent,
    )


def choose_calibrator(compared: PairSet, claim: Claim, seed: int = 0) -> Choice:
    """Choose a calibrator by its log loss on units that it was not fitted on.

    The units (identities, items of known classes, or groups of linked pairs) are dealt into five
    folds. Each calibrator is fitted on the pairs among four of them and measured on those among
    the fifth, in turn. Another calibrator than logistic is taken only where its mean log loss is
    lower by more than one standard error of the difference over the folds. Of more than 5,000
    items some units are drawn.

    Args:
        compared: The pairs to calibrate on.
        claim: What the units are.
        seed: Of the draw.

    References:
        Breiman, Friedman, Olshen, Stone, "Classification and Regression Trees", 1984, section
        3.4.3, for the rule of one standard error.
    """
    count, unit, *_ = compared.trials(claim)
    if count < FEWEST:
        reason = (
            f"{FIRST}: {count} {unit} are too few to compare calibrators on ({FEWEST} at least)"
        )
        return Choice(FIRST, reason=reason)
    random = np.random.default_rng(seed)
    for _ in range(_DRAWS):
        order = random.permutation(count)
        order = order[: max(FEWEST, math.floor(count * _MOST_ITEMS / len(compared.vectors)))]
        fold = np.full(count, -1)
        fold[order] = np.arange(len(order)) % FOLDS
        try:
            found = [_fold_losses(compared, fold, out, claim) for out in range(FOLDS)]
        except SplitError:  # a fold without a same or without a different pair
            continue
        return _chosen({spec: np.array([one[spec] for one in found]) for spec in CHOSEN_FROM}, unit)
    reason = f"{FIRST}: the {unit} cannot be dealt into {FOLDS} parts with both sorts of pairs"
    return Choice(FIRST, reason=reason)


def _fold_losses(compared: PairSet, fold: Array, out: int, claim: Claim) -> dict[str, float]:
    """The log loss of each calibrator on one fold, fitted on the others."""
    known, new = (
        compared.among((fold >= 0) & (fold != out), claim),
        compared.among(fold == out, claim),
    )
    fitted_on, on = known.spread(), new.spread()
    *_, alike, apart = known.trials(claim)
    used = np.flatnonzero(on.same + on.different)
    distances, same, different = bin_values()[used], on.same[used], on.different[used]
    losses = {}
    for spec in CHOSEN_FROM:
        parameters = fit_calibrator(spec, fitted_on, (alike, apart))
        ratios = CALIBRATORS.build(spec, parameters=parameters).apply(distances)
        losses[spec] = probability.log_loss(ratios, same, different)
    return losses


def _chosen(losses: Mapping[str, Float[Array, "folds"]], unit: str) -> Choice:
    means = {spec: float(found.mean()) for spec, found in losses.items()}
    best = FIRST
    for spec, found in losses.items():
        lower = losses[FIRST] - found
        sure = lower.mean() > lower.std(ddof=1) / math.sqrt(FOLDS)
        if sure and means[spec] < means[best]:
            best = spec
    told = ", ".join(f"{spec} {mean:.4f}" for spec, mean in means.items())
    why = "the least beyond chance" if best != FIRST else "none is lower beyond chance"
    reason = f"{best}: log loss on {unit} left out in turn, in {FOLDS} folds: {told}; {why}"
    return Choice(best, means, FOLDS, reason)


def uninformed(prior: float) -> float:
    """The log loss, in nats, of always saying the prior."""
    return -prior * math.log(prior) - (1 - prior) * math.log1p(-prior)


def measure_probabilities(
    compared: PairSet,
    ratios: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    claim: Claim,
    prior: float = 0.5,
) -> Probability:
    """What the probabilities are worth on pairs that they were not fitted on.

    Args:
        compared: The pairs.
        ratios: Gives the log-likelihood ratio of each distance; it never rises with the distance.
        claim: What the units of the intervals are.
        prior: The share of same pairs that the probabilities assume.

    Raises:
        BadArgument: If the prior is not between 0 and 1.
    """
    check_prior(prior)
    spread = compared.spread()
    used = np.flatnonzero(spread.same + spread.different)
    distances, same, different = bin_values()[used], spread.same[used], spread.different[used]
    found = np.asarray(ratios(distances), dtype=np.float64)
    bins = _reliability(compared, ratios, claim, prior, (distances, same, different))
    least = probability.minimum_cllr(same, different)
    return worth_of(found, same, different, prior, least, bins)


def worth_of(
    ratios: Float[Array, "n"],
    same: Float[Array, "n"],
    different: Float[Array, "n"],
    prior: float,
    minimum_cllr: float,
    bins: tuple[Reliability, ...],
) -> Probability:
    """What probabilities are worth, from the shares of pairs that have each ratio.

    Args:
        ratios: Natural log-likelihood ratios.
        same: The share of the same pairs with each.
        different: The share of the different pairs with each.
        prior: The share of same pairs that the probabilities assume.
        minimum_cllr: The least Cllr that ratios which never rise with the distance could have.
        bins: Of the reliability diagram.
    """
    return Probability(
        prior=prior,
        log_loss=probability.log_loss(ratios, same, different, prior),
        uninformed=uninformed(prior),
        brier=probability.brier(ratios, same, different, prior),
        calibration_error=sum(one.share * abs(one.said - one.seen) for one in bins),
        cllr=probability.cllr(ratios, same, different),
        minimum_cllr=minimum_cllr,
        reliability=bins,
    )


def _reliability(
    compared: PairSet,
    ratios: Callable[[Array], Array],
    claim: Claim,
    prior: float,
    spread: tuple[Array, Array, Array],
) -> tuple[Reliability, ...]:
    """The bins of the diagram; a bin of probabilities is one of distances, since none rises."""
    thresholds = thresholds_of(ratios, prior)
    distances, same, different = spread
    tallies = _tallies(compared, thresholds, claim, (float(distances[0]), float(distances[-1])))
    place = np.searchsorted(thresholds, distances, side="left")
    said = probability.probabilities_at(np.asarray(ratios(distances), dtype=np.float64), prior)
    return bins_of(tallies, place, said, prior * same + (1 - prior) * different, prior)


def bins_of(
    tallies: Mapping[int, tuple[tuple[Tally, Tally] | None, tuple[Tally, Tally] | None]],
    place: Int[Array, "n"],
    said: Float[Array, "n"],
    weights: Float[Array, "n"],
    prior: float,
) -> tuple[Reliability, ...]:
    """The bins of a reliability diagram that hold pairs, from the least probable on.

    Args:
        tallies: For each bin, from the most probable on, the decisions at its nearer and at its
            farther end, as in `probability.share_of_same`.
        place: The bin of each of some distances.
        said: The probability said there.
        weights: The share of all pairs there.
        prior: The share of same pairs among all.
    """
    edges = [1.0, *reversed(LEVELS), 0.0]
    bins = []
    for index, (less, more) in tallies.items():
        apart = probability.error_between(less and less[0], more and more[0])
        alike = probability.error_between(more and more[1], less and less[1])
        if not apart.errors and not alike.errors:
            continue
        inside = place == index
        weight = float(weights[inside].sum())
        seen, low, high = probability.share_of_same(less, more, prior)
        share = prior * alike.value + (1 - prior) * apart.value
        middle = (edges[index] + edges[index + 1]) / 2
        told = float((weights * said)[inside].sum()) / weight if weight else middle
        bins.append(
            Reliability(
                low=edges[index + 1],
                high=edges[index],
                share=share,
                said=told,
                seen=seen,
                seen_low=low,
                seen_high=high,
                same_pairs=alike.errors,
                different_pairs=apart.errors,
            )
        )
    return tuple(reversed(bins))


def _tallies(
    compared: PairSet, thresholds: list[float], claim: Claim, ends: tuple[float, float]
) -> dict[int, tuple[tuple[Tally, Tally] | None, tuple[Tally, Tally] | None]]:
    """The decisions at both ends of each bin that can hold a pair, from the nearest bin on.

    Only thresholds between the ends of the distances are counted at: what others decide is known.
    """
    # A bin of the histogram has a relative width of 2^-11.
    nothing = sum(threshold < ends[0] * (1 - 2**-10) for threshold in thresholds)
    everything = sum(threshold >= ends[1] * (1 + 2**-10) for threshold in thresholds)
    inside = thresholds[nothing : len(thresholds) - everything]
    found = compared.tallies(inside or [-1.0], claim)
    # Where no threshold lies between the ends, one bin holds all: from nothing accepted on.
    nearer = [None, *found] if inside else [*found]
    farther = [*found, None] if inside else [None]
    bounds = zip(nearer, farther, strict=True)
    return {nothing + index: both for index, both in enumerate(bounds)}


def thresholds_of(ratios: Callable[[Array], Array], prior: float) -> list[float]:
    """The distances up to which the probability is above each level, from the highest level on."""
    levels = [logit(level) - logit(prior) for level in LEVELS]
    return [_farthest(ratios, level) for level in reversed(levels)]


def _farthest(ratios: Callable[[Array], Array], level: float) -> float:
    """The largest distance whose ratio is above the level; -1 where none is.

    The bits of a float that is not negative, read as an integer, are in the order of the floats.
    """
    low, high = -1, int(_LARGEST)
    while low < high:
        middle = (low + high + 1) // 2
        distance = np.array([middle], dtype=np.uint32).view(np.float32).astype(np.float64)
        # A bound of the ratios may lie at a level itself, but for the last digits.
        if float(ratios(distance)[0]) > level + 1e-9:
            low = middle
        else:
            high = middle - 1
    return -1.0 if low < 0 else float(np.array([low], dtype=np.uint32).view(np.float32)[0])
