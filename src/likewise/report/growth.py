"""Recognition against the size of the gallery: a curve and what it says."""

from collections.abc import Sequence

from likewise.report import document, wording
from likewise.report.figures import TOKENS, Figure, finished
from likewise.results import AtSize, Evaluation, Share


def growth(evaluation: Evaluation) -> str:
    """The section of both curves; empty where they were not measured."""
    who = evaluation.identification
    if who is None or len(who.by_size) < 2:
        return ""
    at = who.by_size
    fpir = f"{at[0].fpir:g}"
    return document.drawn(
        growth_figure(at),
        f"Each point is the mean of {at[0].galleries} galleries drawn by lot from the test "
        "identities, each enrolled by one item; the bars are 95% intervals whose trials are "
        "identities. Rank-1: the share of other items whose nearest is their own identity. FNIR: "
        f"the share that is not recognised where {fpir} of strangers' items are taken for "
        "somebody; that threshold is chosen on these very items, and promises nothing. A gallery "
        "larger than the largest here was not measured, and recognises less.",
    )


def growth_figure(at: Sequence[AtSize]) -> Figure:
    """Rank-1 and FNIR against the size, on a logarithmic axis.

    Args:
        at: Of each size, one at least.
    """
    open_set = [(one, one.fnir) for one in at if one.fnir is not None]
    traces = [_curve("rank-1", "same", [(one.size, one.rank_1) for one in at])]
    if open_set:
        name = f"FNIR at FPIR {at[0].fpir:g}"
        traces.append(_curve(name, "different", [(one.size, fnir) for one, fnir in open_set]))
    layout = {
        "xaxis": {
            "title": {"text": "identities in the gallery"},
            "type": "log",
            "tickvals": [one.size for one in at],
            "ticktext": [f"{one.size:,}" for one in at],
        },
        "yaxis": {"title": {"text": "share of items"}, "range": [0, 1.02]},
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 1, "xanchor": "right"},
        "margin": {"l": 48, "r": 8, "t": 8, "b": 64},
    }
    last = at[-1]
    gist = (
        f"Rank-1 is {wording.fraction(at[0].rank_1.value)} among {at[0].size:,} identities and "
        f"{wording.fraction(last.rank_1.value)} among {last.size:,}."
    )
    if open_set:
        (first, low), (final, high) = open_set[0], open_set[-1]
        gist += (
            f" FNIR at FPIR {at[0].fpir:g} is {wording.fraction(low.value)} among "
            f"{first.size:,} and {wording.fraction(high.value)} among {final.size:,}."
        )
    return finished(traces, layout, gist)


def _curve(name: str, colour: str, points: Sequence[tuple[int, Share]]) -> dict[str, object]:
    up = [0.0 if one.high is None else max(0.0, one.high - one.value) for _, one in points]
    down = [0.0 if one.low is None else max(0.0, one.value - one.low) for _, one in points]
    return {
        "type": "scatter",
        "name": name,
        "mode": "lines+markers",
        "x": [size for size, _ in points],
        "y": [one.value for _, one in points],
        "error_y": {"type": "data", "array": up, "arrayminus": down, "thickness": 1, "width": 3},
        "line": {"color": TOKENS[colour], "width": 1.5},
        "marker": {"size": 5},
        "hovertemplate": "%{y:.3f}",
    }
