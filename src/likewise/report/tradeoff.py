"""False accepts against false rejects: DET and ROC curves, and a threshold that can be moved."""

import html
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from likewise.metrics.curves import normal_deviates
from likewise.report import wording
from likewise.report.figures import TOKENS, Figure, finished
from likewise.results import EQUAL_ERROR, Curve, OperatingPoint, Rate, Verification
from likewise.shapes import Array

_LEAST, _MOST = 1e-5, 0.6
_PAIRS = 1000
_NAMED = 10
_SIDES = ("top right", "bottom left", "bottom right", "top left")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_TICKS = (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


def det_figure(curve: Curve, points: Sequence[OperatingPoint], default: str) -> Figure:
    """FRR against FAR, both on the scale of normal deviates, with the operating points.

    Args:
        curve: Both rates at all thresholds.
        points: Those that were measured on *test* are drawn, with their intervals.
        default: Name of the point that `verify` uses, drawn heavier; empty if none.

    References:
        Martin, Doddington, Kamm, Ordowski, Przybocki, "The DET Curve in Assessment of Detection
        Task Performance", 1997.
    """
    drawn = [point for point in points if _within(point)]
    most = _highest(drawn, default)
    inside = (curve.far <= most) & (curve.frr <= most)
    far, frr = (_deviate(rates[inside]) for rates in (curve.far, curve.frr))
    traces = [_line(far, frr, _hints(curve, inside))]
    traces += _marks(drawn, default, _deviate)
    ticks = _ticks(_lowest(curve, inside), most)
    layout = {
        "xaxis": {"title": {"text": "FAR: different pairs accepted"}, **ticks},
        "yaxis": {"title": {"text": "FRR: same pairs rejected"}, **ticks},
        "showlegend": False,
        "hovermode": "closest",
    }
    return finished(traces, layout, _gist("DET curve", curve, drawn))


def folds_figure(
    curves: Sequence[tuple[str, Curve]], points: Sequence[OperatingPoint], default: str
) -> Figure:
    """The DET curves of several models in one picture, each with distances of its own.

    Args:
        curves: Name and curve of each; no two are ever joined.
        points: Over the decisions of all, drawn with their intervals.
        default: Name of the point that is told first, drawn heavier; empty if none.
    """
    drawn = [point for point in points if _within(point)]
    most, lowest = _highest(drawn, default), 0.1
    traces = []
    for number, (name, curve) in enumerate(curves):
        inside = (curve.far <= most) & (curve.frr <= most)
        lowest = min(lowest, _lowest(curve, inside))
        far, frr = (_deviate(rates[inside]) for rates in (curve.far, curve.frr))
        hints = [f"{html.escape(name)}<br>{hint}" for hint in _hints(curve, inside)]
        dash = _DASHES[number // 2 % len(_DASHES)]
        colour = TOKENS[("same", "different")[number % 2]]
        traces.append(
            {
                **_line(far, frr, hints),
                "name": html.escape(name),
                "line": {"color": colour, "width": 1.25, "dash": dash},
                "showlegend": True,
            }
        )
    marks = [{**mark, "showlegend": False} for mark in _marks(drawn, default, _deviate)]
    ticks = _ticks(lowest, most)
    layout = {
        "xaxis": {"title": {"text": "FAR: different pairs accepted"}, **ticks},
        "yaxis": {"title": {"text": "FRR: same pairs rejected"}, **ticks},
        "showlegend": len(curves) <= _NAMED,
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 1, "xanchor": "right"},
        "margin": {"l": 48, "r": 8, "t": 8, "b": 84},
        "hovermode": "closest",
    }
    gists = [_gist(name, curve, []).partition(" Marked")[0] for name, curve in curves]
    named = ", ".join(point.name for point in drawn)
    gist = f"DET curves. {' '.join(gists)} Marked, over all: {named or 'no point'}."
    return finished([*traces, *marks], layout, gist)


def _ticks(lowest: float, most: float) -> dict[str, Any]:
    """An axis of normal deviates that is labelled by rates."""
    return {
        "tickvals": _deviate(np.array(_TICKS)).tolist(),
        "ticktext": [f"{tick:g}" for tick in _TICKS],
        "range": _deviate(np.array([lowest, most])).tolist(),
        "rangemode": "normal",
    }


def roc_figure(curve: Curve, points: Sequence[OperatingPoint], default: str) -> Figure:
    """The share of same pairs accepted against FAR, on a logarithmic axis.

    The arguments are those of `det_figure`.
    """
    inside = curve.far > 0
    traces = [_line(curve.far[inside], 1 - curve.frr[inside], _hints(curve, inside))]
    drawn = [point for point in points if _within(point)]
    traces += _marks(drawn, default, np.asarray, turned=True)
    low = float(np.log10(_lowest(curve, inside)))
    layout = {
        "xaxis": {
            "title": {"text": "FAR: different pairs accepted"},
            "type": "log",
            "range": [low, 0],
            "dtick": 1,
            "tickformat": "~g",
        },
        "yaxis": {"title": {"text": "share of same pairs accepted"}, "range": [0, 1.01]},
        "showlegend": False,
        "hovermode": "closest",
    }
    return finished(traces, layout, _gist("ROC curve", curve, drawn))


def slider(found: Verification, default: str) -> str:
    """A threshold that can be moved, with the mistakes it would make; empty without a curve.

    Args:
        found: Whose curve.
        default: Name of the operating point where it starts; that of equal errors if empty.
    """
    curve = found.curve
    if curve is None:
        return ""
    start = next(p for p in found.points if p.name == (default or str(EQUAL_ERROR))).threshold
    at = int(np.argmin(np.abs(curve.thresholds - start)))
    data = {
        "threshold": [wording.distance(float(value)) for value in curve.thresholds],
        "far": curve.far.tolist(),
        "frr": curve.frr.tolist(),
    }
    content = json.dumps(data).replace("<", "\\u003c")
    rows = "".join(
        f'<tr><th scope="row">{name}</th>'
        f'<td data-rate="{rate}">{wording.fraction(float(data[rate][at]))}</td>'
        f'<td><span data-count="{rate}">{data[rate][at] * _PAIRS:,.0f}</span> of '
        f'<input type="number" min="1" max="1000000000" value="{_PAIRS}" data-of="{rate}" '
        f'aria-label="{of} pairs"></td></tr>'
        for name, of, rate in (
            ("Different, taken for the same", "different", "far"),
            ("The same, taken for different", "same", "frr"),
        )
    )
    return (
        '<div class="slider"><label for="threshold">Threshold <output for="threshold">'
        f"{data['threshold'][at]}</output></label>"
        f'<input type="range" id="threshold" min="0" max="{len(curve.thresholds) - 1}" '
        f'value="{at}" aria-valuetext="{data["threshold"][at]}">'
        '<table aria-live="polite"><thead><tr><th scope="col">mistake</th>'
        '<th scope="col">rate</th><th scope="col">pairs</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        f'<script type="application/json">{content}</script></div>'
        "<noscript><p>To move the threshold, allow this page to run its script.</p></noscript>"
        '<p class="note">Write how many pairs of each sort you decide on, and see how many '
        "mistakes to expect. A threshold chosen here is chosen on these very pairs, so these rates "
        "promise nothing for it. To use one, calibrate for the rate that you want, and measure it "
        "on other items.</p>"
    )


def _deviate(rates: Array) -> Array:
    return normal_deviates(np.clip(rates, _LEAST, 1 - _LEAST))


def _lowest(curve: Curve, inside: Array) -> float:
    """The power of ten below the least rate that the drawn part of a curve has."""
    rates = np.concatenate([curve.far[inside], curve.frr[inside]])
    least = float(rates[rates > 0].min()) if (rates > 0).any() else _LEAST
    return max(_LEAST, 10.0 ** math.floor(math.log10(min(least, 0.1))))


def _highest(drawn: Sequence[OperatingPoint], default: str) -> float:
    """The largest rate that is drawn: more than usual where the point told first has more."""
    chosen = [p.test for p in drawn if p.name == default and p.test is not None]
    reach = [rate.high or rate.value for rates in chosen for rate in (rates.far, rates.frr)]
    return 0.95 if any(rate > 0.8 * _MOST for rate in reach) else _MOST


def _hints(curve: Curve, inside: Array) -> list[str]:
    columns = zip(curve.thresholds[inside], curve.far[inside], curve.frr[inside], strict=True)
    return [
        f"threshold {wording.distance(float(threshold))}<br>"
        f"FAR {wording.fraction(float(far))}<br>FRR {wording.fraction(float(frr))}"
        for threshold, far, frr in columns
    ]


def _line(x: Array, y: Array, hints: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "all thresholds",
        "x": x.tolist(),
        "y": y.tolist(),
        "text": list(hints),
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"color": TOKENS["same"], "width": 1.5},
    }


