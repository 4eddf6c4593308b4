"""The page of data that were measured with no model: embeddings, or comparisons."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from likewise.report import document, sections, wording
from likewise.report.grades import grades
from likewise.results import (
    Accuracy,
    Choice,
    Evaluation,
    Graded,
    OperatingPoint,
    Probability,
    Verification,
)

_COLUMNS = ("target", "threshold", "FAR", "FRR", "supported")


@dataclass(frozen=True)
class Dealt:
    """What became of one part of the data, decided by thresholds fitted on the others.

    Attributes:
        number: From 1.
        units: How many identities or groups it holds.
        threshold: Of the point that is told first; None if there is none.
    """

    number: int
    units: int
    threshold: float | None


@dataclass(frozen=True)
class PrecomputedReport:
    """Everything that the page shows.

    Attributes:
        source: What was measured.
        counted: The same with its counts, as a sentence.
        measure: What the distances are.
        how: How the thresholds were fitted, as a sentence.
        caution: What the figures cannot promise, as a sentence.
        verification: What the distances are like, and the points with their rates.
        default_point: Name of the point that `decide` uses; empty if none is supported.
        accuracy: The share of right decisions by name, such as `Balanced accuracy`.
        probability: What the probabilities were worth.
        said: On which pairs the probabilities were measured, as a sentence.
        choice: How the calibrator was chosen; None if somebody named it.
        dealt: What became of each part; empty where thresholds were fitted elsewhere.
        rerun: Shell commands that make it again.
        environment: Versions and processor by name.
        grades: How the distance follows the grades of pairs; None where nobody graded them.
    """

    source: str
    counted: str
    measure: str
    how: str
    caution: str
    verification: Verification
    default_point: str
    accuracy: Mapping[str, Accuracy]
    probability: Probability
    said: str
    choice: Choice | None
    dealt: tuple[Dealt, ...]
    rerun: tuple[str, ...]
    environment: Mapping[str, str]
    grades: Graded | None = None


def render_precomputed(report: PrecomputedReport) -> str:
    """The whole page: one HTML file that opens without a network.

    Raises:
        MissingExtra: If plotly is not installed.
    """
    found, default = report.verification, report.default_point
    shown = Evaluation(report.source, found, None, (), (), {}, report.measure, default)
    heading = f"{report.source}, measured with no model"
    certain = sections.probability_section(report.probability, report.choice)
    contents = [
        ("summary", "Summary", _summary(report)),
        ("points", "Operating points", _points(report)),
        ("folds", "Folds", _folds(report)),
        ("distances", "Distances", sections.distances(shown, default, "decide")),
        ("errors", "Both errors", _errors(report)),
        ("probability", "Probabilities", f'{certain}<p class="note">{report.said}</p>'),
        ("grades", "Grades", grades(report.grades)),
    ]
    return document.html_page(
        heading,
        "Likewise, decisions without a model",
        document.path(report.counted),
        contents,
        rerun=report.rerun,
        environment=report.environment,
    )


def _chosen(report: PrecomputedReport) -> OperatingPoint | None:
    points = report.verification.points
    return next((point for point in points if point.name == report.default_point), None)


def _summary(report: PrecomputedReport) -> str:
    found, point = report.verification, _chosen(report)
    tiles = [document.accuracy_tile(name, one, found.unit) for name, one in report.accuracy.items()]
    if point is None:
        why = document.easiest_refusal(found.points)
        lede = f"No error rate is promised, because the data support none. {why}"
        lede += wording.unpromised(found.points, found.unit)
    elif point.test is None:
        lede = (
            f"The threshold fitted for {wording.aim(point)} has not been measured on pairs that it "
            "was not fitted on."
        )
    else:
        told = wording.decision_words(
            [(wording.DIFFERENT, point.test.far)], point.test.frr, found.unit
        )
        lede = f"At the threshold fitted for {wording.aim(point)}, {told}."
        tiles = [*document.rate_tiles(point.test, found.unit, point.target), *tiles]
    ranges = (
        f"The ranges are 95% intervals; the trials behind them are {found.unit}, not pairs."
        f"{document.aimed_words(tiles)}"
    )
    where = "Accuracy is that of the point balanced, where the mean of both errors is least."
    return document.summary_of(
        f"{lede} {report.how}",
        tiles,
        report.caution,
        ranges if document.has_range(tiles) else "",
        where if report.accuracy else "",
    )


def _points(report: PrecomputedReport) -> str:
    found = report.verification
    cells = [_cells(point, found.unit) for point in found.points]
    chosen = (report.default_point, "used by decide")
    table = document.points_table(found.points, _COLUMNS, cells, chosen, ("supported",))
    fitted = (
        " The threshold is fitted on all of the data, and its rates are those of the folds."
        if report.dealt
        else ""
    )
    return (
        f"{table}"
        '<p class="note">FAR is the share of different pairs taken for the same, FRR the share of '
        "same pairs taken for different. Below each stand its 95% interval and the wrong pairs of "
        f"all. {document.weighing_words(found.unit)} A pair is accepted when its distance is at "
        f"most the threshold.{fitted} At eer both rates were equal where it was fitted, at "
        "balanced their mean was least.</p>"
    )


def _cells(point: OperatingPoint, unit: str) -> Sequence[str]:
    test, known = point.test, point.supported
    return (
        "—" if point.target is None else f"{point.target:g}",
        wording.distance(point.threshold),
        document.rate_cell(test.far, unit, supported=known) if test else "not measured",
        document.rate_cell(test.frr, unit, supported=known) if test else "not measured",
        "yes" if known else "no",
    )


def _folds(report: PrecomputedReport) -> str:
    if not report.dealt:
        return ""
    unit = report.verification.unit
    point = f", {html.escape(report.default_point)}" if report.default_point else ""
    rows = [
        f'<tr><th scope="row">{one.number}</th><td>{one.units:,}</td>'
        f"<td>{'—' if one.threshold is None else wording.distance(one.threshold)}</td></tr>"
        for one in report.dealt
    ]
    columns = ("fold", unit, f"threshold that decided{point}")
    return document.table(columns, rows, "Folds", frame="narrow") + (
        '<p class="note">The data are dealt into folds. What decides about a fold was fitted on '
        "all others, and the decisions are pooled, never the distances. Thresholds that lie close "
        "together say that the data are enough to fit one.</p>"
    )


def _errors(report: PrecomputedReport) -> str:
    drawn = sections.errors(report.verification, report.default_point)
    if not drawn or not report.dealt:
        return drawn
    return drawn + (
        '<p class="note">The curves are of all pairs: one distance compares them all, and nothing '
        "was trained here. The marks are the decisions of the folds, so that they need not lie on "
        "a curve.</p>"
    )
