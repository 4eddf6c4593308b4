"""What was measured and decided: rates, operating points, decisions, evaluations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from likewise.errors import Undecided
from likewise.results.cells import point_rows, rate_cells, rates_in_words
from likewise.results.curves import Curve, Histogram
from likewise.results.grades import Grade, Graded
from likewise.results.points import OperatingPoint
from likewise.results.probability import Probability
from likewise.results.ranking import Identification, OneShot, Retrieval
from likewise.results.rates import Enrolment, ErrorRates, Groups, Promise
from likewise.results.result import Cell, Result
from likewise.types import Claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Decision(Result):
    """Whether two items are the same, and why one may say so.

    Attributes:
        verdict: `same`, `different`, or `undecided` when no error rate is supported.
        distance: How far apart the two embeddings are.
        threshold: What the distance was held against.
        log_likelihood_ratio: Natural logarithm of how much likelier this distance is for a same
            than for a different pair.
        prior: The share of same pairs that the probability assumes.
        probability: That the two are the same, at this prior.
        point: The operating point used, with its measured rates.
        claim: What those rates claim.
        unit: What the trials of their intervals are called.
        grade: How alike the two are, in the grades that pairs were given; None where none were.
    """

    verdict: str
    distance: float
    threshold: float
    log_likelihood_ratio: float
    prior: float
    probability: float
    point: OperatingPoint
    claim: Claim
    unit: str = "identities"
    grade: Grade | None = None

    @property
    def same(self) -> bool:
        """Whether the two are the same.

        Raises:
            Undecided: If the data support no error rate, so that nobody may say.
        """
        if self.verdict == "undecided":
            raise Undecided(
                f"The decision is undecided: {self.point.reason or 'no error rate is supported'} "
                "Ask for its verdict, distance and probability instead, or calibrate with more "
                "data."
            )
        return self.verdict == "same"

    def __bool__(self) -> bool:
        return self.same

    def summary(self) -> str:
        """Return the verdict, and what the distance was held against."""
        held = "<=" if self.distance <= self.threshold else ">"
        words = f"{self.verdict}, distance={self.distance:.3f} {held} threshold="
        target = "" if self.point.target is None else f" at FAR {self.point.target:g}"
        return f"{words}{self.threshold:.3f}{target}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return one row: the decision, and the rates measured for it."""
        return [
            {
                "verdict": self.verdict,
                "distance": self.distance,
                "threshold": self.threshold,
                "probability": self.probability,
                "prior": self.prior,
                **rate_cells(self.point.test),
            }
        ]


@dataclass(frozen=True)
class Verification:
    """How well pairs are told apart.

    Attributes:
        claim: What the rates claim.
        identities: How many identities (or groups of linked pairs) were compared.
        items: How many items.
        same_pairs: How many pairs of items of one identity.
        different_pairs: How many pairs of items of two identities.
        eer: The equal error rate on these data (the threshold here is chosen on them, so it
            describes the distances and promises nothing).
        auc: Probability that a different pair is farther apart than a same pair.
        points: The operating points with `test` filled in.
        histogram: The distances.
        unit: What the trials of every interval are called: `identities`; `items` where the classes
            are known; `groups of linked pairs` where the source listed pairs.
        curve: Both error rates at other thresholds.
        tar: For some false-accept rates, the largest share of same pairs accepted within each.
        min_dcf: The least normalised detection cost, at prior .01 and costs of 1.
        against: Which different pairs the false-accept rates are of, where there are genuine and
            forged items: `skilled`, `random` or `both`; empty elsewhere.
        populations: Then for each population of different pairs the rates at every point.
        population_eers: And its equal error rate.
        promises: For each point that was fitted for a false-accept rate, by its name, whether it
            keeps it; none where too few identities stand behind one of the rates.
    """

    claim: Claim
    identities: int
    items: int
    same_pairs: int
    different_pairs: int
    eer: float
    auc: float
    points: tuple[OperatingPoint, ...]
    histogram: Histogram
    unit: str = "identities"
    curve: Curve | None = None
    tar: Mapping[float, float] = field(default_factory=dict)
    min_dcf: float | None = None
    against: str = ""
    populations: Mapping[str, tuple[ErrorRates, ...]] = field(default_factory=dict)
    population_eers: Mapping[str, float] = field(default_factory=dict)
    promises: Mapping[str, Promise] = field(default_factory=dict)

    @property
    def counted(self) -> str:
        """What was compared, as in `600 items of 30 identities`."""
        kinds = {"identities": "of {} identities", "items": "of {} classes"}
        kind = kinds.get(self.unit, f"in {{}} {self.unit}")
        return f"{self.items:,} items {kind.format(f'{self.identities:,}')}"

    @property
    def sentence(self) -> str:
        """The claim in words that stand beside a rate."""
        return claim_sentence(self.claim, self.unit)


