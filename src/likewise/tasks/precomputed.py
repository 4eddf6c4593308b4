"""Measured and calibrated with no model: embeddings with labels, or comparisons."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

from likewise.calibration import Calibration, from_json, measure_probabilities, to_json
from likewise.errors import BadArgument, DamagedModel, SourceNotFound, SplitError
from likewise.evaluation import CrossFitted, Fitting, Measured, cross_fit, graded_by, verify_all
from likewise.io import atomic
from likewise.io.bounded import read_plain
from likewise.io.display import shortened
from likewise.io.warned import LikewiseWarning
from likewise.precomputed import FOLDS, ROUNDING, Precomputed, PrecomputedComparisons
from likewise.results import Result

CALIBRATION_BYTES = 1 << 24
REVERSED_AUC = 0.4
"""Distances that tell nothing have .5, and few of them a little less."""


@dataclass(frozen=True, repr=False)
class PrecomputedCalibration(Result):
    """A calibration, and whether its rates were measured.

    Attributes:
        calibration: Fitted on all of the data.
        measure: What its distances are: the spec of a distance, `distance` or `similarity`.
        folds: In how many folds the rates of its points were measured; 0 where they were not.
        unmeasured: Why not; empty if they were.
    """

    calibration: Calibration
    measure: str
    folds: int
    unmeasured: str

    def summary(self) -> str:
        """Return what its distances are, and how its rates were measured."""
        return f"of {self.measure}, measured in {self.folds} folds"


def evaluate_precomputed(
    given: Precomputed, *, folds: int = FOLDS, seed: int = 0, fitting: Fitting | None = None
) -> CrossFitted:
    """Measure what thresholds do to data that they were not fitted on, in folds.

    Args:
        given: Embeddings or comparisons.
        folds: Into how many parts to deal them.
        seed: Of the dealing.
        fitting: How to calibrate.

    Raises:
        BadArgument: If there are not 2 to 100 folds.
        SplitError: If the data cannot be dealt into so many.
    """
    found = cross_fit(given, folds=folds, seed=seed, fitting=fitting)
    _doubt(given, found.verification.auc)
    return found


def _doubt(given: Precomputed, auc: float) -> None:
    """Name both causes of distances that are larger between the same, and what speaks for each.

    Warns:
        LikewiseWarning: If they are.
    """
    if not isinstance(given, PrecomputedComparisons) or auc >= REVERSED_AUC:
        return
    most, share = float(given.distances.max()), float(given.same.mean())
    if given.measure == "distance":
        numbers = "the numbers are similarities, larger when two are closer: name --similarity"
        bounded = most <= 1 + ROUNDING
        speaks = f"they run up to {most:g}" + (", as a cosine does" if bounded else "")
    else:
        numbers = "the numbers are distances, larger when two are apart: leave --similarity out"
        speaks = f"1 - similarity runs up to {most:g}"
    warnings.warn(
        f"{given.place}: same pairs are farther apart than different ones (AUC {auc:.3f}). Either "
        f"{numbers} ({speaks}); or 0 means the same in the table ({share:.0%} of its pairs are "
        "called the same; mostly they are the fewer): exchange 0 and 1.",
        LikewiseWarning,
        stacklevel=2,
    )


def evaluate_precomputed_at(
    given: Precomputed, frozen: Calibration, prior: float = 0.5
) -> Measured:
    """Measure the frozen operating points of a calibration that was fitted on other data.

    Args:
        given: Embeddings or comparisons.
        frozen: What was fitted.
        prior: The share of same pairs, for what is measured of the probabilities.

    Raises:
        BadArgument: If the prior is not between 0 and 1.
    """
    compared = given.compared()
    found = verify_all(compared, frozen.points, frozen.claim)
    if frozen.source == given.place:
        # What fitted a threshold cannot say whether it keeps its promise.
        found = replace(found, promises={})
    graded = graded_by(given)
    return Measured(
        found,
        measure_probabilities(compared, frozen.ratios, frozen.claim, prior),
        None if graded is None else graded.follow(frozen.grades),
    )


def calibrate_precomputed(
    given: Precomputed, *, folds: int = FOLDS, seed: int = 0, fitting: Fitting | None = None
) -> PrecomputedCalibration:
    """Fit thresholds and probabilities on all of the data; folds measure what such a fit is worth.

    Args:
        given: Embeddings or comparisons.
        folds: Into how many parts to deal them.
        seed: Of the dealing.
        fitting: How to calibrate.

    Raises:
        BadArgument: If there are not 2 to 100 folds.
    """
    try:
        found = cross_fit(given, folds=folds, seed=seed, fitting=fitting)
    except SplitError as error:
        fitted = (fitting or Fitting()).fit_precomputed(given)
        return PrecomputedCalibration(fitted, given.measure, 0, str(error))
    return PrecomputedCalibration(found.calibration, given.measure, folds, "")


def save_calibration(calibrated: PrecomputedCalibration, path: Path) -> None:
    """Write a calibration, under the name of what its distances are.

    Raises:
        BadArgument: If the path does not end in .json, or its folder is not there.
        SaveFailed: If it cannot be written; what was there before still stands.
    """
    check_calibration_path(path)
    data = to_json({calibrated.measure: calibrated.calibration})
    atomic.replace(path, data)


def check_calibration_path(path: Path) -> None:
    """Refuse a path to which no calibration could be written, before any work is done.

    Raises:
        BadArgument: If it does not end in .json, or its folder is not there.
    """
    if path.suffix.lower() != ".json":
        raise BadArgument(f"{path} does not end in .json. Name the calibration so.")
    if not path.parent.is_dir():
        raise BadArgument(f"{path.parent} is no folder. Make it first.")
    if path.is_dir():
        raise BadArgument(f"{path} is a folder. Name a file.")


def load_calibration(path: Path) -> tuple[str, Calibration]:
    """Read a calibration: what its distances are, and itself.

    Raises:
        SourceNotFound: If there is no such file.
        DamagedModel: If it is none that `save_calibration` wrote.
    """
    try:
        data = read_plain(path, CALIBRATION_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceNotFound(f"there is no file {str(path)!r}. Check its path.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise DamagedModel(
            f"{shortened(path, 300)} cannot be read: {shortened(error, 200)}. Give the file that "
            "likewise calibrate wrote."
        ) from error
    try:
        found = from_json(data)
    except DamagedModel as error:
        raise DamagedModel(
            f"{path} is no calibration ({shortened(error, 300)}). Give the file that likewise "
            "calibrate wrote."
        ) from error
    if len(found) != 1:
        raise DamagedModel(
            f"{path} holds {len(found)} calibrations ({', '.join(found)[:200]}), and one is "
            "expected. Those of a model are used by its own commands: likewise verify MODEL ..."
        )
    return next(iter(found.items()))
