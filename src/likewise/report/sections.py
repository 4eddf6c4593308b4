"""What stands in each section of the report, as HTML made of plain results.

Everything from outside is escaped here. A section without content is an empty string.
"""

import html
import math
from collections.abc import Mapping, Sequence

from likewise.report import figures, pictures, probability, tradeoff, wording
from likewise.results import (
    Accuracy,
    Choice,
    Evaluation,
    OneShot,
    OperatingPoint,
    Probability,
    Rate,
    Verification,
)

_NAMED = 10
_COLUMNS = (
    "target", "threshold", "FAR on calibrate", "FAR on test", "FRR on test", "supported",
)  # fmt: skip


def summary(evaluation: Evaluation, default: str) -> str:
    """The verdict in sentences, and beside them its rates with their intervals."""
    lede = html.escape(wording.verdict(evaluation, default))
    recognition = html.escape(wording.recognition(evaluation))
    found = evaluation.verification
    point = wording.chosen(evaluation, default)
    tiles = []
    if point is not None and point.test is not None:
        aim = math.nan if point.target is None else point.target
        tiles = [
            tile("False accepts (FAR)", point.test.far, found.unit, aim),
            tile("False rejects (FRR)", point.test.frr, found.unit, math.nan),
        ]
    if evaluation.one_shot is not None:
        tiles.append(_one_shot_tile(evaluation.one_shot))
    parts = [f'<p class="lede">{lede}</p>']
    parts += [f'<dl class="rates">{"".join(tiles)}</dl>'] if tiles else []
    parts += [f'<p class="prose">{recognition}</p>'] if recognition else []
    aimed = " The dashed line is the rate aimed at." if 'class="aim"' in "".join(tiles) else ""
    if any('class="range"' in tile for tile in tiles):
        parts.append(
            f'<p class="note">The ranges are 95% intervals, {found.sentence}; the trials '
            f"behind those of the error rates are {found.unit}, not pairs.{aimed}</p>"
        )
    return "\n".join(parts)


def tile(name: str, rate: Rate, unit: str, aim: float) -> str:
    """A rate as a large number, with its interval drawn; `aim` is NaN where there is none."""
    known = rate.low is not None
    number = wording.fraction(rate.value) if known else _counts(rate)
    top = min(1.0, pictures.round_up(max(rate.high or 0.0, 0.0 if math.isnan(aim) else aim)))
    line = pictures.strip(rate.low, rate.value, rate.high, top, aim) if known else ""
    words = wording.interval(rate, unit)
    below = f"{words}; {wording.counts(rate)}" if known else f"pairs; {words}"
    return (
        f'<div><dt>{name}</dt><dd class="number">{number}</dd>'
        f'<dd class="small">{below}{line}</dd></div>'
    )


def accuracy_tile(name: str, found: Accuracy, unit: str) -> str:
    """A share of right decisions as a large number, with its interval drawn."""
    known = found.low is not None and found.high is not None
    number = wording.fraction(found.value) if known else f"{found.right:,} of {found.trials:,}"
    return (
        f'<div><dt>{name}</dt><dd class="number">{number}</dd>'
        f'<dd class="small">{wording.accuracy_words(found, unit)}'
        f"{pictures.strip(found.low, found.value, found.high, 1.0, math.nan) if known else ''}"
        "</dd></div>"
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
    head = "".join(f'<th scope="col">{name}</th>' for name in ("name", *_COLUMNS))
    rows = "\n".join(
        _row(point, found.unit, chosen=point.name == default) for point in found.points
    )
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    table = f'<table class="points">{body}</table>'
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in wording.refusals(found))
    refused = f'<ul class="refusals">{lines}</ul>' if lines else ""
    kept = "".join(f"<li>{html.escape(line)}</li>" for line in wording.promises(found))
    if kept:
        refused += (
            f'<ul class="promises">{kept}</ul><p class="note">What chance explains is a 95% '
            "interval for the rate on test, from what is uncertain of the rates on calibrate and "
            "on test.</p>"
        )
    pooled = ""
    if not wording.pairs_weigh_equally(found.unit):
        _, many = wording.kinds(found)
        pooled = f", and their plain share (“pooled”), for in the rate itself {many} weigh equally"
    return (
        f"{scroll(table, 'Operating points')}{refused}"
        '<p class="note">FAR is the share of different pairs taken for the same, FRR the share of '
        f"same pairs taken for different; on test they are {found.sentence}. "
        f"Below each stand its 95% interval and the wrong pairs of all{pooled}. "
        f"A pair is accepted when its {wording.measure_words(evaluation)} is at most the "
        "threshold. At eer both rates were "
        "equal on calibrate, at balanced their mean was least.</p>"
    )


