"""What every page is made of: its frame, and the parts that more than one page has.

Everything from outside is escaped here. A part without content is an empty string.
"""

import base64
import hashlib
import html
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.resources import files
from typing import TypeAlias

import numpy as np

from likewise.report import figures, pictures, wording
from likewise.results import Accuracy, ErrorRates, OperatingPoint, Rate
from likewise.shapes import Array

Section: TypeAlias = tuple[str, str, str]
"""Its name, its title and its HTML; one without HTML is left out."""
MOST_NAMED = 10


def html_page(
    title: str,
    kicker: str,
    note: str,
    sections: Sequence[Section],
    *,
    rerun: Sequence[str],
    environment: Mapping[str, str] | None = None,
    figured: bool = True,
) -> str:
    """Return a whole page: one HTML file that opens without a network.

    Args:
        title: Of the page.
        kicker: Above it, what was measured on whom.
        note: Below it; HTML.
        sections: In their order; how to rerun it and the environment come last.
        rerun: Commands that make it again.
        environment: Versions and processor by name; None to leave them out.
        figured: Whether it has figures; without any it holds no script, and needs no plotly.

    Raises:
        MissingExtra: If plotly is not installed.
    """
    scripts = [figures.plotly_script(), _asset("page.js")] if figured else []
    scripts = [script.replace("</script", "<\\/script") for script in scripts]
    css = _asset("page.css") + ("" if figured else _asset("audit.css"))
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    if figured:
        hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
        policy = policy.replace("data:", "data: blob:") + f"; script-src {hashes}"
    last = [
        ("rerun", "How to rerun", code("\n".join(rerun), "Commands")),
        ("environment", "Environment", facts(environment or {})),
    ]
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{html.escape(title)}</title>\n<style>\n{css}</style>\n",
            f'</head>\n<body>\n<header><p class="kicker">{html.escape(kicker)}</p>\n',
            f"<h1>{path(title)}</h1>\n",
            f'<p class="note">{note}</p></header>\n<main>\n',
            *(
                f'<section id="{name}"><h2>{shown}</h2>\n<div>{body}</div></section>\n'
                for name, shown, body in [*sections, *last]
                if body
            ),
            "</main>\n",
            *(f"<script>{script}</script>\n" for script in scripts),
            "</body>\n</html>\n",
        ]
    )


def _asset(name: str) -> str:
    return files("likewise.report").joinpath(name).read_text(encoding="utf-8")


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def path(text: str) -> str:
    """Return text from outside, escaped, that may break after a slash or an underscore."""
    return html.escape(text).replace("/", "/<wbr>").replace("_", "_<wbr>")


def facts(pairs: Mapping[str, str]) -> str:
    """Return names with what is to be said of each."""
    inside = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{path(value)}</dd>" for name, value in pairs.items()
    )
    return f'<dl class="facts">{inside}</dl>' if pairs else ""


def code(text: str, name: str) -> str:
    """Return text that a machine reads."""
    return scroll(f"<pre><code>{html.escape(text)}</code></pre>", name) if text.strip() else ""


def scroll(inside: str, name: str, kind: str = "") -> str:
    """Return a table or text that scrolls in its own frame where the page is too narrow."""
    frame = f"scroll {kind}".strip()
    return f'<div class="{frame}" role="region" aria-label="{name}" tabindex="0">{inside}</div>'


def table(
    columns: Sequence[str], rows: Iterable[str], name: str, *, kind: str = "", frame: str = ""
) -> str:
    """Return a table that scrolls in its own frame.

    Args:
        columns: Their names; HTML.
        rows: Each a `tr` element.
        name: For who cannot see it; HTML.
        kind: The CSS class of the table.
        frame: The CSS class of its frame, beside `scroll`.
    """
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    start = f'<table class="{kind}">' if kind else "<table>"
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return scroll(f"{start}{body}</table>", name, frame)


def card_row(
    heading: str,
    columns: Sequence[str],
    cells: Sequence[str],
    state: str | None = None,
    late: Collection[str] = (),
) -> str:
    """Return a row of a table that on a phone is a card, in which each cell names its column.

    Args:
        heading: Of the row; HTML.
        columns: Their names, without that of the heading.
        cells: One a column; HTML.
        state: The CSS class of the row; None for none.
        late: The columns that stand last on the card.
    """
    inside = "".join(
        f'<td data-name="{name}"{" class=late" if name in late else ""}>{cell}</td>'
        for name, cell in zip(columns, cells, strict=True)
    )
    start = "<tr>" if state is None else f'<tr class="{state}">'
    return f'{start}<th scope="row">{heading}</th>{inside}</tr>'


