"""How good are the decisions, on items never learned from?"""

from likewise.decoded import Decoded, decode_all
from likewise.evaluation import Comparisons, verify_all
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
    allow_overlap: bool = False,
    strict: bool = False,
) -> tuple[Evaluation, Decoded]:
    """Measure a model's frozen operating points on a source.

    Args:
        model: What to measure.
        source: Items never learned from.
        calibration: Which of the model's calibrations.
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
    model.calibration(calibration)
    items = source.items()
    decoded = decode_all(items, model.transform, strict=strict)
    try:
        if not allow_overlap:
            model.trained_on.check(decoded.items, iter(decoded), purpose="evaluate")
        return measure(model, decoded, items.namespace, calibration=calibration), decoded
    except BaseException:
        decoded.close()
        raise


def measure(
    model: Model, decoded: Decoded, source: str, *, calibration: str = "default"
) -> Evaluation:
    """Measure a model's frozen operating points on decoded items from a named source."""
    fitted = model.calibration(calibration)
    comparisons = Comparisons.of(
        model.embed_decoded(decoded), decoded.items.identities, model.distance
    )
    mistakes, hardest = comparisons.mistakes(fitted.point().threshold, _WORST)
    return Evaluation(
        source=source,
        verification=verify_all(comparisons, fitted.points, fitted.claim),
        one_shot=one_shot(comparisons.vectors, comparisons.codes, model.distance.rows),
        mistakes=mistakes,
        failed=decoded.failed,
        hardest=hardest,
    )