def _within(point: OperatingPoint) -> bool:
    """Whether a point has rates that can be drawn."""
    test = point.test
    return test is not None and bool(test.far.trials) and max(test.far.value, test.frr.value) < 1


def _marks(
    drawn: Sequence[OperatingPoint], default: str, scale: Any, *, turned: bool = False
) -> list[dict[str, Any]]:
    """The points, their names on sides in turn so that those of neighbours do not meet."""
    order = sorted(drawn, key=lambda p: p.test.far.value if p.test else 0.0)
    return [
        {
            **_marked(point, point.name == default, scale, turned=turned),
            "textposition": _SIDES[at % len(_SIDES)],
        }
        for at, point in enumerate(order)
    ]


def _marked(
    point: OperatingPoint, chosen: bool, scale: Any, *, turned: bool = False
) -> dict[str, Any]:
    assert point.test is not None  # noqa: S101 - `_within` was asked
    far, frr = point.test.far, point.test.frr
    colour = TOKENS["ink" if chosen else "muted"]
    x, x_error = _placed(far, scale)
    y, y_error = _placed(frr, scale)
    if turned:
        y = 1 - y
        y_error = {**y_error, "array": y_error["arrayminus"], "arrayminus": y_error["array"]}
    bars = {"color": colour, "thickness": 1.5 if chosen else 1, "width": 3}
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": html.escape(point.name),
        "x": [x],
        "y": [y],
        "text": [f"<b>{html.escape(point.name)}</b>" if chosen else html.escape(point.name)],
        "textfont": {"size": 11, "color": colour},
        "marker": {
            "size": 9 if chosen else 6,
            "color": colour,
            "symbol": "circle" if point.supported else "circle-open",
        },
        "error_x": {**x_error, **bars},
        "error_y": {**y_error, **bars},
        "hovertemplate": html.escape(
            f"{point.name}: FAR {wording.fraction(far.value)}, FRR {wording.fraction(frr.value)}"
        )
        + "<extra></extra>",
    }


def _placed(rate: Rate, scale: Any) -> tuple[float, dict[str, Any]]:
    """Where a rate stands on an axis, and how far its interval reaches from there."""
    low = rate.value if rate.low is None else rate.low
    high = rate.value if rate.high is None else rate.high
    least, at, most = (float(v) for v in scale(np.maximum([low, rate.value, high], _LEAST)))
    return at, {
        "type": "data",
        "symmetric": False,
        "array": [most - at],
        "arrayminus": [at - least],
    }


def _gist(kind: str, curve: Curve, points: Sequence[OperatingPoint]) -> str:
    said = []
    for target in (0.001, 0.01, 0.1):
        within = curve.frr[curve.far <= target]
        if len(within):
            said.append(f"FRR {wording.fraction(float(within.min()))} at FAR {target:g}")
    named = ", ".join(point.name for point in points)
    return f"{kind}: {'; '.join(said) or 'no low rate'}. Marked: {named or 'no point'}."
