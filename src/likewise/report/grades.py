"""How the distance follows the grades of pairs, and what grades told by it were worth."""

import html
from typing import Any

from likewise.report import document, wording
from likewise.report.figures import TOKENS, Figure, finished
from likewise.results import GradeAccuracy, Graded


def grades(found: Graded | None) -> str:
    """The section of grades; empty where nobody graded pairs."""
    if found is None:
        return ""
    follows = f'<p class="prose">{html.escape(wording.graded_words(found))}</p>'
    if found.accuracy is None:
        return follows
    return document.drawn(grades_figure(found.accuracy), _caption(found.accuracy, found)) + follows


def grades_figure(found: GradeAccuracy) -> Figure:
    """The mean grade given against the mean grade told, with the mean prediction interval."""
    bins = found.bins
    told, given = [one.told for one in bins], [one.given for one in bins]
    ends = [end for b in bins for end in (b.told, b.given, b.low, b.high) if end is not None]
    reach = [min(ends), max(ends)]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": reach,
            "y": reach,
            "line": {"color": TOKENS["muted"], "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
        }
    ]
    if found.coverage is not None:
        border = {"type": "scatter", "mode": "lines", "x": told, "hoverinfo": "skip"}
        line = {"color": TOKENS["same-fill"], "width": 1}
        traces += [
            {**border, "y": [one.low for one in bins], "line": line},
            {
                **border,
                "y": [one.high for one in bins],
                "line": line,
                "fill": "tonexty",
                "fillcolor": TOKENS["same-fill"],
            },
        ]
    traces.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": told,
            "y": given,
            "text": [f"told {b.told:.3g}, given {b.given:.3g}<br>{b.pairs:,} pairs" for b in bins],
            "hovertemplate": "%{text}<extra></extra>",
            "line": {"color": TOKENS["same"], "width": 1.5},
            "marker": {"size": 7, "color": TOKENS["same"]},
        }
    )
    layout = {
        "xaxis": {"title": {"text": "grade told"}},
        "yaxis": {"title": {"text": "grade given"}, "rangemode": "normal"},
        "showlegend": False,
        "hovermode": "closest",
    }
    said = "; ".join(f"told {b.told:.3g}, given {b.given:.3g}" for b in bins)
    return finished(traces, layout, f"Grades given against grades told: {said}.")


def _caption(found: GradeAccuracy, of: Graded) -> str:
    words = (
        "On the dotted line, the grade told is the mean grade given; a mark is of about as many "
        f"pairs as another. Told grades err by {found.mean_error:.3g} on average, where always "
        f"telling the one grade that fits best errs by {found.single_error:.3g}; {of.unit} weigh "
        "equally."
    )
    seen = found.coverage
    if seen is None or found.width is None:
        return f"{words} No prediction interval was told."
    interval = f"too few {of.unit} for an interval"
    if seen.low is not None and seen.high is not None:
        low, high = wording.fraction(seen.low), wording.fraction(seen.high)
        interval = f"95% interval {low} to {high}"
    return (
        f"{words} The band is the mean prediction interval, {found.width:.3g} wide on average: the "
        f"intervals held the grade of {wording.fraction(seen.value)} of pairs ({interval}; "
        f"{seen.inside:,} of {seen.pairs:,} pairs), where {found.nominal:g} was promised."
    )
