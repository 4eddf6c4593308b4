"""How what folds measured reads on a terminal."""

from typing import TYPE_CHECKING

from likewise.cli.text.evaluation import probability_lines
from likewise.cli.text.rates import by_population, failure_lines, rate_lines, right_words
from likewise.results import claim_sentence

if TYPE_CHECKING:
    from likewise.evaluation import Fold, PooledEvaluation


def fold_lines(found: "PooledEvaluation") -> list[str]:
    """Return a folded evaluation as the lines that a person reads."""
    each = by_population(found.population_eers)
    lines = [
        (
            f"{len(found.folds)} folds of {found.source}, each trained, calibrated and tested on "
            f"{found.unit} of its own; decisions are pooled, never distances"
        ),
        (
            f"{found.items:,} items in {found.identities:,} {found.unit}: {found.same_pairs:,} "
            f"same and {found.different_pairs:,} different pairs, "
            f"{claim_sentence(found.claim, found.unit)}"
        ),
        f"equal error rate {found.eer:.4f} (mean of the folds){each}",
    ]
    dealt = [_dealt(fold) for fold in found.folds]
    for fold, parts in zip(found.folds, dealt, strict=True):
        one = fold.evaluation.verification
        eers = by_population(one.population_eers)
        what = f" on {one.counted}" if len(set(dealt)) == 1 else f"; {parts}"
        lines.append(f"  fold {fold.number}: equal error rate {one.eer:.4f}{eers}{what}")
    if len(set(dealt)) == 1:
        lines.append(f"  each fold: {dealt[0]}")
    for point in found.points:
        ends = f"{min(point.thresholds):.4f} to {max(point.thresholds):.4f}"
        lines.append(f"{point.name}: thresholds {ends}")
        if point.rates is None or point.balanced_accuracy is None:
            lines.append(f"  not supported. {point.reason}")
            continue
        lines += rate_lines(point.rates, point.populations, found.against, found.unit)
        right = right_words(point.balanced_accuracy, found.unit, balanced=True)
        lines.append(f"  balanced accuracy {right}")
    if found.probability is not None:
        lines.append("what each fold's own calibration said of its test items:")
        lines += probability_lines(found.probability)
    if found.one_shot is not None:
        lines.append(f"one-shot accuracy {found.one_shot:.4f} (mean of the folds)")
    return [*lines, *failure_lines(found.failed, None)]


def _dealt(fold: "Fold") -> str:
    return ", ".join(f"{role} {words}" for role, words in fold.parts.items())
