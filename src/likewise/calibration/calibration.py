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
from likewise.calibrators import FAMILY as CALIBRATORS
from likewise.calibrators.base import Calibrator
from likewise.errors import BadArgument, UnsupportedRate
from likewise.metrics.intervals import expit, logit
from likewise.registry import unknown
from likewise.results import Choice, Decision, OperatingPoint
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

    def default(self, *, guarantee: bool | None = None) -> OperatingPoint | None:
        """The point that `verify` uses: the preferred, else the smallest that is supported.

        Of the supported ones it is the smallest above the preferred, if there is one; None where
        none is supported.
        """
        supported = [p for p in self._targeted(guarantee) if p.supported]
        for point in supported:
            if point.target == self.preferred:
                return point
        above = [p for p in supported if p.target is not None and p.target > self.preferred]
        return min(above or supported, key=lambda p: p.target or 0.0, default=None)

    def _targeted(self, guarantee: bool | None) -> list[OperatingPoint]:
        """The points for a false-accept rate, or those for a limit of it."""
        wanted = self.limit == "guarantee" if guarantee is None else guarantee
        return [p for p in self.points if p.target is not None and wanted == p.guaranteed]

    def point(
        self, far: float | None = None, name: str | None = None, *, guarantee: bool | None = None
    ) -> OperatingPoint:
        """The operating point for a false-accept rate or of a name, or the default one, or `eer`.

        Args:
            far: The false-accept rate that it was fitted for.
            name: `far=0.01`, `far<=0.01`, `eer`, `balanced`, ... instead.
            guarantee: Whether the 95% upper limit of that rate, not the rate, is the target; as
                the calibration's `limit` says if None.

        Raises:
            BadArgument: If both are given, or the rate is not above 0 and at most 1.
            UnknownName: If there is no point of that name.
            UnsupportedRate: If the rate asked for was not fitted, or the data cannot support it.
        """
        if far is not None and name is not None:
            raise BadArgument(
                f"The point for FAR {far} and the one named {name!r} were asked for. Give one."
            )
        if name is not None:
            points = {point.name: point for point in self.points}
            if name not in points:
                raise unknown("no operating point is named", name, points)
            return _supported(points[name], name)
        if far is None:
            return self.default(guarantee=guarantee) or self.equal_error
        if not 0 < far <= 1:
            raise BadArgument(
                f"The threshold for FAR {far} was asked for, and a rate above 0 and at most 1 is "
                "expected: no threshold of finitely many pairs promises 0. Give one such as 0.01."
            )
        points_for = self._targeted(guarantee)
        for point in points_for:
            if math.isclose(point.target or 0.0, far):
                return _supported(point, f"FAR {far}")
        known = ", ".join(str(p.target) for p in points_for if p.supported)
        raise UnsupportedRate(
            f"No threshold was fitted for FAR {far}. Fitted and supported: {known or 'none'}. "
            f"Another is fitted by likewise calibrate --far {far:g}."
        )

    @property
    def equal_error(self) -> OperatingPoint:
        """The point where both error rates are equal."""
        return next(point for point in self.points if point.name == "eer")

    def decide(
        self,
        distance: float,
        *,
        far: float | None = None,
        name: str | None = None,
        guarantee: bool | None = None,
        prior: float = 0.5,
    ) -> Decision:
        """Whether a pair this far apart is the same.

        Args:
            distance: Of the pair.
            far: Use the operating point for this false-accept rate.
            name: Use the operating point of this name instead.
            guarantee: As in `point`.
            prior: The share of same pairs where this is used.

        Raises:
            BadArgument: If the prior is not between 0 and 1, or both `far` and `name` are given.
            UnknownName: If there is no point of that name.
            UnsupportedRate: If that rate has no threshold.
        """
        if not 0 < prior < 1:
            raise BadArgument(
                f"The prior is {prior}, and a share of same pairs between 0 and 1 is expected."
            )
        point = self.point(far, name, guarantee=guarantee)
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

    def measured(self, points: Sequence[OperatingPoint]) -> "Calibration":
        """The same with what was measured on *test* filled in."""
        return replace(self, points=tuple(points))


def _supported(point: OperatingPoint, asked: str) -> OperatingPoint:
    if not point.supported:
        raise UnsupportedRate(f"No threshold for {asked}: {point.reason}")
    return point
