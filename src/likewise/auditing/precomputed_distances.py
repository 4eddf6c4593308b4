"""Distances that somebody else made: whether they tell anything, and a margin against them."""

import numpy as np

from likewise.auditing.findings import Finding
from likewise.shapes import Array, Bool, Float

CONSTANT, COMMON = 1e-3, 0.9
ENCODER = (
    "Look how the distances were made: the encoder may have collapsed, or they were rounded, cut "
    "off or filled in."
)


def constant(far: Float[Array, "k"]) -> str:
    """That the distances are all, or nearly all, one; empty if they are not."""
    values, counts = np.unique(far, return_counts=True)
    if len(values) == 1:
        return f"All {len(far):,} distances are {values[0]:g}, so that nothing can be told apart."
    most = int(counts.argmax())
    if len(far) >= 10 and counts[most] >= COMMON * len(far):
        return f"Nearly all distances, {counts[most]:,} of {len(far):,}, are {values[most]:g}."
    low, middle, high = np.quantile(far, [0.05, 0.5, 0.95])
    if high - low < CONSTANT * middle:
        return (
            f"The distances are nearly constant: nine of ten lie from {low:g} to {high:g}, apart "
            f"by a share of {(high - low) / middle:.1g} of their median."
        )
    return ""


def margin_findings(
    far: Float[Array, "k"], same: Bool[Array, "k"], margin: float | None
) -> Finding:
    """The margin against the scale of some distances.

    Args:
        far: The distances.
        same: Whether the two of each pair are the same.
        margin: In units of the distance; None for none.
    """
    near, median = float(np.median(far[same])), float(np.median(far[~same]))
    figures = {"median_same": near, "median_different": median, "pairs": float(len(far))}
    words = (
        f"As given, the median distance is {near:.3g} of same and {median:.3g} of different pairs."
    )
    if margin is None:
        return Finding("margin", "baseline", words, (), "", figures)
    beyond = float((far[~same] >= margin).mean())
    times = margin / median if median else float(np.finfo(np.float32).max)
    figures |= {"margin": margin, "different_beyond_margin": beyond, "margin_per_median": times}
    words += (
        f" The margin {margin:g} is {times:.3g} times that of different pairs, of which a share of "
        f"{beyond:.3f} lies beyond it already ({int((~same).sum()):,} different pairs)."
    )
    return Finding("margin", "note", words, (), "", figures)
