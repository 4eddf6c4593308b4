"""False accepts against false rejects: DET and ROC curves, and a threshold that can be moved."""

import html
import json
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from likewise.report import wording
from likewise.report.figures import TOKENS, Figure, finished
from likewise.results import OperatingPoint, Rate, Tradeoff, Verification
from likewise.shapes import Array

_LEAST, _MOST = 1e-5, 0.6
_TICKS = (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6)


def det_figure(tradeoff: Tradeoff, points: Sequence[OperatingPoint], default: str) -> Figure:
    """FRR against FAR, both on the scale of normal deviates, with the operating points.

    Args:
        tradeoff: The curve.
        points: Those that were measured on *test* are drawn, with their intervals.
        default: Name of the point that `verify` uses, drawn heavier; empty if none.

    References:
        Martin, Doddington, Kamm, Ordowski, Przybocki, "The DET Curve in Assessment of Detection
        Task Performance", 1997.
    """
    inside = (tradeoff.far <= _MOST) & (tradeoff.frr <= _MOST)
    far, frr = (_deviate(rates[inside]) for rates in (tradeoff.far, tradeoff.frr))
    traces = [_curve(far, frr, _hints(tradeoff, inside))]
    drawn = [point for point in points if _within(point)]
    traces += [_marked(point, point.name == default, _deviate) for point in drawn]
    ticks = {
        "tickvals": _deviate(np.array(_TICKS)).tolist(),
        "ticktext": [f"{tick:g}" for tick in _TICKS],
        "range": _deviate(np.array([_lowest(tradeoff), _MOST])).tolist(),
        "rangemode": "normal",
    }
    layout = {
        "xaxis": {"title": {"text": "FAR: different pairs accepted"}, **ticks},
        "yaxis": {"title": {"text": "FRR: same pairs rejected"}, **ticks},
        "showlegend": False,
        "hovermode": "closest",
    }
    return finished(traces, layout, _gist("DET curve", tradeoff, drawn))


def roc_figure(tradeoff: Tradeoff, points: Sequence[OperatingPoint], default: str) -> Figure:
    """The share of same pairs accepted against FAR, on a logarithmic axis.

    The arguments are those of `det_figure`.
    """
    inside = tradeoff.far > 0
    traces = [_curve(tradeoff.far[inside], 1 - tradeoff.frr[inside], _hints(tradeoff, inside))]
    drawn = [point for point in points if _within(point)]
    traces += [_marked(p, p.name == default, np.asarray, turned=True) for p in drawn]
    low = float(np.log10(_lowest(tradeoff)))
    layout = {
        "xaxis": {
            "title": {"text": "FAR: different pairs accepted"},
            "type": "log",
            "range": [low, 0],
            "dtick": 1,
        },
        "yaxis": {"title": {"text": "share of same pairs accepted"}, "range": [0, 1.01]},
        "showlegend": False,
        "hovermode": "closest",
    }
    return finished(traces, layout, _gist("ROC curve", tradeoff, drawn))


def slider(found: Verification, default: str) -> str:
    """A threshold that can be moved, with what it would do to these pairs; empty without a curve.

    Args:
        found: Whose curve.
        default: Name of the operating point where it starts; that of equal errors if empty.
    """
    curve = found.tradeoff
    if curve is None:
        return ""
    start = next(p for p in found.points if p.name == (default or "eer")).threshold
    at = int(np.argmin(np.abs(curve.thresholds - start)))
    data = {
        "thresholds": [wording.distance(float(value)) for value in curve.thresholds],
        "far": [wording.fraction(float(value)) for value in curve.far],
        "frr": [wording.fraction(float(value)) for value in curve.frr],
        "accepted": [f"{value:,}" for value in curve.accepted.tolist()],
        "rejected": [f"{value:,}" for value in curve.rejected.tolist()],
    }
    content = json.dumps(data).replace("<", "\\u003c")
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td data-of="{rate}">{data[rate][at]}</td>'
        f'<td><span data-of="{count}">{data[count][at]}</span> of {total:,} pairs</td></tr>'
        for name, rate, count, total in (
            ("Different, taken for the same", "far", "accepted", found.different_pairs),
            ("The same, taken for different", "frr", "rejected", found.same_pairs),
        )
    )
    return (
        '<div class="slider"><label for="threshold">Threshold <output for="threshold" '
        f'data-of="thresholds">{data["thresholds"][at]}</output></label>'
        f'<input type="range" id="threshold" min="0" max="{len(curve.thresholds) - 1}" '
        f'value="{at}" aria-valuetext="{data["thresholds"][at]}">'
        '<table aria-live="polite"><thead><tr><th scope="col">mistake</th>'
        '<th scope="col">rate</th><th scope="col">pairs</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        f'<script type="application/json">{content}</script></div>'
        "<noscript><p>To move the threshold, allow this page to run its script.</p></noscript>"
        '<p class="note">A threshold chosen here is chosen on these very pairs, so these rates '
        "promise nothing for it. To use one, calibrate for the rate that you want, and measure it "
        "on other items.</p>"
    )


def _deviate(rates: Array) -> Array:
    normal = NormalDist()
    return np.array([normal.inv_cdf(min(max(float(rate), _LEAST), 1 - _LEAST)) for rate in rates])


def _lowest(tradeoff: Tradeoff) -> float:
    """The power of ten below the least rate that the curve has."""
    rates = np.concatenate([tradeoff.far, tradeoff.frr])
    least = float(rates[rates > 0].min()) if (rates > 0).any() else _LEAST
    return max(_LEAST, 10.0 ** math.floor(math.log10(min(least, 0.1))))


def _hints(tradeoff: Tradeoff, inside: Array) -> list[str]:
    columns = zip(
        tradeoff.thresholds[inside], tradeoff.far[inside], tradeoff.frr[inside], strict=True
    )
    return [
        f"threshold {wording.distance(float(threshold))}<br>"
        f"FAR {wording.fraction(float(far))}<br>FRR {wording.fraction(float(frr))}"
        for threshold, far, frr in columns
    ]


def _curve(x: Array, y: Array, hints: Sequence[str]) -> dict[str, Any]:
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
        "textposition": "top right",
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


def _gist(kind: str, tradeoff: Tradeoff, points: Sequence[OperatingPoint]) -> str:
    said = []
    for target in (0.001, 0.01, 0.1):
        within = tradeoff.frr[tradeoff.far <= target]
        if len(within):
            said.append(f"FRR {wording.fraction(float(within.min()))} at FAR {target:g}")
    named = ", ".join(point.name for point in points)
    return f"{kind}: {'; '.join(said) or 'no low rate'}. Marked: {named or 'no point'}."
