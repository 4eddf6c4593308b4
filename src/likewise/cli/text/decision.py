"""How a decision reads on a terminal."""

from typing import TYPE_CHECKING

from likewise.cli.text.evaluation import point_words
from likewise.cli.text.grades import told_line
from likewise.cli.text.rates import rate_words

if TYPE_CHECKING:
    from likewise.results import Decision


def decision_lines(decision: "Decision", held: str, trials: str) -> list[str]:
    """Return a decision as the lines that a person reads.

    Args:
        decision: What was decided.
        held: What was held against the threshold, with its name.
        trials: On what the rates were measured.
    """
    point = decision.point
    lines = [decision.verdict, f"  {held}"]
    if not point.supported:
        lines.append(
            f"  threshold    {decision.threshold:.4f}, where both errors were equal; "
            f"unsupported: {point.reason}"
        )
        return [*lines, *told_line(decision.grade)]
    lines += [
        f"  threshold    {decision.threshold:.4f}, {point_words(point)}",
        (
            f"  probability  {decision.probability:.3f} that they are the same, where "
            f"{decision.prior} of all pairs are"
        ),
    ]
    if point.test is not None:
        lines += [
            f"  FAR          {rate_words(point.test.far, decision.unit)}",
            f"  FRR          {rate_words(point.test.frr, decision.unit)}",
            f"               {trials}",
        ]
    return [*lines, *told_line(decision.grade)]