def _row(point: OperatingPoint, unit: str, *, chosen: bool) -> str:
    test, known = point.test, point.supported
    cells = (
        "—" if point.target is None else f"{point.target:g}",
        wording.distance(point.threshold),
        rate_cell(point.calibrate.far, unit, supported=known),
        rate_cell(test.far, unit, supported=known) if test else "not measured",
        rate_cell(test.frr, unit, supported=known) if test else "not measured",
        "yes" if known else "no",
    )
    # On a phone a row is a card: each cell names its column, and what is on test comes first.
    late = {"FAR on calibrate", "supported"}
    inside = "".join(
        f'<td data-name="{name}"{" class=late" if name in late else ""}>{cell}</td>'
        for name, cell in zip(_COLUMNS, cells, strict=True)
    )
    used = "<small>used by verify</small>" if chosen else ""
    state = "chosen" if chosen else "" if point.supported else "refused"
    return f'<tr class="{state}"><th scope="row">{html.escape(point.name)}{used}</th>{inside}</tr>'


def rate_cell(rate: Rate, unit: str, *, supported: bool) -> str:
    """A rate in a cell of a table: its value, its interval and its counts."""
    if not rate.trials:
        return "no pairs"
    if not supported:
        return _counts(rate)
    words = wording.interval(rate, unit)
    if rate.low is None:
        return f"{_counts(rate)}<small class='words'>{words}</small>"
    pooled = f"<small>pooled {wording.fraction(rate.pooled)}</small>"
    return (
        f"{wording.fraction(rate.value)}<small>{words}</small><small>{_counts(rate)}</small>"
        f"{'' if wording.pairs_weigh_equally(unit) else pooled}"
    )


def _counts(rate: Rate) -> str:
    return f"{rate.errors:,} of {rate.trials:,}"


def scroll(inside: str, name: str) -> str:
    """A table or text that scrolls in its own frame where the page is too narrow."""
    return f'<div class="scroll" role="region" aria-label="{name}" tabindex="0">{inside}</div>'


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
    return drawn(
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
        + drawn(det, f"DET: nearer the lower left is better. {bars}")
        + drawn(roc, f"ROC: nearer the upper left is better. {bars}")
    )


def probability_section(found: Probability | None, choice: Choice | None) -> str:
    """What the probabilities were worth; empty where none were given."""
    if found is None:
        return ""
    figure = probability.reliability_figure(found)
    return drawn(figure, probability.caption(found)) + probability.choice(choice)


def drawn(figure: figures.Figure, caption: str, kind: str = "plot") -> str:
    """A figure with its caption, and in words for who cannot see it."""
    return (
        f'<figure><div class="{kind}" role="img" aria-label="{html.escape(figure.gist)}"></div>\n'
        f'<script type="application/json">{figure.content}</script>\n'
        f"<noscript><p>{html.escape(figure.gist)}</p></noscript>\n"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def hardest(evaluation: Evaluation) -> str:
    """The identities with the largest share of wrong decisions."""
    shares = evaluation.hardest
    one, many = wording.kinds(evaluation.verification)
    worst = [(name, share) for name, share in shares.items() if share > 0]
    rows = "\n".join(
        f'<tr><th scope="row">{path(name)}</th><td>{wording.fraction(share)}</td>'
        f'<td class="bar"><i style="--share:{share / worst[0][1]:.3f}"></i></td></tr>'
        for name, share in worst[:_NAMED]
    )
    if not rows:
        return ""
    head = f'<th scope="col">{one}</th><th scope="col" colspan="2">share decided wrongly</th>'
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    shown = f" The worst {_NAMED} of these stand here." if len(worst) > _NAMED else ""
    listed = wording.pairs_weigh_equally(evaluation.verification.unit)
    what = "pairs that were listed" if listed else "pairs that its items are in"
    return (
        f'<p class="prose">Of {len(shares):,} {many}, {len(worst):,} took part in a wrong decision.'
        f"{shown} The share is of all {what}.</p>"
        + scroll(table, f"Hardest {many}").replace("scroll", "scroll narrow", 1)
    )


def failed(found: Sequence[tuple[str, str]]) -> str:
    """How many items could not be read, and the first of them by name."""
    if not found:
        return ""
    named = "".join(
        f"<li>{path(place)}: {html.escape(reason)}</li>" for place, reason in found[:_NAMED]
    )
    more = f", the first {_NAMED} of them" if len(found) > _NAMED else ""
    count = "1 item" if len(found) == 1 else f"{len(found):,} items"
    return f'<p>{count} failed to read and took no part{more}:</p><ol class="plain">{named}</ol>'


def path(text: str) -> str:
    """Text from outside, escaped, that may break after a slash or an underscore."""
    return html.escape(text).replace("/", "/<wbr>").replace("_", "_<wbr>")


def facts(pairs: Mapping[str, str]) -> str:
    """Names with what is to be said of each."""
    inside = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{path(value)}</dd>" for name, value in pairs.items()
    )
    return f'<dl class="facts">{inside}</dl>' if pairs else ""


def code(text: str, name: str) -> str:
    """Text that a machine reads."""
    return scroll(f"<pre><code>{html.escape(text)}</code></pre>", name) if text.strip() else ""