def claim_sentence(claim: Claim, unit: str) -> str:
    """What a rate claims, in words that name its trials: `measured on ... never trained on`."""
    if claim is Claim.NEW_IDENTITIES:
        return f"measured on {unit} never trained on"
    return claim.sentence


@dataclass(frozen=True)
class Mistake:
    """A pair that was decided wrongly, by its rows in the evaluated items.

    Attributes:
        first: Row of one item.
        second: Row of the other.
        same: Whether the two are truly the same.
        distance: How far apart they are.
    """

    first: int
    second: int
    same: bool
    distance: float


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """Everything that was measured on one set of items.

    Attributes:
        source: Where the items come from, in words.
        verification: Error rates.
        one_shot: Recognition from one example; None if the data cannot ask for it.
        mistakes: The worst mistakes at the operating point that `verify` uses, worst first.
        failed: Place and reason of each item that could not be read.
        hardest: Identity → share of its pairs decided wrongly, the worst first.
        comparator: What compared: `matcher`, or the spec of the distance.
        default_point: Name of the operating point that `verify` uses; empty if none is supported.
        threshold: Of that point, or of equal error where none is supported.
        few_shot: Recognition from five examples; None if the data cannot ask for it.
        identification: Recognition among all identities; None likewise, or if it was too long.
        retrieval: The lists of nearest items; None likewise.
        probability: What the probabilities were worth; None where none were given.
        enrolment: How many items could not be read or embedded; None where nobody counted.
        groups: The rates of each group, where they were asked for.
        grades: How the distance follows the grades of pairs; None where nobody graded them.
        drawn: In words, which items were drawn, where not all were compared.
        reranked: How many of the nearest by the distance the matcher put in order, in what is
            recognised and retrieved; None where one comparator looked at all.
    """

    source: str
    verification: Verification
    one_shot: OneShot | None
    mistakes: tuple[Mistake, ...]
    failed: tuple[tuple[str, str], ...]
    hardest: Mapping[str, float]
    comparator: str = ""
    default_point: str = ""
    threshold: float = 0.0
    few_shot: OneShot | None = None
    identification: Identification | None = None
    retrieval: Retrieval | None = None
    probability: Probability | None = None
    enrolment: Enrolment | None = None
    groups: Groups | None = None
    grades: Graded | None = None
    drawn: str = ""
    reranked: int | None = None

    def summary(self) -> str:
        """Return what was compared, and the error rates that `verify` decides by."""
        return f"{self.verification.counted}: {rates_in_words(self._default)}"

    @property
    def _default(self) -> OperatingPoint | None:
        named = [one for one in self.verification.points if one.name == self.default_point]
        return named[0] if named else None

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each operating point: its threshold, and the rates measured for it."""
        return point_rows(self.verification.points)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw how far apart same and different pairs are, and the threshold between them.

        Args:
            ax: Where to draw; a new figure if None.

        Raises:
            MissingExtra: If matplotlib is not installed.
        """
        from likewise.results.plots import plot_distances

        return plot_distances(self.verification.histogram, self.threshold, self.summary(), ax)


@dataclass(frozen=True)
class Epoch:
    """What one epoch of training did.

    Attributes:
        number: From 1.
        steps: Optimiser steps so far.
        seconds: Training time so far.
        loss: Mean over the epoch.
        figure: The validation error on *select*: of one-shot recognition, or the equal error rate
            of listed pairs; None if there is no *select*.
        items_per_second: Items that went through the encoder a second, in this epoch.
        seconds_left: Until training ends, at this pace.
        best: Whether this is the best checkpoint so far.
        note: What is wrong, in words: that the embedding has collapsed, say; empty if nothing is.
    """

    number: int
    steps: int
    seconds: float
    loss: float
    figure: float | None
    items_per_second: float
    seconds_left: float
    best: bool
    note: str = ""


@dataclass(frozen=True)
class Training:
    """How a model was trained.

    Attributes:
        epochs: The training curve.
        device: Where, in words.
        precision: In what, and why, in words.
        stopped: Whether it was stopped before its end.
    """

    epochs: tuple[Epoch, ...]
    device: str
    precision: str
    stopped: bool
