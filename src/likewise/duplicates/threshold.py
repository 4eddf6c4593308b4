"""How near two items must be: a point of a calibration, a number, or so many false pairs."""

from dataclasses import dataclass

import numpy as np

from likewise.calibration import USUAL, Calibration, DecisionRequest
from likewise.duplicates import perceptual
from likewise.duplicates.chance import CalibrationMemory, expecting
from likewise.duplicates.embedders import Maker
from likewise.duplicates.result import Threshold
from likewise.errors import BadArgument, NotCalibrated, UnsupportedRate
from likewise.model import Model
from likewise.shapes import Array, Float


@dataclass(frozen=True)
class ThresholdRequest:
    """How near two items must be; at most one is given, and the model's point else.

    Attributes:
        threshold: A distance.
        request: Which operating point of which calibration.
        expect_false: How many pairs of different items may be expected among all pairs.

    Raises:
        BadArgument: If two are given, or one is no number of at least 0.
    """

    threshold: float | None = None
    request: DecisionRequest = USUAL
    expect_false: float | None = None

    def __post_init__(self) -> None:
        free = [self.threshold is not None, self.expect_false is not None]
        if sum(free) + self.request.asked > 1:
            raise BadArgument(
                "The threshold was asked for in two ways. Give one of threshold, far, "
                "operating_point and expect_false."
            )
        if self.threshold is not None and not 0 <= self.threshold < np.inf:
            raise BadArgument(
                f"threshold is {self.threshold}, and a number of at least 0 is expected."
            )
        if self.expect_false is not None and not 0 < self.expect_false < np.inf:
            raise BadArgument(
                f"expect_false is {self.expect_false}, and a number of pairs above 0 is expected."
            )

    def of_overlay(self) -> None:
        """Refuse what is not known of images laid over one another.

        Raises:
            BadArgument: If the threshold was asked for by a rate, which needs a calibration.
        """
        if self.request.asked:
            raise BadArgument(
                "Images laid over one another have no calibration, so that far and "
                "operating_point are not known of them. Give --expect-false (expect_false), or a "
                "threshold."
            )

    def of_hashes(self) -> Threshold:
        """The threshold of a perceptual hash, in bits.

        Raises:
            BadArgument: If it was asked for by a rate, which nobody knows of a hash.
        """
        if self.request.asked or self.expect_false is not None:
            raise BadArgument(
                "Without a model there is no calibration, so that no rate of a threshold is known: "
                "far, operating_point and expect_false need one. Give a model, or a threshold in "
                "bits."
            )
        bits = perceptual.THRESHOLD if self.threshold is None else self.threshold
        said = "as nobody said otherwise" if self.threshold is None else "as it was given"
        return Threshold(bits, "given", f"of {perceptual.BITS} bits, {said}")


def calibration_of(model: Model, wanted: ThresholdRequest) -> Calibration | None:
    """What gives thresholds and probabilities; None where nothing of it is asked for.

    Raises:
        NotCalibrated: If the model has no such calibration, and it is needed.
    """
    name = wanted.request.calibration
    try:
        return model.calibration(name, wanted.request.comparator)
    except NotCalibrated:
        free = wanted.threshold is not None or wanted.expect_false is not None
        if name == "default" and free:
            return None
        raise


def threshold_of(
    wanted: ThresholdRequest,
    model: Model,
    fitted: Calibration | None,
    maker: Maker,
    vectors: Float[Array, "n dim"],
) -> Threshold:
    """The threshold that was asked for, with how many false pairs are expected within it.

    Args:
        wanted: What was asked for.
        model: What compares.
        fitted: Its calibration; None where there is none.
        maker: What made the vectors.
        vectors: Of the collection, the same bytes once.

    Raises:
        UnsupportedRate: If the data do not support it.
        UnknownName: If there is no operating point of that name.
    """
    if wanted.threshold is not None:
        return Threshold(wanted.threshold, "given", "as it was given")
    if wanted.expect_false is not None:
        known = None
        if fitted is not None:
            known = CalibrationMemory(fitted, model.references.get(wanted.request.calibration))
        return expecting(wanted.expect_false, vectors, maker.comparator, known)
    if fitted is None:  # refused before, where no threshold was given
        raise NotCalibrated("There is no calibration. Give a threshold.")
    point = fitted.point(wanted.request)
    if not point.supported:
        raise UnsupportedRate(
            f"No error rate of this model is supported ({point.reason}), so that it has no "
            "threshold to go by. Give one (--threshold), or how many false pairs are to be "
            "expected (--expect-false)."
        )
    far = (point.test or point.calibrate).far
    pairs = len(vectors) * (len(vectors) - 1) // 2
    low, high = (None if end is None else end * pairs for end in (far.low, far.high))
    words = f"of the operating point {point.name}, where FAR is {far.value:.4g}"
    return Threshold(point.threshold, "point", words, far.value * pairs, low, high)
