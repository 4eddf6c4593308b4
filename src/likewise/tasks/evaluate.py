"""How good are the decisions, on items never learned from?"""

from dataclasses import dataclass, replace

import numpy as np

from likewise.by_group import rates_by_group
from likewise.calibration import Calibration
from likewise.comparator import Comparator, LearnedComparator
from likewise.decoded import Decoded, decode_all
from likewise.distances.base import Distance
from likewise.errors import Leak
from likewise.evaluation import compare, verify_all
from likewise.listed_pairs import graded_pairs
from likewise.metrics.gallery_size import by_size
from likewise.metrics.identification import identification, one_shot
from likewise.metrics.retrieval import retrieval
from likewise.model import Model
from likewise.probabilities import measure as measure_probability
from likewise.ranked import Identification, OneShot, Retrieval
from likewise.rates import Enrolment
from likewise.results import Evaluation
from likewise.rough import Rough
from likewise.shapes import Array, Float, Int, Shaped
from likewise.sources.base import Source
from likewise.types import Claim, Items

_WORST = 6
_FEW = 5
# Beyond this many items, ranking all against all takes minutes; a matcher is slower.
_MOST = 100_000
_MOST_MATCHED = 10_000


def evaluate(
    model: Model,
    source: Source,
    *,
    calibration: str = "default",
    comparator: str = "",
    prior: float = 0.5,
    allow_overlap: bool = False,
    strict: bool = False,
    by: str = "",
) -> tuple[Evaluation, Decoded]:
    """Measure a model's frozen operating points on a source.

    Args:
        model: What to measure.
        source: Items never learned from.
        calibration: Which of the model's calibrations.
        comparator: `distance` or `matcher`; the matcher where the model has one.
        prior: The share of same pairs where this is used, for what is measured of probabilities.
        allow_overlap: Measure on what it learned from, too.
        strict: Stop at the first item that cannot be read.
        by: What the groups of the items are of, in a word, to show the rates of each group, too.

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
        leaks = _leaks(model, decoded, allowed=allow_overlap)
        measured = measure(
            model,
            decoded,
            items.namespace,
            calibration=calibration,
            comparator=comparator,
            prior=prior,
            by=by,
        )
    except BaseException:
        decoded.close()
        raise
    if leaks:
        found = replace(measured.verification, promises={})
        measured = replace(measured, verification=found)
    return measured, decoded


def _leaks(model: Model, decoded: Decoded, *, allowed: bool) -> bool:
    """Whether the model learned from any of it: then no rate says that a promise is kept.

    Raises:
        Leak: If it did and that is not allowed.
    """
    try:
        model.trained_on.check(decoded.items, iter(decoded), purpose="evaluate")
    except Leak:
        if not allowed:
            raise
        return True
    return False


def measure(
    model: Model,
    decoded: Decoded,
    source: str,
    *,
    calibration: str = "default",
    comparator: str = "",
    prior: float = 0.5,
    fitted: Calibration | None = None,
    by: str = "",
) -> Evaluation:
    """Measure frozen operating points and probabilities on decoded items from a named source.

    Args:
        model: What embeds and compares.
        decoded: The items.
        source: Where they come from, in words.
        calibration: Which of the model's calibrations.
        comparator: `distance` or `matcher`; the matcher where the model has one.
        prior: The share of same pairs where this is used, for what is measured of probabilities.
        fitted: A calibration that the model does not hold, instead.
        by: What the groups of the items are of, in a word, to show the rates of each group, too.

    Raises:
        BadArgument: If groups were asked for and there are none.
        SplitError: If the items make no same or no different pair.
    """
    fitted = fitted or model.calibration(calibration, comparator)
    default, point = fitted.default(), fitted.point()
    compares = model.comparator(comparator)
    vectors, items, rows, failed = _embedded(model, decoded)
    comparisons = compare(vectors, items, compares, fitted.against)
    mistakes, hardest = comparisons.mistakes(point.threshold, _WORST)
    groups = None
    if by:
        groups = rates_by_group(
            vectors,
            items,
            compares,
            point.threshold,
            fitted.claim,
            by=by,
            against=fitted.against,
        )
    graded = graded_pairs(vectors, items, compares)
    found = _Ranked()
    if items.pairs is None:
        most = _MOST_MATCHED if isinstance(compares, LearnedComparator) else _MOST
        # What is forged is nobody's: it is neither recognised nor retrieved.
        own = np.flatnonzero(~items.forged)
        names = items.identities[own]
        grows = fitted.claim is Claim.NEW_IDENTITIES
        found = _ranked(vectors[own], names, compares, point.threshold, most, grows=grows)
    return Evaluation(
        source=source,
        verification=verify_all(comparisons, fitted.points, fitted.claim),
        one_shot=found.one_shot,
        mistakes=tuple(
            replace(one, first=int(rows[one.first]), second=int(rows[one.second]))
            for one in mistakes
        ),
        failed=failed,
        hardest=hardest,
        comparator=model.comparator_name(comparator),
        default_point=default.name if default else "",
        threshold=point.threshold,
        few_shot=found.few_shot,
        identification=found.identification,
        retrieval=found.retrieval,
        probability=measure_probability(comparisons, fitted.ratios, fitted.claim, prior),
        enrolment=_enrolment(decoded.given, items, len(failed)),
        groups=groups,
        grades=None if graded is None else graded.follow(fitted.grades),
    )


def _embedded(
    model: Model, decoded: Decoded
) -> tuple[Float[Array, "n dim"], Items, Int[Array, "n"], tuple[tuple[str, str], ...]]:
    """Vectors of the items that have one of finite numbers, their rows, and what failed by name."""
    vectors = model.embed_decoded(decoded)
    usable = np.isfinite(vectors).all(1)
    rows = np.flatnonzero(usable)
    if usable.all():
        return vectors, decoded.items, rows, decoded.failed
    lost = decoded.items.places[~usable].tolist()
    failed = tuple((str(place), "its embedding is not of finite numbers") for place in lost)
    return vectors[rows], decoded.items.take(rows), rows, (*decoded.failed, *failed)


def _enrolment(given: Shaped[Array, "all"], items: Items, failed: int) -> Enrolment:
    # Of a part, the failures are those of the whole source, and so is what they are held against.
    lost = 0
    if failed and len(items) + failed == len(given):
        lost = len(np.setdiff1d(given, items.identities))
    return Enrolment(failed, len(given), failed / len(given), lost)


@dataclass(frozen=True)
class _Ranked:
    """What is measured by ranking, where classes are known."""

    one_shot: OneShot | None = None
    few_shot: OneShot | None = None
    identification: Identification | None = None
    retrieval: Retrieval | None = None


def _ranked(
    vectors: Float[Array, "n dim"],
    identities: Shaped[Array, "n"],
    compares: Comparator,
    threshold: float,
    most: int,
    *,
    grows: bool,
) -> _Ranked:
    """Recognition, identification and retrieval; the last two among at most so many items.

    Args:
        vectors: Embeddings.
        identities: Of each.
        compares: What compares them.
        threshold: Of the open set.
        most: How many items.
        grows: Whether to measure identification against the size of the gallery, too.
    """
    _, codes = np.unique(identities, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    vectors, codes = vectors[order], codes[order]
    few = len(codes) <= most
    rough = compares if isinstance(compares, Rough) else None
    alone = not isinstance(compares, Distance)
    who = None
    if few:
        who = identification(vectors, codes, compares.matrix, threshold, alone=alone)
        # A matcher would compare each pair in its turn, for minutes.
        if who is not None and grows and not alone:
            who = replace(who, by_size=by_size(vectors, codes, compares.matrix, alone=alone))
    return _Ranked(
        one_shot=one_shot(vectors, codes, compares.rows),
        few_shot=one_shot(vectors, codes, compares.rows, shots=_FEW),
        identification=who,
        retrieval=retrieval(vectors, codes, compares.matrix, rough=rough, alone=alone)
        if few
        else None,
    )
