"""What folds measured: each decides with a threshold of its own, and the decisions are pooled.

Distances are never pooled: those of two models have nothing to do with one another. Probabilities
are of one scale whatever made them, so that pairs of all folds stand in one diagram; and none is
measured on a pair that its calibration was fitted on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.calibration import LEVELS, PREFERRED, bins_of, thresholds_of, worth_of
from likewise.evaluation.accuracy import Judged, accuracy, joined_rates, judged, pooled_rates
from likewise.metrics import probability
from likewise.metrics.tally import Tally
from likewise.metrics.verification import bin_values
from likewise.pairs import RANDOM, SKILLED, ForgeryPairs, PairSet
from likewise.results import (
    Accuracy,
    Cell,
    Criterion,
    ErrorRates,
    Evaluation,
    OperatingPoint,
    Probability,
    Result,
    check_prior,
    plot_rates,
    rate_cells,
)
from likewise.shapes import Array, Float, Int
from likewise.types import Claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class FoldProbabilities:
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
    ) -> "FoldProbabilities":
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


@dataclass(frozen=True)
class Decided:
    """What the thresholds of one fold decided about its test items.

    Attributes:
        points: The operating points, as they were fitted on the fold's own *calibrate* items.
        populations: What became of different and of same pairs at each of them, for each
            population of different pairs, where some items are forged.
        judged: For each of the points, what became of different and of same pairs, with the
            units that they go through.
        said: What the fold's probabilities said of its test items; None where nobody asked.
    """

    points: tuple[OperatingPoint, ...]
    populations: Mapping[str, tuple[tuple[Tally, Tally], ...]]
    judged: tuple[Judged, ...]
    said: FoldProbabilities | None = None

    @classmethod
    def of(cls, compared: PairSet, points: Sequence[OperatingPoint], claim: Claim) -> "Decided":
        """Decide about the pairs of a fold."""
        thresholds = [point.threshold for point in points]
        populations = {}
        if isinstance(compared, ForgeryPairs):
            each = compared.each(thresholds, claim)
            populations = {name: tuple(each[name]) for name in (SKILLED, RANDOM)}
        tallies = compared.tallies(thresholds, claim)
        return cls(tuple(points), populations, tuple(judged(compared, tallies)))


@dataclass(frozen=True)
class PooledPoint:
    """An operating point over all folds.

    Attributes:
        criterion: What it was fitted for, as in `OperatingPoint`.
        thresholds: Of each fold.
        supported: Whether the data of every fold can support it.
        reason: Why not, and what would be needed; empty when supported.
        rates: Over the decisions of all folds; None if not supported.
        populations: Those of each population of different pairs, where some items are forged.
        balanced_accuracy: One less the mean of both rates, over the decisions of all folds; None
            if not supported.
    """

    criterion: Criterion
    thresholds: tuple[float, ...]
    supported: bool
    reason: str
    rates: ErrorRates | None
    populations: Mapping[str, ErrorRates]
    balanced_accuracy: Accuracy | None

    @property
    def name(self) -> str:
        """How the criterion prints."""
        return str(self.criterion)

    @property
    def target(self) -> float | None:
        """The false-accept rate that it was fitted for; None for those without one."""
        return self.criterion.target


@dataclass(frozen=True)
class Fold:
    """What one fold did.

    Attributes:
        number: From 1.
        parts: Each role with its counts in words.
        evaluation: Of its own test items.
        items_per_second: Of training.
    """

    number: int
    parts: Mapping[str, str]
    evaluation: Evaluation
    items_per_second: float


@dataclass(frozen=True, repr=False)
class PooledEvaluation(Result):
    """What a recipe is worth, measured by folds in which every identity is tested once.

    Attributes:
        source: Where the items come from, in words.
        claim: What the rates claim.
        unit: What the trials of every interval are called.
        comparator: What compared: `matcher`, or the spec of the distance.
        against: Which different pairs the false-accept rates are of, where some items are forged.
        folds: What each did.
        points: The operating points over all folds.
        identities: How many were tested, in all folds together.
        items: Likewise.
        same_pairs: Likewise; pairs of two folds are never compared.
        different_pairs: Likewise.
        eer: Mean of the folds' equal error rates, each at a threshold chosen on the fold itself: it
            describes the distances and promises nothing.
        population_eers: The same for each population of different pairs.
        one_shot: Mean of the folds' one-shot accuracies; None if the data cannot ask for it.
        failed: Place and reason of each item that could not be read.
        default_point: Name of the point that is told first: what the folds' models use, where all
            folds support it, else the nearest that they do; empty if there is none.
        probability: What the probabilities were worth; None where nobody asked.
    """

    source: str
    claim: Claim
    unit: str
    comparator: str
    against: str
    folds: tuple[Fold, ...]
    points: tuple[PooledPoint, ...]
    identities: int
    items: int
    same_pairs: int
    different_pairs: int
    eer: float
    population_eers: Mapping[str, float]
    one_shot: float | None
    failed: tuple[tuple[str, str], ...]
    default_point: str
    probability: Probability | None

    def summary(self) -> str:
        """Return what was tested, and the pooled rates of the point that is told first."""
        named = [one.rates for one in self.points if one.name == self.default_point]
        rates = named[0] if named else None
        told = (
            "no error rate is supported"
            if rates is None
            else f"FAR {rates.far.value:.4f}, FRR {rates.frr.value:.4f} at {self.default_point}"
        )
        return f"{len(self.folds)} folds, {self.identities:,} {self.unit}: {told}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each operating point: the rates over the decisions of all folds."""
        return [
            {"point": one.name, "supported": one.supported, **rate_cells(one.rates)}
            for one in self.points
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw both error rates of every supported point, with their intervals.

        Args:
            ax: Where to draw; a new figure if None.

        Raises:
            MissingExtra: If matplotlib is not installed.
        """
        return plot_rates({one.name: one.rates for one in self.points}, self.summary(), ax)


def pool_folds(
    folds: Sequence[Fold], decided: Sequence[Decided], prior: float = 0.5
) -> PooledEvaluation:
    """Put folds together that share no identity.

    Args:
        folds: What each did.
        decided: What the thresholds of each decided.
        prior: The share of same pairs that the probabilities assume, as it was said.
    """
    found = [fold.evaluation.verification for fold in folds]
    first, evaluation = found[0], folds[0].evaluation
    shots = [shot.accuracy for fold in folds if (shot := fold.evaluation.one_shot) is not None]
    shared = [
        point.name
        for point in decided[0].points
        if all(point.name in {p.name for p in one.points} for one in decided)
    ]
    points = tuple(_pooled(name, decided) for name in shared)
    said = [one.said for one in decided if one.said is not None]
    return PooledEvaluation(
        source=evaluation.source,
        claim=first.claim,
        unit=first.unit,
        comparator=evaluation.comparator,
        against=first.against,
        folds=tuple(folds),
        points=points,
        identities=sum(one.identities for one in found),
        items=sum(one.items for one in found),
        same_pairs=sum(one.same_pairs for one in found),
        different_pairs=sum(one.different_pairs for one in found),
        eer=_mean([one.eer for one in found]),
        population_eers={
            name: _mean([one.population_eers[name] for one in found])
            for name in first.population_eers
        },
        one_shot=_mean(shots) if len(shots) == len(folds) else None,
        failed=evaluation.failed,
        default_point=_default(points, [fold.evaluation.default_point for fold in folds]),
        probability=pool_probabilities(said, prior, one_scale=False)
        if len(said) == len(decided)
        else None,
    )


def _default(points: Sequence[PooledPoint], used: Sequence[str]) -> str:
    supported = [point for point in points if point.supported]
    for point in supported:
        if set(used) == {point.name}:
            return point.name
    # As a model chooses: the rate of .01, else the least above it that the data support.
    aims = {p.target: p.name for p in supported if p.target and not p.criterion.guaranteed}
    above = [target for target in aims if target >= PREFERRED]
    return aims[min(above or aims)] if aims else ""


def _pooled(name: str, decided: Sequence[Decided]) -> PooledPoint:
    places = [[point.name for point in one.points].index(name) for one in decided]
    points = [one.points[at] for one, at in zip(decided, places, strict=True)]
    lacking = [number for number, point in enumerate(points, 1) if not point.supported]
    reason, rates, populations, right = "", None, {}, None
    if lacking:
        which = f"fold {', '.join(map(str, lacking))} of {len(points)}"
        which = "every fold" if len(lacking) == len(points) else which
        reason = f"In {which}: {points[lacking[0] - 1].reason}"
    else:
        each = [one.judged[at] for one, at in zip(decided, places, strict=True)]
        rates, right = pooled_rates(each), accuracy(each, balanced=True)
        populations = {
            of: joined_rates(
                [one.populations[of][at] for one, at in zip(decided, places, strict=True)]
            )
            for of in decided[0].populations
        }
    return PooledPoint(
        criterion=points[0].criterion,
        thresholds=tuple(point.threshold for point in points),
        supported=not lacking,
        reason=reason,
        rates=rates,
        populations=populations,
        balanced_accuracy=right,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def pool_probabilities(
    said: Sequence[FoldProbabilities], prior: float = 0.5, *, one_scale: bool
) -> Probability:
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
    return worth_of(ratios, same, different, prior, least, bins)