def points_table(
    points: Sequence[OperatingPoint],
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    chosen: tuple[str, str],
    late: Collection[str] = (),
) -> str:
    """Return the table of operating points, and below it why some are not supported.

    Args:
        points: The rows.
        columns: Their names, without that of the point.
        cells: Of each point; HTML.
        chosen: The name of the point that stands out, empty if none does, and why it does.
        late: The columns that stand last where a row is a card.
    """
    default, why = chosen
    rows = []
    for point, inside in zip(points, cells, strict=True):
        used = f"<small>{why}</small>" if point.name == default else ""
        state = "chosen" if used else "" if point.supported else "refused"
        rows.append(card_row(html.escape(point.name) + used, columns, inside, state, late))
    refused = [
        f"<li>{html.escape(f'{point.name} is not supported. {point.reason}'.strip())}</li>"
        for point in points
        if not point.supported
    ]
    refusals = f'<ul class="refusals">{"".join(refused)}</ul>' if refused else ""
    return table(("name", *columns), rows, "Operating points", kind="points") + refusals


def summary_of(lede: str, tiles: Sequence[str], prose: str, *notes: str) -> str:
    """Return the first section: the answer in words, its rates as tiles, and what more to know.

    Args:
        lede: The answer.
        tiles: HTML.
        prose: What is said in a smaller type.
        notes: What is said in the smallest; empty ones are left out.
    """
    return "".join(
        [
            f'<p class="lede">{html.escape(lede)}</p>',
            f'<dl class="rates">{"".join(tiles)}</dl>' if tiles else "",
            f'<p class="prose">{html.escape(prose)}</p>' if prose else "",
            *(f'<p class="note">{html.escape(note)}</p>' for note in notes if note),
        ]
    )


def aimed_words(tiles: Sequence[str]) -> str:
    """Return what the dashed line in a tile is, after a space; empty where none has one."""
    aimed = any('class="aim"' in tile for tile in tiles)
    return " The dashed line is the rate aimed at." if aimed else ""


def has_range(tiles: Sequence[str]) -> bool:
    """Return whether a tile shows an interval."""
    return any('class="range"' in tile for tile in tiles)


def easiest_refusal(points: Sequence[OperatingPoint]) -> str:
    """Return why even the point that is easiest to support is not; empty where there is none."""
    refused = [point for point in points if point.target is not None]
    easiest = max(refused, key=lambda point: point.target or 0.0, default=None)
    return f"Even {easiest.name} is refused. {easiest.reason}" if easiest else ""


def weighing_words(unit: str) -> str:
    """Return whether pairs weigh equally in a rate, or identities do."""
    if wording.pairs_weigh_equally(unit):
        return "Every pair weighs the same."
    return "Identities weigh equally; “pooled” is the plain share of pairs."


def rate_tiles(rates: ErrorRates, unit: str, target: float | None) -> list[str]:
    """Return both error rates as tiles, with the rate that was aimed at where there is one."""
    return [
        tile("False accepts (FAR)", rates.far, unit, math.nan if target is None else target),
        tile("False rejects (FRR)", rates.frr, unit, math.nan),
    ]


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


def drawn(figure: figures.Figure, caption: str, kind: str = "plot") -> str:
    """A figure with its caption, and in words for who cannot see it."""
    return (
        f'<figure><div class="{kind}" role="img" aria-label="{html.escape(figure.gist)}"></div>\n'
        f'<script type="application/json">{figure.content}</script>\n'
        f"<noscript><p>{html.escape(figure.gist)}</p></noscript>\n"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def failed(found: Sequence[tuple[str, str]]) -> str:
    """How many items could not be read, and the first of them by name."""
    if not found:
        return ""
    named = "".join(
        f"<li>{path(place)}: {html.escape(reason)}</li>" for place, reason in found[:MOST_NAMED]
    )
    more = f", the first {MOST_NAMED} of them" if len(found) > MOST_NAMED else ""
    count = "1 item" if len(found) == 1 else f"{len(found):,} items"
    return f'<p>{count} failed to read and took no part{more}:</p><ol class="plain">{named}</ol>'


def shot(item: Array | None, gist: str, caption: str) -> str:
    """Return an item as it looks, above its caption.

    Args:
        item: An image as uint8 [c h w], a series [t d], or None for what is named only.
        gist: What it is, for who cannot see it.
        caption: HTML.
    """
    drawing = ""
    if item is not None and item.dtype == np.uint8:
        drawing = pictures.picture(item, gist)
    elif item is not None:
        drawing = pictures.series_drawing(item, item)[0]
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"
