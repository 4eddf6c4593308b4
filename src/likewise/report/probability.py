"""What the probabilities were worth: the reliability diagram, and the figures beside it."""

import html
from typing import Any

from likewise.report import wording
from likewise.report.figures import TOKENS, Figure, finished
from likewise.results import Choice, Probability


def reliability_figure(found: Probability) -> Figure:
    """For each bin, the share of pairs that were the same against the probability said.

    The size of a mark is the share of all pairs in its bin.

    References:
        Murphy, Winkler, "Reliability of Subjective Probability Forecasts of Precipitation and
        Temperature", 1977, for the diagram.
    """
    bins = found.reliability
    known = [(b.seen if b.seen_low is None else b.seen_low, b.seen_high) for b in bins]
    highs = [b.seen if high is None else high for b, (_, high) in zip(bins, known, strict=True)]
    lows = [low for low, _ in known]
    hints = [
        f"said {wording.fraction(b.said)}, seen {wording.fraction(b.seen)}"
        f"<br>{b.same_pairs:,} same and {b.different_pairs:,} different pairs"
        for b in bins
    ]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0, 1],
            "y": [0, 1],
            "line": {"color": TOKENS["muted"], "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": [b.said for b in bins],
            "y": [b.seen for b in bins],
            "text": hints,
            "hovertemplate": "%{text}<extra></extra>",
            "line": {"color": TOKENS["same"], "width": 1.5},
            "marker": {"size": [6 + 18 * b.share**0.5 for b in bins], "color": TOKENS["same"]},
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": [max(0.0, h - b.seen) for b, h in zip(bins, highs, strict=True)],
                "arrayminus": [max(0.0, b.seen - low) for b, low in zip(bins, lows, strict=True)],
                "color": TOKENS["muted"],
                "thickness": 1,
                "width": 3,
            },
        },
    ]
    axis = {"range": [-0.02, 1.02], "dtick": 0.2}
    layout = {
        "xaxis": {"title": {"text": "probability said"}, **axis},
        "yaxis": {"title": {"text": "share that were the same"}, **axis},
        "showlegend": False,
        "hovermode": "closest",
    }
    said = "; ".join(
        f"said {wording.fraction(b.said)}, seen {wording.fraction(b.seen)}" for b in bins
    )
    return finished(traces, layout, f"Reliability diagram at prior {found.prior:g}: {said}.")


def caption(found: Probability) -> str:
    """What the diagram shows, and the figures that go with it."""
    return (
        f"On the dotted line, what was said is what was so. All of it at the prior "
        f"{found.prior:g}: elsewhere give --prior. Bars are 95% intervals in which identities are "
        "the trials, where there are enough; a mark is larger where more pairs are. Mean "
        f"difference from the line (ECE) {wording.fraction(found.calibration_error)}; Brier "
        f"{wording.fraction(found.brier)}; log loss {found.log_loss:.3f} nats, where always saying "
        f"the prior has {found.uninformed:.3f}; Cllr {found.cllr:.3f} bits, of which "
        f"{found.minimum_cllr:.3f} is the distances' own and the rest the calibrator's."
    )


def choice(made: Choice | None) -> str:
    """Which calibrator was chosen and why, in a paragraph; empty if nobody chose."""
    if made is None or not made.reason:
        return ""
    losses = ", ".join(f"{name} {loss:.4f}" for name, loss in made.losses.items())
    compared = f" Log loss on units not fitted on: {losses}." if losses else ""
    return f'<p class="note">{html.escape(made.reason + compared)}</p>'
