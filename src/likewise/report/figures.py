"""The figures of the report that plotly draws.

A figure is handed over as JSON with stand-in colours (`TOKENS`); the page's script puts the
page's own in their place, so that figures follow light and dark.
"""

import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from likewise.errors import MissingExtra
from likewise.report.wording import distance
from likewise.results import Epoch, Histogram, OperatingPoint
from likewise.shapes import Array

TOKENS = {
    name: f"#00000{number}"
    for number, name in enumerate(
        ("paper", "ink", "muted", "rule", "same", "different", "same-fill", "different-fill"), 1
    )
}


@dataclass(frozen=True)
class Figure:
    """A plot and what it shows, in words.

    Attributes:
        content: Plotly's `data` and `layout`, with the stand-in colours.
        gist: What a person who cannot see it should know.
    """

    content: str
    gist: str


def plotly_script() -> str:
    """Plotly's own script, to stand in the page once.

    Raises:
        MissingExtra: If plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise _missing() from error
    return str(get_plotlyjs())


def check_plotly() -> None:
    """Refuse to begin what could not be drawn in the end.

    Raises:
        MissingExtra: If plotly is not installed.
    """
    if find_spec("plotly") is None:
        raise _missing()


def _missing() -> MissingExtra:
    return MissingExtra(
        "The report needs plotly, which is not installed. Run: pip install 'likewise[evaluate]'"
    )


def finished(traces: Sequence[dict[str, Any]], layout: dict[str, Any], gist: str) -> Figure:
    """A figure in the form that all of the page have.

    Args:
        traces: What plotly draws.
        layout: What differs from the common form.
        gist: What it shows, in words.

    Raises:
        MissingExtra: If plotly is not installed.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise _missing() from error
    axis = {
        "gridcolor": TOKENS["rule"],
        "zerolinecolor": TOKENS["rule"],
        "fixedrange": True,
    }
    figure = go.Figure(
        data=list(traces),
        layout={
            "template": "none",
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": TOKENS["muted"]},
            "margin": {"l": 48, "r": 8, "t": 8, "b": 44},
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": TOKENS["paper"], "font": {"color": TOKENS["ink"]}},
            "dragmode": False,
            **layout,
        },
    )
    figure.update_xaxes(showgrid=False, zeroline=False, title={"standoff": 10}, **axis)
    ordinate = {"rangemode": "tozero", **layout.get("yaxis", {})}
    figure.update_yaxes(rangemode=ordinate["rangemode"], automargin=True, **axis)
    # "<" would let a name in the data end the element that the JSON stands in.
    content = json.dumps({"tokens": TOKENS, **figure.to_plotly_json()}, allow_nan=False)
    return Figure(content.replace("<", "\\u003c"), gist)


def distances_figure(
    histogram: Histogram, points: Sequence[OperatingPoint], default: str, measure: str = "distance"
) -> Figure:
    """The distances of same and of different pairs, with the thresholds drawn and labelled.

    Args:
        histogram: The distances.
        points: Whose thresholds are drawn; those that are not supported, dotted.
        default: Name of the point that `verify` uses, drawn heavier; empty if none.
        measure: What the distances are called: `distance`, or `dissimilarity` for a matcher's.
    """
    edges = histogram.edges.tolist()
    drawn = sorted((p for p in points if math.isfinite(p.threshold)), key=lambda p: p.threshold)
    last = max([edges[-1], *(point.threshold for point in drawn)])
    room = 0.24 * (last - edges[0])
    lanes = _lanes([point.threshold for point in drawn], room)
    top = 1 - 0.05 * max([0, *(lane + 1 for lane in lanes)])
    traces = [
        {
            "type": "scatter",
            "name": f"{name} pairs",
            "x": edges,
            "y": [*shares.tolist(), 0.0],
            "line": {"shape": "hv", "color": TOKENS[name], "width": 1.5},
            "fill": "tozeroy",
            "fillcolor": TOKENS[f"{name}-fill"],
            "hovertemplate": "%{y:.3f}",
        }
        for name, shares in (("same", histogram.same), ("different", histogram.different))
    ]
    shapes, labels = [], []
    for point, lane in zip(drawn, lanes, strict=True):
        chosen = point.name == default
        height = top + 0.05 * (lane + 1)
        line = {
            "color": TOKENS["ink" if chosen else "muted"],
            "width": 2 if chosen else 1,
            "dash": "solid" if point.supported else "dot",
        }
        place = {"xref": "x", "yref": "paper"}
        spot = {"x0": point.threshold, "x1": point.threshold, "y0": 0, "y1": height}
        shapes.append({"type": "line", **place, **spot, "line": line})
        name = html.escape(point.name)
        labels.append(
            {
                **place,
                "x": point.threshold,
                "y": height,
                "text": f"<b>{name}</b>" if chosen else name,
                "font": {"size": 11, "color": line["color"]},
                "showarrow": False,
                "xanchor": "left",
                "yanchor": "top",
                "xshift": 2,
            }
        )
    end = max([edges[-1], *(point.threshold + room for point in drawn)])
    axis = "dissimilarity of the matcher" if measure == "dissimilarity" else measure
    layout = {
        "xaxis": {"title": {"text": axis}, "range": [edges[0], end], "tickformat": ".4~g"},
        "yaxis": {"title": {"text": "share of pairs"}, "domain": [0, top], "nticks": 6},
        "shapes": shapes,
        "annotations": labels,
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 1, "xanchor": "right"},
        "margin": {"l": 48, "r": 8, "t": 4, "b": 64},
    }
    return finished(traces, layout, _spread_gist(histogram, drawn, axis))


