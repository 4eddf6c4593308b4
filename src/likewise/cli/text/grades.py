"""How grades read on a terminal: what a distance tells of them, and how well."""

from typing import TYPE_CHECKING

from likewise.report import ends

if TYPE_CHECKING:
    from likewise.results import Correlation, Grade, GradeAccuracy, Graded, Verification


def grade_lines(found: "Graded | None") -> list[str]:
    """Return how the distance follows the grade, where pairs were graded."""
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


def _accuracy_lines(found: "GradeAccuracy | None", unit: str) -> list[str]:
    """Return what told grades and their intervals were worth, where some were told."""
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
    behind = f"{seen.inside:,} of {seen.pairs:,} pairs"
    return [
        *lines,
        (
            f"  prediction intervals, {found.width:.4g} wide on average, held the grade of "
            f"{seen.value:.4f} of pairs ({ends(seen, unit)}; {behind}), where {found.nominal:g} "
            "was promised"
        ),
    ]


def told_line(found: "Grade | None") -> list[str]:
    """Return the grade of a pair with its interval, where one is told."""
    if found is None:
        return []
    if found.low is None:
        return [f"  grade        {found.value:.4g}, without an interval. {found.reason}"]
    interval = f"{100 * found.coverage:g}% prediction interval"
    return [f"  grade        {found.value:.4g} ({interval} {found.low:.4g} to {found.high:.4g})"]


def equal_lines(found: "Verification") -> list[str]:
    """Return that all distances are equal, where they are."""
    # Of a curve with one threshold beside the one that accepts nothing, all are in one bin.
    if found.curve is None or len(found.curve.thresholds) > 2:
        return []
    return ["all distances are equal, so that nothing can be told apart: look how they were made"]


def correlation_words(found: "Correlation", units: int, unit: str) -> str:
    """Return a correlation with its interval."""
    from likewise.metrics.intervals import FEWEST_UNITS

    if found.value is None:
        return "is not defined: all distances, or all grades, are equal"
    if found.low is None:
        few = f"too few {unit}" if units < FEWEST_UNITS else "too near to a perfect order"
        return f"{found.value:.4f} ({few} for an interval)"
    return f"{found.value:.4f} (95% interval {found.low:.4f} to {found.high:.4f})"
