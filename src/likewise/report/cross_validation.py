"""The page of folds that were each trained: what a recipe is worth, and how much folds differ."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from likewise.evaluation import Fold, PooledEvaluation, PooledPoint
from likewise.report import document, probability, shares, tradeoff, wording
from likewise.results import ErrorRates, OperatingPoint, Rate, claim_sentence

_COLUMNS = ("target", "thresholds", "FAR", "FRR", "balanced accuracy")
_AGAINST = {
    "skilled": "of a genuine item and a skilled forgery",
    "random": "of genuine items of two identities",
}

_NOTHING = Rate(0.0, 0, 0, 0, None, None)


@dataclass(frozen=True)
class FoldsReport:
    """Everything that the page shows.

    Attributes:
        found: What was measured.
        recipe: The TOML text.
        rerun: Shell commands that make it again.
        environment: Versions and processor by name.
    """

    found: PooledEvaluation
    recipe: str
    rerun: tuple[str, ...]
    environment: Mapping[str, str]


def render_folds(report: FoldsReport) -> str:
    """The whole page: one HTML file that opens without a network.

    Raises:
        MissingExtra: If plotly is not installed.
    """
    found = report.found
    heading = f"{len(found.folds)} folds of {found.source}"
    claim = claim_sentence(found.claim, found.unit)
    counted = (
        f"{found.items:,} items in {found.identities:,} {found.unit}: {found.same_pairs:,} same "
        f"and {found.different_pairs:,} different pairs; pairs of two folds are never compared"
    )
    points = [_as_point(point) for point in found.points]
    contents = [
        ("summary", "Summary", _summary(found, points)),
        ("points", "Operating points", _points(found, points)),
        ("populations", "Populations", _populations(found, points)),
        ("folds", "Folds", _folds(found)),
        ("errors", "Both errors", _errors(found, points)),
        ("probability", "Probabilities", _probabilities(found)),
        ("failed", "Items that failed to read", document.failed(found.failed)),
        ("data", "Data", document.facts(_parts(found.folds))),
        ("recipe", "Recipe", document.code(report.recipe, "Recipe")),
    ]
    return document.html_page(
        heading,
        f"Likewise, {claim}",
        html.escape(counted),
        contents,
        rerun=report.rerun,
        environment=report.environment,
    )


def _as_point(point: PooledPoint) -> OperatingPoint:
    """A point over all folds in the form that figures and tables take: it has no one threshold."""
    return OperatingPoint(
        point.criterion,
        math.nan,
        point.supported,
        point.reason,
        point.rates or ErrorRates(_NOTHING, _NOTHING),
        point.rates,
    )


def _chosen(found: PooledEvaluation) -> PooledPoint | None:
    return next((point for point in found.points if point.name == found.default_point), None)


def _summary(found: PooledEvaluation, points: Sequence[OperatingPoint]) -> str:
    point = _chosen(found)
    mean = (
        f"Mean equal error rate of the folds: {wording.fraction(found.eer)}"
        f"{_each(found.population_eers)}; its thresholds are chosen on the items themselves, so it "
        "describes them and promises nothing."
    )
    if found.one_shot is not None:
        mean += f" Mean one-shot accuracy: {wording.fraction(found.one_shot)}."
    how = (
        f"Each of {len(found.folds)} folds was trained, calibrated and tested on {found.unit} of "
        f"its own; every one of the {found.identities:,} was tested once."
    )
    if point is None or point.rates is None or point.balanced_accuracy is None:
        why = document.easiest_refusal(points) + wording.unpromised(points, found.unit)
        lede = (
            f"No error rate is promised, because not every fold has the data for one. {why} {how}"
        )
        return document.summary_of(lede, (), mean)
    apart = [(_AGAINST[name], rates.far) for name, rates in point.populations.items()]
    told = wording.decision_words(
        apart or [(wording.DIFFERENT, point.rates.far)], point.rates.frr, found.unit
    )
    aim = wording.aim(_as_point(point))
    tiles = document.rate_tiles(point.rates, found.unit, point.target)
    if point.populations:
        tiles[:1] = [
            document.tile(
                f"False accepts (FAR, {name})",
                rates.far,
                found.unit,
                math.nan if point.target is None or name != found.against else point.target,
            )
            for name, rates in point.populations.items()
        ]
    tiles.append(document.accuracy_tile("Balanced accuracy", point.balanced_accuracy, found.unit))
    aimed = "" if point.target is None else " The dashed line is the rate aimed at."
    return document.summary_of(
        f"At each fold's own threshold, fitted for {aim}, {told}. {how}",
        tiles,
        mean,
        f"The ranges are 95% intervals, {claim_sentence(found.claim, found.unit)}; the trials "
        f"behind them are {found.unit}, not pairs. They say how far the figure may be off, not how "
        f"far folds lie apart: that stands under Folds.{aimed}",
    )


def _each(eers: Mapping[str, float]) -> str:
    told = ", ".join(f"{name} {wording.fraction(eer)}" for name, eer in eers.items())
    return f" ({told})" if told else ""


def _points(found: PooledEvaluation, points: Sequence[OperatingPoint]) -> str:
    cells = [_cells(point, found) for point in found.points]
    chosen = (found.default_point, "told in the summary")
    return (
        f"{document.points_table(points, _COLUMNS, cells, chosen)}"
        '<p class="note">FAR is the share of different pairs taken for the same, FRR the share of '
        "same pairs taken for different, both over the decisions of all folds, each by its own "
        "threshold; balanced accuracy is one less their mean. Below each stand its 95% interval "
        f"and the pairs behind it. {document.weighing_words(found.unit)}</p>"
    )


def _cells(point: PooledPoint, found: PooledEvaluation) -> Sequence[str]:
    low, high = min(point.thresholds), max(point.thresholds)
    cells = ["—" if point.target is None else f"{point.target:g}"]
    cells.append(f"{wording.distance(low)} to {wording.distance(high)}")
    if point.rates is None or point.balanced_accuracy is None:
        return cells + ["not supported"] * 3
    rates = (point.rates.far, point.rates.frr)
    cells += [document.rate_cell(rate, found.unit, supported=True) for rate in rates]
    right = point.balanced_accuracy
    words = wording.accuracy_words(right, found.unit)
    value = wording.fraction(right.value) if right.low is not None else "—"
    cells.append(f"{value}<small>{words.partition('; ')[0]}</small>")
    return cells


def _populations(found: PooledEvaluation, points: Sequence[OperatingPoint]) -> str:
    known = [
        (shown, point.populations)
        for shown, point in zip(points, found.points, strict=True)
        if point.populations
    ]
    if not known:
        return ""
    rates = {name: [each[name] for _, each in known] for name in known[0][1]}
    table = shares.population_table(
        [shown for shown, _ in known], rates, found.unit, found.default_point
    )
    return table + (
        '<p class="note">Skilled forgeries are forged items held against the genuine items of the '
        "identity they imitate, random ones genuine items of another identity. The thresholds were "
        f"fitted against {html.escape(found.against)}. Mean equal error rates of the folds, which "
        f"promise nothing: {html.escape(_each(found.population_eers).strip(' ()'))}.</p>"
    )


def _folds(found: PooledEvaluation) -> str:
    names = [f"EER, {name}" for name in found.population_eers] or ["EER"]
    point = _chosen(found)
    columns = [*names]
    columns += [] if point is None else ["threshold", "false accepts", "false rejects"]
    columns += ["tested", "items a second"]
    rows = [_fold_row(fold, found, columns) for fold in found.folds]
    table = document.table(("fold", *columns), rows, "Folds", kind="points")
    at = "" if point is None else f" Thresholds and wrong pairs are those of {point.name}."
    return (
        f"{table}"
        '<p class="note">Each fold has a model of its own, so that thresholds of two folds are not '
        f"comparable.{html.escape(at)} Single folds have too few {found.unit} to tell them apart "
        "with confidence. The last column is the pace of training.</p>"
    )


def _fold_row(fold: Fold, found: PooledEvaluation, columns: Sequence[str]) -> str:
    one = fold.evaluation.verification
    cells = [wording.fraction(eer) for eer in one.population_eers.values()]
    cells = cells or [wording.fraction(one.eer)]
    point = next((point for point in one.points if point.name == found.default_point), None)
    if point is not None:
        cells.append(wording.distance(point.threshold))
        rates = () if point.test is None else (point.test.far, point.test.frr)
        cells += [
            f"{wording.fraction(rate.value)}<small>{rate.errors:,} of {rate.trials:,}</small>"
            for rate in rates
        ]
    cells.append(f"{one.identities:,}<small>{one.items:,} items</small>")
    cells.append(f"{fold.items_per_second:,.0f}")
    return document.card_row(f"fold {fold.number}", columns, cells)


def _errors(found: PooledEvaluation, points: Sequence[OperatingPoint]) -> str:
    curves = [
        (f"fold {fold.number}", curve)
        for fold in found.folds
        if (curve := fold.evaluation.verification.curve) is not None
    ]
    if not curves:
        return ""
    shown = [point for point in points if point.target is None or not point.guaranteed]
    figure = tradeoff.folds_figure(curves, shown, found.default_point)
    return document.drawn(
        figure,
        "DET of each fold, side by side, since no threshold means the same in two of them: nearer "
        "the lower left is better. The marks are the operating points over the decisions of all "
        f"folds, with their 95% intervals, whose trials are {found.unit}.",
        kind="plot tall",
    )


def _probabilities(found: PooledEvaluation) -> str:
    if found.probability is None:
        return ""
    figure = probability.reliability_figure(found.probability)
    return document.drawn(figure, probability.caption(found.probability)) + (
        '<p class="note">Each fold gives the probabilities of its own calibration to its own test '
        "items. Probabilities are of one scale, and stand in one diagram; the minimum Cllr is the "
        "mean of the folds' own.</p>"
    )


def _parts(folds: Sequence[Fold]) -> dict[str, str]:
    return {
        f"fold {fold.number}": "; ".join(f"{role}: {words}" for role, words in fold.parts.items())
        for fold in folds
    }
