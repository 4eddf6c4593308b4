"""How good are the decisions, on items never learned from?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from likewise.calibration import (
    USUAL,
    Calibration,
    DecisionRequest,
    graded_distances,
    measure_probabilities,
)
from likewise.data import Decoded, as_source, decode_all
from likewise.distances.approximate import ApproximateDistance
from likewise.distances.base import Distance
from likewise.distances.comparator import Comparator
from likewise.errors import BadArgument, Leak
from likewise.evaluation import rates_by_group, verify_all
from likewise.io.progress import Watch, watched
from likewise.metrics.gallery_size import by_size
from likewise.metrics.identification import identification, one_shot
from likewise.metrics.retrieval import retrieval
from likewise.model import (
    NEAREST,
    FeatureMaps,
    Model,
    OnnxMatcher,
    Reranked,
    as_model,
    check_nearest,
)
from likewise.pairs import choose_pairs
from likewise.report import (
    check_report,
    evaluation_page,
    examples_of,
    report_of,
    write_report,
)
from likewise.results import Enrolment, Evaluation, Identification, OneShot, Retrieval
from likewise.shapes import Array, Float, Shaped
from likewise.tasks.features import features_for
from likewise.types import Claim, Items

_WORST = 6
_FEW = 5
# Beyond this many items, ranking all against all takes minutes; a matcher is slower.
_MOST = 100_000
_MOST_MATCHED = 10_000


def evaluate(
    model: Model | str | Path,
    source: object,
    *,
    calibration: str = "default",
    comparator: str = "",
    prior: float = 0.5,
    allow_overlap: bool = False,
    strict: bool = False,
    by: str = "",
    rerank: int | None = None,
    progress: Watch = None,
    report: str | Path = "",
    examples: bool = True,
    described: str = "",
    rerun: Sequence[str] = (),
) -> Evaluation:
    """Measure a model's frozen operating points on a source.

    Args:
        model: What to measure, or the path of its folder.
        source: Items never learned from: a path, a spec, a list of paths, PIL images or arrays with
            labels, as (X, y), a frame, pairs, or a `Source`.
        calibration: Which of the model's calibrations.
        comparator: `distance` or `matcher`; the matcher where the model has one.
        prior: The share of same pairs where this is used, for what is measured of probabilities.
        allow_overlap: Measure on what it learned from, too.
        strict: Stop at the first item that cannot be read.
        by: What the groups of the items are of, in a word, to show the rates of each group, too.
        rerank: How many of the nearest a matcher that reads feature maps puts in order, where items
            are recognised or retrieved (50 if None); the others stay behind them, by the plain
            distance.
        progress: Whether to show how far it is: True, False, None for a terminal and a notebook; or
            what is called with how many items are done, of how many.
        report: Where to write the page that shows it all, a file or a folder; empty for none.
        examples: Show some mistakes on the page.
        described: Where the items come from, for the page; what the source calls itself if empty.
        rerun: Commands that make it again, for the page.

    Returns:
        What was measured.

    Raises:
        SourceNotFound: If a path leads to nothing.
        BadArgument: If the source is nothing that holds items.
        SaveFailed: If the page cannot be written.
        Leak: If the model learned from any of it.
        NotCalibrated: If the model has no such calibration.
        SplitError: If the items make no same or no different pair.
        BadArgument: If there are no groups, or `rerank` is not positive, or what compares reads no
            feature maps and looks at all.

    Example:
        >>> import likewise
        >>> found = likewise.evaluate("model", "faces/")
        >>> found.verification.counted
        '84 items of 28 identities'
    """
    request = DecisionRequest(prior=prior, calibration=calibration, comparator=comparator)
    model = as_model(model)
    model.calibration(calibration, comparator)
    if rerank is not None:
        check_nearest(rerank)
        _check_reranks(model, comparator)
    items = as_source(source, kind=model.kind).items()
    page = evaluation_page(Path(report), items.namespace) if report else None
    if page is not None:
        check_report(page)
    with watched(progress, "reading") as told:
        held = decode_all(items, model.transform, strict=strict, progress=told)
    with held as decoded:
        leaks = _leaks(model, decoded, allowed=allow_overlap)
        measured = measure_model(model, decoded, items.namespace, request, by=by, rerank=rerank)
        if leaks:
            found = replace(measured.verification, promises={})
            measured = replace(measured, verification=found)
        if page is not None:
            counted = measured.verification.counted
            shown = report_of(
                model,
                measured,
                examples_of(measured, decoded) if examples else (),
                data={"test": f"{counted}: {described or items.namespace}"},
                rerun=rerun,
                choice=model.calibration(calibration, comparator).choice,
            )
            write_report(shown, page)
    return measured


def _check_reranks(model: Model, comparator: str) -> None:
    """Refuse to put the nearest in order where what compares looks at all of them anyway."""
    if not model.uses_feature_maps(comparator):
        raise BadArgument(
            f"rerank was given, and {model.comparator_name(comparator)} compares embeddings, all "
            "of them. Leave it out; it is for matchers that read feature maps."
        )


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


def measure_model(
    model: Model,
    decoded: Decoded,
    source: str,
    request: DecisionRequest = USUAL,
    *,
    fitted: Calibration | None = None,
    by: str = "",
    rerank: int | None = None,
) -> Evaluation:
    """Measure frozen operating points and probabilities on decoded items from a named source.

    Args:
        model: What embeds and compares.
        decoded: The items.
        source: Where they come from, in words.
        request: The calibration, the comparator and the prior.
        fitted: A calibration that the model does not hold, instead.
        by: What the groups of the items are of, in a word, to show the rates of each group, too.
        rerank: As in `evaluate`.

    Raises:
        BadArgument: If groups were asked for and there are none.
        SplitError: If the items make no same or no different pair.
    """
    comparator = request.comparator
    fitted = fitted or model.calibration(request.calibration, comparator)
    default, point = fitted.default(), fitted.point()
    nearest = NEAREST if rerank is None else rerank
    features = features_for(model, decoded, comparator)
    vectors, items = features.vectors, features.items
    rows, compares = features.rows, features.comparator
    comparisons = choose_pairs(vectors, items, compares, fitted.against)
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
            impostors=fitted.against,
        )
    graded = graded_distances(vectors, items, compares)
    found = _Ranked()
    if items.pairs is None:
        most = _MOST_MATCHED if isinstance(compares, OnnxMatcher) else _MOST
        # What is forged is nobody's: it is neither recognised nor retrieved.
        own = np.flatnonzero(~items.forged)
        names = items.identities[own]
        lists = None
        if isinstance(vectors, FeatureMaps):
            lists = Reranked(model.distance, compares, nearest)
        grows = fitted.claim is Claim.NEW_IDENTITIES
        found = _ranked(vectors[own], names, compares, lists, point.threshold, most, grows=grows)
    return Evaluation(
        source=source,
        verification=verify_all(comparisons, fitted.points, fitted.claim),
        one_shot=found.one_shot,
        mistakes=tuple(
            replace(one, first=int(rows[one.first]), second=int(rows[one.second]))
            for one in mistakes
        ),
        failed=features.failed,
        hardest=hardest,
        comparator=model.comparator_name(comparator),
        default_point=default.name if default else "",
        threshold=point.threshold,
        few_shot=found.few_shot,
        identification=found.identification,
        retrieval=found.retrieval,
        probability=measure_probabilities(comparisons, fitted.ratios, fitted.claim, request.prior),
        enrolment=_enrolment(decoded.given, items, len(features.failed)),
        groups=groups,
        grades=None if graded is None else graded.follow(fitted.grades),
        drawn=features.drawn,
        reranked=nearest if isinstance(vectors, FeatureMaps) and items.pairs is None else None,
    )


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
    vectors: Float[Any, "n dim"],
    identities: Shaped[Array, "n"],
    compares: Comparator,
    lists: Reranked | None,
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
        lists: What orders the nearest anew; None where the distance does.
        threshold: Of the open set.
        most: How many items.
        grows: Whether to measure identification against the size of the gallery, too.
    """
    _, codes = np.unique(identities, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    vectors, codes = vectors[order], codes[order]
    few = len(codes) <= most
    approximate = compares if isinstance(compares, ApproximateDistance) else None
    alone = not isinstance(compares, Distance)
    shot = partial(one_shot, vectors, codes, compares.rows, lists=lists and lists.lists)
    known, near = (lists or compares).matrix, (lists.and_itself() if lists else compares).matrix
    who = identification(vectors, codes, known, threshold, alone=alone) if few else None
    # A matcher would compare each pair in its turn, for minutes.
    if who is not None and grows and not alone:
        who = replace(who, by_size=by_size(vectors, codes, compares.matrix, alone=alone))
    return _Ranked(
        one_shot=shot(),
        few_shot=shot(shots=_FEW),
        identification=who,
        retrieval=retrieval(vectors, codes, near, approximate=approximate, alone=alone)
        if few
        else None,
    )
