"""Graded pairs on the command line: from which grade on two are the same, and what was found."""

from typing import TYPE_CHECKING, Any

import typer

from likewise.errors import BadArgument

if TYPE_CHECKING:
    pass

SAME_FROM: float | None = typer.Option(
    None,
    "--same-from",
    metavar="GRADE",
    show_default=False,
    help="Pairs of a table are graded, in a column grade instead of same, larger when more alike: "
    "from this grade on two are the same.",
)
DIFFERENT_TO: float | None = typer.Option(
    None,
    "--different-to",
    metavar="GRADE",
    show_default="all below --same-from",
    help="To this grade two are different; pairs between are in no error rate.",
)


def grading_of(same_from: float | None, different_to: float | None) -> Any:
    """Where the same begins among grades; None where nobody said that there are some.

    Raises:
        BadArgument: If only the other end was given, or one is no number that fits.
    """
    from likewise.sources.tabular.grades import Grading

    if same_from is None:
        if different_to is not None:
            raise BadArgument(
                f"--different-to {different_to:g} was given without --same-from. Say from which "
                "grade on two are the same, too."
            )
        return None
    return Grading(same_from, different_to)


def grading_words(grading: Any) -> list[str]:
    """The options that say it again."""
    if grading is None:
        return []
    words = ["--same-from", f"{grading.same_from:g}"]
    low = grading.different_to
    return words if low is None else [*words, "--different-to", f"{low:g}"]


def grade_lines(found: Any) -> list[str]:
    """How the distance follows the grade, where pairs were graded."""
    if found is None:
        return []
    between = (
        f", {found.between:,} of them graded between same and different, and in no error rate"
        if found.between
        else ""
    )
    return [
        f"the distance follows the grade of {found.pairs:,} pairs{between}:",
        f"  Spearman {correlation_words(found.spearman, found.units, found.unit)}",
        f"  Pearson  {correlation_words(found.pearson, found.units, found.unit)}",
        *_accuracy_lines(found.accuracy, found.unit),
    ]


def _accuracy_lines(found: Any, unit: str) -> list[str]:
    """What told grades and their intervals were worth, where some were told."""
    if found is None:
        return []
    lines = [
        (
            f"  grades told by it err by {found.mean_error:.4g} on average (always telling the one "
            f"grade that fits best: {found.single_error:.4g}); {unit} weigh equally"
        )
    ]
    seen = found.coverage
    if seen is None:
        return [*lines, "  no prediction interval was told"]
    counts = f"{seen.inside:,} of {seen.pairs:,} pairs"
    interval = f"too few {unit} for an interval"
    if seen.low is not None:
        interval = f"95% interval {seen.low:.4f} to {seen.high:.4f}"
    return [
        *lines,
        (
            f"  prediction intervals, {found.width:.4g} wide on average, held the grade of "
            f"{seen.value:.4f} of pairs ({interval}; {counts}), where {found.nominal:g} was "
            "promised"
        ),
    ]


def told_line(found: Any) -> list[str]:
    """The grade of a pair with its interval, where one is told."""
    if found is None:
        return []
    if found.low is None:
        return [f"  grade        {found.value:.4g}, without an interval. {found.reason}"]
    interval = f"{100 * found.coverage:g}% prediction interval"
    return [f"  grade        {found.value:.4g} ({interval} {found.low:.4g} to {found.high:.4g})"]


def equal_lines(found: Any) -> list[str]:
    """That all distances are equal, where they are."""
    # Of a curve with one threshold beside the one that accepts nothing, all are in one bin.
    if found.curve is None or len(found.curve.thresholds) > 2:
        return []
    return ["all distances are equal, so that nothing can be told apart: look how they were made"]


def correlation_words(found: Any, units: int, unit: str) -> str:
    """A correlation with its interval."""
    from likewise.metrics.intervals import FEWEST_UNITS

    if found.value is None:
        return "is not defined: all distances, or all grades, are equal"
    if found.low is None:
        few = f"too few {unit}" if units < FEWEST_UNITS else "too near to a perfect order"
        return f"{found.value:.4f} ({few} for an interval)"
    return f"{found.value:.4f} (95% interval {found.low:.4f} to {found.high:.4f})"
