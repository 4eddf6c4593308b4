"""How good are the decisions, on items never learned from?"""

import numpy as np

from likewise.decoded import Decoded, decode_all
from likewise.evaluation import compare, verify_all
from likewise.metrics.identification import one_shot
from likewise.model import Model
from likewise.results import Evaluation
from likewise.sources.base import Source

_WORST = 6


def evaluate(
    model: Model,
    source: Source,
    *,
    calibration: str = "default",
    comparator: str = "",
    allow_overlap: bool = False,
    strict: bool = False,
) -> tuple[Evaluation, Decoded]:
    """Measure a model's frozen operating points on a source.

    Args:
        model: What to measure.
        source: Items never learned from.
        calibration: Which of the model's calibrations.
        comparator: `distance` or `matcher`; the matcher where the model has one.
        allow_overlap: Measure on what it learned from, too.
        strict: Stop at the first item that cannot be read.

    Returns:
        What was measured, and the decoded items, which the report shows mistakes from; close
        them when done.

    Raises:
        Leak: If the model learned from any of it.
        NotCalibrated: If the model has no such calibration.
        SplitError: If the items make no same or no different pair.
    """
    model.calibration(calibration, comparator)
    items = source.items()
    decoded = decode_all(items, model.transform, strict=strict)
    try:
        if not allow_overlap:
            model.trained_on.check(decoded.items, iter(decoded), purpose="evaluate")
        measured = measure(
            model, decoded, items.namespace, calibration=calibration, comparator=comparator
        )
    except BaseException:
        decoded.close()
        raise
    return measured, decoded


def measure(
    model: Model,
    decoded: Decoded,
    source: str,
    *,
    calibration: str = "default",
    comparator: str = "",
) -> Evaluation:
    """Measure a model's frozen operating points on decoded items from a named source."""
    fitted = model.calibration(calibration, comparator)
    default, point = fitted.default(), fitted.point()
    compares = model.comparator(comparator)
    vectors = model.embed_decoded(decoded)
    comparisons = compare(vectors, decoded.items, compares, fitted.against)
    mistakes, hardest = comparisons.mistakes(point.threshold, _WORST)
    shot = None
    if decoded.items.pairs is None:
        own = np.flatnonzero(~decoded.items.forged)
        _, codes = np.unique(decoded.items.identities[own], return_inverse=True)
        order = np.argsort(codes, kind="stable")
        shot = one_shot(vectors[own][order], codes[order], compares.rows)
    return Evaluation(
        source=source,
        verification=verify_all(comparisons, fitted.points, fitted.claim),
        one_shot=shot,
        mistakes=mistakes,
        failed=decoded.failed,
        hardest=hardest,
        comparator=model.comparator_name(comparator),
        default_point=default.name if default else "",
        threshold=point.threshold,
    )
