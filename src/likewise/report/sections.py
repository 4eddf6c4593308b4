"""What stands in each section of the report, as HTML made of plain results.

Everything from outside is escaped here. A section without content is an empty string.
"""

import html
import math
from collections.abc import Sequence

from likewise.report import document, figures, pictures, probability, tradeoff, wording
from likewise.results import (
    Choice,
    Evaluation,
    OneShot,
    OperatingPoint,
    Probability,
    Verification,
)

_COLUMNS = (
    "target", "threshold", "FAR on calibrate", "FAR on test", "FRR on test", "supported",
)  # fmt: skip


def summary(evaluation: Evaluation, default: str) -> str:
    """Return the verdict in sentences, and beside them its rates with their intervals."""
    found = evaluation.verification
    point = wording.chosen(evaluation, default)
    tiles = []
    if point is not None and point.test is not None:
        tiles = document.rate_tiles(point.test, found.unit, point.target)
    if evaluation.one_shot is not None:
        tiles.append(_one_shot_tile(evaluation.one_shot))
    note = (
        f"The ranges are 95% intervals, {found.sentence}; the trials behind those of the error "
        f"rates are {found.unit}, not pairs.{document.aimed_words(tiles)}"
    )
    return document.summary_of(
        wording.verdict(evaluation, default),
        tiles,
        wording.recognition(evaluation),
        note if document.has_range(tiles) else "",
    )


def _one_shot_tile(one: OneShot) -> str:
    line = pictures.strip(one.low, one.accuracy, one.high, 1.0, math.nan)
    return (
        f"<div><dt>One-shot accuracy among {one.ways:,}</dt>"
        f'<dd class="number">{wording.fraction(one.accuracy)}</dd>'
        f'<dd class="small">{wording.interval(one)}; {one.episodes:,} questions'
        f"{line}</dd></div>"
    )


def points(evaluation: Evaluation, default: str) -> str:
    """A table of the operating points, with their rates where the data support them."""
    found = evaluation.verification
    cells = [_cells(point, found.unit) for point in found.points]
    # Where a row is a card, what is on test comes first.
    late = ("FAR on calibrate", "supported")
    table = document.points_table(found.points, _COLUMNS, cells, (default, "used by verify"), late)
    kept = "".join(f"<li>{html.escape(line)}</li>" for line in wording.promises(found))
    if kept:
        table += (
            f'<ul class="promises">{kept}</ul><p class="note">What chance explains is a 95% '
            "interval for the rate on test, from what is uncertain of the rates on calibrate and "
            "on test.</p>"
        )
    pooled = ""
    if not wording.pairs_weigh_equally(found.unit):
        _, many = wording.kinds(found)
        pooled = f", and their plain share (“pooled”), for in the rate itself {many} weigh equally"
    return (
        f"{table}"
        '<p class="note">FAR is the share of different pairs taken for the same, FRR the share of '
        f"same pairs taken for different; on test they are {found.sentence}. "
        f"Below each stand its 95% interval and the wrong pairs of all{pooled}. "
        f"A pair is accepted when its {wording.measure_words(evaluation)} is at most the "
        "threshold. At eer both rates were "
        "equal on calibrate, at balanced their mean was least.</p>"
    )


def _cells(point: OperatingPoint, unit: str) -> Sequence[str]:
    test, known = point.test, point.supported
    return (
        "—" if point.target is None else f"{point.target:g}",
        wording.distance(point.threshold),
        document.rate_cell(point.calibrate.far, unit, supported=known),
        document.rate_cell(test.far, unit, supported=known) if test else "not measured",
        document.rate_cell(test.frr, unit, supported=known) if test else "not measured",
        "yes" if known else "no",
    )


def distances(evaluation: Evaluation, default: str, user: str = "verify") -> str:
    """The distances of same and of different pairs, with the thresholds.

    Args:
        evaluation: What was measured.
        default: Name of the operating point that is used; empty if none is supported.
        user: The command that uses it.
    """
    found = evaluation.verification
    figure = figures.distances_figure(
        found.histogram, _drawn(found.points, default), default, wording.measure_words(evaluation)
    )
    heavy = f"The heavy line is the threshold that {user} uses. " if default else ""
    dotted = any(not point.supported for point in found.points)
    return document.drawn(
        figure,
        f"{found.same_pairs:,} same and {found.different_pairs:,} different pairs. "
        "Left of a threshold a pair is accepted. "
        f"{heavy}{'Dotted ones are not supported by the data. ' if dotted else ''}"
        f"A different pair is farther apart than a same pair with probability "
        f"{wording.fraction(found.auc)} (AUC); at the equal error rate, "
        f"{wording.fraction(found.eer)}, the threshold is chosen on these very "
        "items: both describe them and promise nothing.",
        kind="plot tall",
    )


def _drawn(points: Sequence[OperatingPoint], default: str) -> list[OperatingPoint]:
    """The points that a figure has room for; the guaranteed ones stand in the table, too."""
    guaranteed = any(point.guaranteed for point in points if point.name == default)
    return [point for point in points if point.target is None or point.guaranteed == guaranteed]


def errors(found: Verification, default: str) -> str:
    """False accepts against false rejects at all thresholds; empty where no curve was measured."""
    if found.curve is None:
        return ""
    bars = f"Bars are 95% intervals, whose trials are {found.unit}."
    points = _drawn(found.points, default)
    det = tradeoff.det_figure(found.curve, points, default)
    roc = tradeoff.roc_figure(found.curve, points, default)
    return (
        tradeoff.slider(found, default)
        + document.drawn(det, f"DET: nearer the lower left is better. {bars}")
        + document.drawn(roc, f"ROC: nearer the upper left is better. {bars}")
    )


def probability_section(found: Probability | None, choice: Choice | None) -> str:
    """What the probabilities were worth; empty where none were given."""
    if found is None:
        return ""
    figure = probability.reliability_figure(found)
    return document.drawn(figure, probability.caption(found)) + probability.choice(choice)


def hardest(evaluation: Evaluation) -> str:
    """The identities with the largest share of wrong decisions."""
    shares = evaluation.hardest
    one, many = wording.kinds(evaluation.verification)
    worst = [(name, share) for name, share in shares.items() if share > 0]
    rows = "\n".join(
        f'<tr><th scope="row">{document.path(name)}</th><td>{wording.fraction(share)}</td>'
        f'<td class="bar"><i style="--share:{share / worst[0][1]:.3f}"></i></td></tr>'
        for name, share in worst[: document.MOST_NAMED]
    )
    if not rows:
        return ""
    head = f'<th scope="col">{one}</th><th scope="col" colspan="2">share decided wrongly</th>'
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    shown = (
        f" The worst {document.MOST_NAMED} of these stand here."
        if len(worst) > document.MOST_NAMED
        else ""
    )
    listed = wording.pairs_weigh_equally(evaluation.verification.unit)
    what = "pairs that were listed" if listed else "pairs that its items are in"
    return (
        f'<p class="prose">Of {len(shares):,} {many}, {len(worst):,} took part in a wrong decision.'
        f"{shown} The share is of all {what}.</p>"
        + document.scroll(table, f"Hardest {many}", "narrow")
    )
