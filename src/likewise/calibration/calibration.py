"""Operating points with intervals, and from a distance to a probability.

A threshold is fitted for a false-accept rate on the *calibrate* items, and what it then does is
measured on others. A rate that the data cannot support is refused.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from likewise.calibration.grades import GradeCalibration
from likewise.calibration.request import USUAL, DecisionRequest
from likewise.calibrators import FAMILY as CALIBRATORS
from likewise.calibrators.base import Calibrator
from likewise.errors import BadArgument, UnsupportedRate
from likewise.metrics.intervals import expit, logit
from likewise.registry import unknown
from likewise.results import (
    EQUAL_ERROR,
    Choice,
    Criterion,
    Decision,
    OperatingPoint,
)
from likewise.shapes import Array, Float
from likewise.types import Claim

TARGETS = (0.001, 0.01, 0.05, 0.1)
PREFERRED = 0.01


@dataclass(frozen=True)
class Calibration:
    """What turns a distance into a decision.

    Attributes:
        claim: What the rates of the operating points claim.
        calibrator: Spec of the calibrator.
        parameters: What it learned: numbers, and lists of numbers.
        points: Two for each target (see `limit`), `eer` where both errors are equal, `balanced`
            where the mean of both is least, and one of least cost where costs were given.
        units: How many identities (items under `known_classes`) it was fitted on.
        unit: What they are called.
        limit: Which points are used where nobody says: `plain`, those whose false-accept rate on
            the *calibrate* items is the target (`far=0.01`), or `guarantee`, those whose 95% upper
            limit is (`far<=0.01`).
        choice: How the calibrator was chosen; None where somebody named it.
        source: The name of what holds the items that it was fitted on; empty where nobody said.
        against: Which different pairs the false-accept rates are of, where there were genuine and
            forged items: `skilled`, `random` or `both`; empty elsewhere.
        preferred: The target of the point that is used where nobody says.
        grades: What turns a distance into a grade; None where no pairs were graded.
    """

    claim: Claim
    calibrator: str
    parameters: Mapping[str, Any]
    points: tuple[OperatingPoint, ...]
    units: int
    unit: str = "identities"
    limit: Literal["plain", "guarantee"] = "plain"
    choice: Choice | None = None
    source: str = ""
    against: str = ""
    preferred: float = PREFERRED
    grades: GradeCalibration | None = None

    @cached_property
    def _calibrator(self) -> Calibrator:
        return CALIBRATORS.build(self.calibrator, parameters=self.parameters)

    def ratios(self, distances: Float[Array, "n"]) -> Float[Array, "n"]:
        """The natural log-likelihood ratio of each distance."""
        return self._calibrator.apply(distances)

    def default(self, *, guaranteed: bool | None = None) -> OperatingPoint | None:
        """The point that `verify` uses: the preferred, else the smallest that is supported.

        Of the supported ones it is the smallest above the preferred, if there is one; None where
        none is supported.
        """
        supported = [p for p in self._targeted(guaranteed) if p.supported]
        for point in supported:
            if point.target == self.preferred:
                return point
        above = [p for p in supported if p.target is not None and p.target > self.preferred]
        return min(above or supported, key=lambda p: p.target or 0.0, default=None)

    def _targeted(self, guaranteed: bool | None) -> list[OperatingPoint]:
        """The points for a false-accept rate, or those for a limit of it."""
        wanted = self.limit == "guarantee" if guaranteed is None else guaranteed
        return [p for p in self.points if p.target is not None and wanted == p.guaranteed]

    def point(self, request: DecisionRequest = USUAL) -> OperatingPoint:
        """The operating point that a request chooses, or the default one, or `eer`.

        Args:
            request: How to decide.

        Raises:
            BadArgument: If a threshold is asked for in two ways.
            UnknownName: If there is no point of that name.
            UnsupportedRate: If the rate asked for, or a threshold for the costs, was not fitted, or
                the data cannot support it.
        """
        if request.asked > 1:
            raise BadArgument(
                "A threshold was asked for in two ways. Give one of far, operating_point and costs."
            )
        if request.costs is not None:
            return self._of_least_cost(request, request.costs)
        if request.operating_point:
            return self._named(request.operating_point)
        far = request.far
        if far is None:
            return self.default(guaranteed=request.guaranteed) or self.equal_error
        points_for = self._targeted(request.guaranteed)
        for point in points_for:
            if math.isclose(point.target or 0.0, far):
                return _supported(point, f"FAR {far}")
        known = ", ".join(str(p.target) for p in points_for if p.supported)
        raise UnsupportedRate(
            f"No threshold was fitted for FAR {far}. Fitted and supported: {known or 'none'}. "
            f"Another is fitted by likewise calibrate --far {far:g}."
        )

    def _named(self, name: str) -> OperatingPoint:
        points = {point.name: point for point in self.points}
        try:
            criterion = str(Criterion.parse(name))
        except BadArgument:
            criterion = name
        if criterion not in points:
            raise unknown("no operating point is named", name, points)
        return _supported(points[criterion], name)

    def _of_least_cost(
        self, request: DecisionRequest, costs: tuple[float, float]
    ) -> OperatingPoint:
        wanted = Criterion.of_costs(costs, request.prior)
        points = {point.name: point for point in self.points if point.criterion.costs}
        if str(wanted) in points:
            return _supported(points[str(wanted)], str(wanted))
        where = "" if request.prior == 0.5 else f" --prior {request.prior:g}"
        raise UnsupportedRate(
            f"The calibration {request.calibration!r} has no threshold for {wanted}, so its error "
            f"rates are not known (for costs it has: {', '.join(points) or 'none'}). Fit one: "
            f"likewise calibrate MODEL SOURCE --name NAME --cost-false-accept {costs[0]:g} "
            f"--cost-false-reject {costs[1]:g}{where}"
        )

    @property
    def equal_error(self) -> OperatingPoint:
        """The point where both error rates are equal."""
        return next(point for point in self.points if point.criterion == EQUAL_ERROR)

    def decide(self, distance: float, request: DecisionRequest = USUAL) -> Decision:
        """Whether a pair this far apart is the same.

        Args:
            distance: Of the pair.
            request: How to decide.

        Raises:
            BadArgument: If a threshold is asked for in two ways.
            UnknownName: If there is no point of that name.
            UnsupportedRate: If that rate has no threshold.
        """
        point, prior = self.point(request), request.prior
        ratio = float(self.ratios(np.asarray([distance]))[0])
        verdict = "same" if distance <= point.threshold else "different"
        return Decision(
            verdict=verdict if point.supported else "undecided",
            distance=distance,
            threshold=point.threshold,
            log_likelihood_ratio=ratio,
            prior=prior,
            probability=expit(ratio + logit(prior)),
            point=point,
            claim=self.claim,
            unit=self.unit,
            grade=None if self.grades is None else self.grades.grade(distance),
        )

    def with_points(self, points: Sequence[OperatingPoint]) -> "Calibration":
        """The same with what was measured on *test* filled in."""
        return replace(self, points=tuple(points))


def _supported(point: OperatingPoint, asked: str) -> OperatingPoint:
    if not point.supported:
        raise UnsupportedRate(f"No threshold for {asked}: {point.reason}")
    return point