def _lanes(places: Sequence[float], room: float) -> list[int]:
    """How high each label stands (ascending places), so that none is crossed by a later line."""
    lanes: list[int] = []
    later: list[tuple[float, int]] = []
    for place in reversed(places):
        lane = max([0, *(other + 1 for x, other in later if x < place + room)])
        later.append((place, lane))
        lanes.append(lane)
    return lanes[::-1]


def _spread_gist(histogram: Histogram, points: Sequence[OperatingPoint], axis: str) -> str:
    def most(shares: Array) -> str:
        at = int(np.argmax(shares))
        low, high = histogram.edges[at : at + 2]
        return f"{distance(float(low))} to {distance(float(high))}"

    lines = ", ".join(f"{point.name} at {distance(point.threshold)}" for point in points)
    return (
        f"Histogram of the {axis}: same pairs are most often {most(histogram.same)} apart, "
        f"different pairs {most(histogram.different)}. Thresholds: {lines or 'none'}."
    )


def training_figure(epochs: Sequence[Epoch]) -> Figure:
    """The loss of every epoch and, below it, the validation figure where there is one."""
    numbers = [epoch.number for epoch in epochs]
    marks = {"type": "scatter", "mode": "lines+markers", "marker": {"size": 4}, "x": numbers}
    losses = [epoch.loss if math.isfinite(epoch.loss) else None for epoch in epochs]
    loss = {**marks, "name": "loss", "y": losses, "line": {"color": TOKENS["ink"], "width": 1.5}}
    traces = [{**loss, "hovertemplate": "%{y:.4g}"}]
    layout: dict[str, Any] = {
        "xaxis": {
            "title": {"text": "epoch"},
            **({"dtick": 1} if len(epochs) < 10 else {"nticks": 10}),
        },
        "yaxis": {"title": {"text": "loss"}, "nticks": 6},
        "showlegend": False,
    }
    gist = f"Training loss over {len(epochs)} epochs: {_ends(losses)}."
    if any(epoch.figure is not None for epoch in epochs):
        figures = [epoch.figure for epoch in epochs]
        line = {"color": TOKENS["same"], "width": 1.5}
        below = {**marks, "name": "validation", "y": figures, "line": line, "yaxis": "y2"}
        traces.append({**below, "hovertemplate": "%{y:.3f}"})
        layout["yaxis"]["domain"] = [0.54, 1]
        layout["yaxis2"] = {"title": {"text": "validation"}, "domain": [0, 0.46], "nticks": 5}
        layout["xaxis"]["anchor"] = "y2"
        gist += f" Validation figure, smaller is better: {_ends(figures)}."
    best = [epoch.number for epoch in epochs if epoch.best]
    if best:
        line = {"color": TOKENS["muted"], "width": 1, "dash": "dot"}
        spot = {"x0": best[-1], "x1": best[-1], "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
        layout["shapes"] = [{"type": "line", **spot, "line": line}]
        gist += f" The best checkpoint is of epoch {best[-1]}."
    return finished(traces, layout, gist)


def _ends(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{known[0]:.3g} at first, {known[-1]:.3g} at last" if known else "no finite value"
