"""Pictures of results, by matplotlib; its colours are told apart by the colour-blind, too."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from likewise.errors import MissingExtra
from likewise.results.curves import Histogram
from likewise.results.rates import ErrorRates, Rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from likewise.results.evaluation import Epoch

# Okabe, Ito, "Color Universal Design", 2008.
SAME, DIFFERENT, LINE = "#0072B2", "#E69F00", "#333333"


def axes(ax: "Axes | None" = None) -> "Axes":
    """Return where to draw: what was given, or the axes of a new figure.

    Raises:
        MissingExtra: If matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingExtra(
            "A picture is matplotlib's, which is not installed. Run: pip install 'likewise[plot]'"
        ) from error
    made: Any = plt.subplots(figsize=(6.4, 3.6), layout="constrained")[1]
    found: Axes = made
    return found


def plot_distances(
    found: Histogram, threshold: float, title: str, ax: "Axes | None" = None
) -> "Axes":
    """Draw how far apart same and different pairs are, and the threshold between them."""
    drawn = axes(ax)
    for shares, name, colour in (
        (found.same, "same", SAME),
        (found.different, "different", DIFFERENT),
    ):
        drawn.stairs(shares, found.edges, fill=True, alpha=0.6, color=colour, label=f"{name} pairs")
    drawn.axvline(threshold, color=LINE, linestyle="--", label=f"threshold {threshold:.3f}")
    drawn.set(xlabel="distance", ylabel="share of the pairs", xlim=(0, float(found.edges[-1])))
    drawn.set_title(title, fontsize="small")
    drawn.legend(frameon=False)
    return drawn


def plot_rates(
    rates: Mapping[str, ErrorRates | None], title: str, ax: "Axes | None" = None
) -> "Axes":
    """Draw both error rates of operating points, with their 95% intervals."""
    drawn = axes(ax)
    shown = {name: one for name, one in rates.items() if one is not None}
    for offset, sort, colour in ((-0.1, "FAR", DIFFERENT), (0.1, "FRR", SAME)):
        each = [one.far if sort == "FAR" else one.frr for one in shown.values()]
        drawn.errorbar(
            [place + offset for place in range(len(shown))],
            [one.value for one in each],
            yerr=[[_below(one) for one in each], [_above(one) for one in each]],
            fmt="o",
            capsize=3,
            color=colour,
            label=sort,
        )
    drawn.set_xticks(range(len(shown)), list(shown), rotation=30, ha="right")
    drawn.set(ylabel="error rate", ylim=(0, None))
    drawn.set_title(title, fontsize="small")
    drawn.legend(frameon=False)
    return drawn


def plot_training(epochs: "Sequence[Epoch]", ax: "Axes | None" = None) -> "Axes":
    """Draw the loss of every epoch, and the validation error where there is one."""
    drawn = axes(ax)
    seconds = [one.seconds for one in epochs]
    drawn.plot(seconds, [one.loss for one in epochs], color=SAME, label="loss")
    measured = [one for one in epochs if one.figure is not None]
    if measured:
        beside: Any = drawn.twinx()
        beside.plot(
            [one.seconds for one in measured],
            [one.figure for one in measured],
            color=DIFFERENT,
            label="validation error",
        )
        beside.set(ylabel="validation error", ylim=(0, None))
        beside.yaxis.label.set_color(DIFFERENT)
    drawn.set(xlabel="seconds of training", ylabel="loss")
    drawn.yaxis.label.set_color(SAME)
    return drawn


def _below(rate: Rate) -> float:
    return 0.0 if rate.low is None else max(0.0, rate.value - rate.low)


def _above(rate: Rate) -> float:
    return 0.0 if rate.high is None else max(0.0, rate.high - rate.value)
