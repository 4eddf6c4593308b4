"""From a distance to a grade, with a prediction interval of stated coverage.

A monotone map is fitted on half of the groups of linked pairs, and how far grades lie from it is
measured on the other half: what fits and what measures share no group.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from likewise.errors import MissingExtra
from likewise.metrics.grades import UNIT, follow, grade_accuracy, half_width
from likewise.metrics.intervals import FEWEST_UNITS
from likewise.results import Grade, Graded
from likewise.shapes import Array, Float, Int

COVERAGE = 0.9
FEWEST = 2 * FEWEST_UNITS
MOST_KNOTS = 1_000


@dataclass(frozen=True)
class GradeCalibration:
    """What turns a distance into a grade.

    Attributes:
        distances: Of the knots, rising.
        grades: At the knots, never rising; between two of them the grade runs straight, and beyond
            the outer ones it stays.
        low: The lowest grade seen, below which none is told.
        high: The highest.
        half_width: How far the interval reaches to both sides, before it is cut off at the ends of
            the grades seen; None where the data support no interval.
        coverage: What it promises.
        fitted_on: How many groups of linked pairs fitted the knots.
        measured_on: How many others the half width was measured on.
        reason: Why there is no interval, and what would be needed; empty if there is one.
    """

    distances: tuple[float, ...]
    grades: tuple[float, ...]
    low: float
    high: float
    half_width: float | None
    coverage: float
    fitted_on: int
    measured_on: int
    reason: str

    @cached_property
    def _knots(self) -> tuple[Float[Array, "knots"], Float[Array, "knots"]]:
        return np.asarray(self.distances), np.asarray(self.grades)

    def grades_at(self, distances: Float[Array, "n"]) -> Float[Array, "n"]:
        """The grade at each distance."""
        told: Array = np.interp(np.asarray(distances, dtype=np.float64), *self._knots)
        return told

    def ends(self, told: Float[Array, "n"]) -> tuple[Float[Array, "n"], Float[Array, "n"]] | None:
        """Both ends of the intervals around told grades; None where there are none."""
        if self.half_width is None:
            return None
        return (
            np.maximum(told - self.half_width, self.low),
            np.minimum(told + self.half_width, self.high),
        )

    def grade(self, distance: float) -> Grade:
        """The grade of a pair this far apart, with its interval."""
        told = self.grades_at(np.asarray([distance]))
        ends = self.ends(told)
        low, high = (None, None) if ends is None else (float(end[0]) for end in ends)
        return Grade(float(told[0]), low, high, self.coverage, self.reason)


@dataclass(frozen=True, eq=False)
class GradedDistances:
    """All pairs that were graded, also those whose grade says neither same nor different.

    Attributes:
        distances: How far apart the two of each are.
        grades: How alike, larger when more alike.
        codes: The connected component of each, as a number.
        between: How many say neither.
    """

    distances: Float[Array, "k"]
    grades: Float[Array, "k"]
    codes: Int[Array, "k"]
    between: int

    def follow(self, calibration: GradeCalibration | None = None) -> Graded:
        """How the distance follows the grade, and what a calibration's grades are worth.

        Args:
            calibration: Fitted on other components; None where there is none.
        """
        found = follow(self.distances, self.grades, self.codes, self.between)
        if calibration is None:
            return found
        told = calibration.grades_at(self.distances)
        ends = calibration.ends(told)
        accuracy = grade_accuracy(told, ends, self.grades, self.codes, calibration.coverage)
        return replace(found, accuracy=accuracy)

    def calibrated(self, coverage: float = COVERAGE, seed: int = 0) -> GradeCalibration:
        """A calibration fitted on these pairs.

        The components are dealt into two halves by chance: the knots are fitted on the one, and the
        half width is measured on the other. Below 40 components all of them fit, and there is no
        interval.

        Args:
            coverage: What an interval is to promise, above 0 and below 1.
            seed: Of the dealing.

        Raises:
            MissingExtra: If scikit-learn is not installed.

        References:
            As in `metrics.grades.half_width`, for the interval. Departure: it is cut off at the
            lowest and the highest grade seen, so that a grade beyond them is in none.
        """
        names, places = np.unique(self.codes, return_inverse=True)
        count, half, reason = len(names), None, ""
        fits = np.ones(count, dtype=bool)
        if count >= FEWEST:
            fits[np.random.default_rng(seed).permutation(count)[: count // 2]] = False
        else:
            reason = (
                f"{count} {UNIT} were graded, and an interval needs {FEWEST}: half of them to fit "
                "the grade and half to measure how far it errs. Grade more."
            )
        at = fits[places]
        distances, grades = _knots(self.distances[at], self.grades[at], places[at])
        made = GradeCalibration(
            distances=tuple(distances.tolist()),
            grades=tuple(grades.tolist()),
            low=float(self.grades.min()),
            high=float(self.grades.max()),
            half_width=None,
            coverage=coverage,
            fitted_on=int(fits.sum()),
            measured_on=int((~fits).sum()),
            reason=reason,
        )
        if not reason:
            apart = np.abs(made.grades_at(self.distances[~at]) - self.grades[~at])
            half = half_width(apart, places[~at], coverage)
            if half is None:
                needed = math.ceil(round(coverage / (1 - coverage), 9))
                reason = (
                    f"{made.measured_on} {UNIT} measured how far grades err, and a coverage of "
                    f"{coverage:g} needs {needed}, which is half of all. Grade more."
                )
        return replace(made, half_width=half, reason=reason)

    def cross_fitted(self, folds: int, coverage: float = COVERAGE, seed: int = 0) -> Graded:
        """How the distance follows the grade, and what grades told by others' pairs are worth.

        Every component is told its grades by a calibration fitted on the other folds.

        Args:
            folds: Into how many parts the components are dealt, by chance; no more than there are.
            coverage: What an interval is to promise.
            seed: Of the dealing.

        Raises:
            MissingExtra: If scikit-learn is not installed.
        """
        found = self.follow()
        names, places = np.unique(self.codes, return_inverse=True)
        dealt = np.random.default_rng(seed).permutation(len(names)) % min(folds, len(names))
        if dealt.max() == 0:
            return found
        told, low, high = (np.zeros(len(self.grades)) for _ in range(3))
        whole = True
        for fold in range(int(dealt.max()) + 1):
            at = dealt[places] == fold
            others = self.taken(~at).calibrated(coverage, seed)
            told[at] = others.grades_at(self.distances[at])
            ends = others.ends(told[at])
            if ends is None:
                whole = False
            else:
                low[at], high[at] = ends
        ends = (low, high) if whole else None
        accuracy = grade_accuracy(told, ends, self.grades, self.codes, coverage)
        return replace(found, accuracy=accuracy)

    def taken(self, kept: Array) -> "GradedDistances":
        """Some of the pairs."""
        return GradedDistances(self.distances[kept], self.grades[kept], self.codes[kept], 0)


def _knots(
    distances: Float[Array, "n"], grades: Float[Array, "n"], places: Int[Array, "n"]
) -> tuple[Float[Array, "knots"], Float[Array, "knots"]]:
    """The knots of the least-squares fit that never rises, every component weighing the same.

    References:
        Ayer, Brunk, Ewing, Reid, Silverman, "An Empirical Distribution Function for Sampling with
        Incomplete Information", 1955, which pools adjacent violators.
    """
    try:
        from sklearn.isotonic import IsotonicRegression
    except ImportError as error:
        raise MissingExtra(
            "Grades need scikit-learn, which is not installed. Run: "
            "pip install 'likewise[evaluate]'"
        ) from error
    weights = 1 / np.bincount(places)[places]
    fitted = IsotonicRegression(increasing=False).fit(
        distances.astype(np.float64), grades, sample_weight=weights
    )
    at, value = fitted.X_thresholds_, np.minimum.accumulate(fitted.y_thresholds_)
    value = value.clip(grades.min(), grades.max())
    told = np.ones(len(value), dtype=bool)
    # A knot amid others of its grade says nothing.
    told[1:-1] = (value[1:-1] != value[:-2]) | (value[1:-1] != value[2:])
    at, value = at[told], value[told]
    if len(at) > MOST_KNOTS:
        some = np.linspace(0, len(at) - 1, MOST_KNOTS).round().astype(np.int64)
        at, value = at[some], value[some]
    return at, value
