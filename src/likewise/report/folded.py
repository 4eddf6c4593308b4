"""The page of folds that were each trained: what a recipe is worth, and how much folds differ."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from likewise.evaluation import Fold, PooledEvaluation, PooledPoint
from likewise.report import probability, sections, shares, tradeoff, wording
from likewise.report.document import document
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
        ("summary", "Summary", _summary(found)),
        ("points", "Operating points", _points(found)),
        ("populations", "Populations", _populations(found, points)),
        ("folds", "Folds", _folds(found)),
        ("errors", "Both errors", _errors(found, points)),
        ("probability", "Probabilities", _probabilities(found)),
        ("failed", "Items that failed to read", sections.failed(found.failed)),
        ("data", "Data", sections.facts(_parts(found.folds))),
        ("recipe", "Recipe", sections.code(report.recipe, "Recipe")),
        ("rerun", "How to rerun", sections.code("\n".join(report.rerun), "Commands")),
        ("environment", "Environment", sections.facts(report.environment)),
    ]
    return document(
        heading, sections.path(heading), f"Likewise, {claim}", html.escape(counted), contents
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


def _summary(found: PooledEvaluation) -> str:
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
        unpromised = wording.unpromised([_as_point(p) for p in found.points], found.unit)
        return (
            f'<p class="lede">No error rate is promised, because not every fold has the data for '
            f"one. {html.escape(_easiest(found) + unpromised)} {how}</p>"
            f'<p class="prose">{html.escape(mean)}</p>'
        )
    apart = [(_AGAINST[name], rates.far) for name, rates in point.populations.items()]
    told = wording.decision_words(
        apart or [(wording.DIFFERENT, point.rates.far)], point.rates.frr, found.unit
    )
    lede = (
        f"At each fold's own threshold, fitted for {wording.aim(_as_point(point))}, {told}. {how}"
    )
    aim = math.nan if point.target is None else point.target
    rates = [(f", {name}", rates.far) for name, rates in point.populations.items()]
    tiles = [
        sections.tile(
            f"False accepts (FAR{name})", rate, found.unit, aim if _aimed(found, name) else math.nan
        )
        for name, rate in rates or [("", point.rates.far)]
    ]
    tiles.append(sections.tile("False rejects (FRR)", point.rates.frr, found.unit, math.nan))
    tiles.append(sections.accuracy_tile("Balanced accuracy", point.balanced_accuracy, found.unit))
    aimed = "" if point.target is None else " The dashed line is the rate aimed at."
    return (
        f'<p class="lede">{html.escape(lede)}</p><dl class="rates">{"".join(tiles)}</dl>'
        f'<p class="prose">{html.escape(mean)}</p>'
        f'<p class="note">The ranges are 95% intervals, {claim_sentence(found.claim, found.unit)}; '
        f"the trials behind them are {found.unit}, not pairs. They say how far the figure may be "
        f"off, not how far folds lie apart: that stands under Folds.{aimed}</p>"
    )


def _aimed(found: PooledEvaluation, name: str) -> bool:
    return not name or found.against == name.removeprefix(", ")


def _easiest(found: PooledEvaluation) -> str:
    refused = [point for point in found.points if point.target is not None]
    easiest = max(refused, key=lambda point: point.target or 0.0, default=None)
    return f"Even {easiest.name} is refused. {easiest.reason}" if easiest else ""


def _each(eers: Mapping[str, float]) -> str:
    told = ", ".join(f"{name} {wording.fraction(eer)}" for name, eer in eers.items())
    return f" ({told})" if told else ""


def _points(found: PooledEvaluation) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in ("name", *_COLUMNS))
    rows = "\n".join(_row(point, found) for point in found.points)
    table = f'<table class="points"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return (
        f"{sections.scroll(table, 'Operating points')}{_refused(found)}"
        '<p class="note">FAR is the share of different pairs taken for the same, FRR the share of '
        "same pairs taken for different, both over the decisions of all folds, each by its own "
        "threshold; balanced accuracy is one less their mean. Below each stand its 95% interval "
        f"and the pairs behind it. {_weighing(found)}</p>"
    )


def _refused(found: PooledEvaluation) -> str:
    lines = "".join(
        f"<li>{html.escape(f'{point.name} is not supported. {point.reason}')}</li>"
        for point in found.points
        if not point.supported
    )
    return f'<ul class="refusals">{lines}</ul>' if lines else ""


def _weighing(found: PooledEvaluation) -> str:
    if wording.pairs_weigh_equally(found.unit):
        return "Every pair weighs the same."
    return "Identities weigh equally; “pooled” is the plain share of pairs."


def _row(point: PooledPoint, found: PooledEvaluation) -> str:
    low, high = min(point.thresholds), max(point.thresholds)
    cells = ["—" if point.target is None else f"{point.target:g}"]
    cells.append(f"{wording.distance(low)} to {wording.distance(high)}")
    if point.rates is None or point.balanced_accuracy is None:
        cells += ["not supported"] * 3
    else:
        for rate in (point.rates.far, point.rates.frr):
            cells.append(sections.rate_cell(rate, found.unit, supported=True))
        right = point.balanced_accuracy
        words = wording.accuracy_words(right, found.unit)
        value = wording.fraction(right.value) if right.low is not None else "—"
        cells.append(f"{value}<small>{words.partition('; ')[0]}</small>")
    chosen = point.name == found.default_point
    state = "chosen" if chosen else "" if point.supported else "refused"
    told = "<small>told in the summary</small>" if chosen else ""
    inside = "".join(
        f'<td data-name="{name}">{cell}</td>' for name, cell in zip(_COLUMNS, cells, strict=True)
    )
    return f'<tr class="{state}"><th scope="row">{html.escape(point.name)}{told}</th>{inside}</tr>'


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
    head = "".join(f'<th scope="col">{name}</th>' for name in ("fold", *columns))
    rows = "".join(_fold_row(fold, found, columns) for fold in found.folds)
    table = f'<table class="points"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    at = "" if point is None else f" Thresholds and wrong pairs are those of {point.name}."
    return (
        f"{sections.scroll(table, 'Folds')}"
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
    inside = "".join(
        f'<td data-name="{name}">{cell}</td>' for name, cell in zip(columns, cells, strict=True)
    )
    return f'<tr><th scope="row">fold {fold.number}</th>{inside}</tr>'


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
    return sections.drawn(
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
    return sections.drawn(figure, probability.caption(found.probability)) + (
        '<p class="note">Each fold gives the probabilities of its own calibration to its own test '
        "items. Probabilities are of one scale, and stand in one diagram; the minimum Cllr is the "
        "mean of the folds' own.</p>"
    )


def _parts(folds: Sequence[Fold]) -> dict[str, str]:
    return {
        f"fold {fold.number}": "; ".join(f"{role}: {words}" for role, words in fold.parts.items())
        for fold in folds
    }
