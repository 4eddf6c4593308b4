"""How what was measured of a model reads on a terminal."""

from typing import TYPE_CHECKING

from likewise.cli.text.grades import equal_lines, grade_lines
from likewise.cli.text.output import failed_lines
from likewise.cli.text.rates import (
    by_population,
    failure_lines,
    group_lines,
    point_lines,
    rate_words,
)
from likewise.report import closer, ends, measured

if TYPE_CHECKING:
    from likewise.calibration import Calibration
    from likewise.results import Evaluation, Identification, OperatingPoint, Probability, Retrieval
    from likewise.tasks.monitor import Monitored


def point_words(point: "OperatingPoint") -> str:
    """Return what an operating point's threshold was fitted for."""
    if point.guaranteed:
        return f"fitted so that FAR is at most {point.target}, 95% sure"
    if point.target is not None:
        return f"fitted for FAR {point.target}"
    if point.criterion.costs is not None:
        return f"of least cost at {point.criterion.terms}"
    where = {"eer": "both errors were equal", "balanced": "the mean of both errors was least"}
    return f"where {where[point.criterion.sort]}"


def costs_of(false_accept: float | None, false_reject: float | None) -> tuple[float, float] | None:
    """Return both costs; the one that was not given is 1, and without any there are none."""
    if false_accept is None and false_reject is None:
        return None
    return (
        1.0 if false_accept is None else false_accept,
        1.0 if false_reject is None else false_reject,
    )


def probability_lines(found: "Probability") -> list[str]:
    """Return what probabilities were worth, as the lines that a person reads."""
    lines = [
        (
            f"probabilities where {found.prior:g} of all pairs are the same: log loss "
            f"{found.log_loss:.4f} nats (always saying {found.prior:g}: {found.uninformed:.4f}), "
            f"Brier {found.brier:.4f}, calibration error (ECE) {found.calibration_error:.4f}"
        ),
        (
            f"  Cllr {found.cllr:.4f} bits, of which {found.minimum_cllr:.4f} are the distances' "
            f"own and {max(0.0, found.cllr - found.minimum_cllr):.4f} the calibration's"
        ),
    ]
    for one in found.reliability:
        seen = f"{one.seen:.4f} were"
        if one.seen_low is not None:
            seen += f" (95% interval {one.seen_low:.4f} to {one.seen_high:.4f})"
        lines.append(
            f"  said {one.said:.4f} on average (above {one.low:.1f}, up to {one.high:.1f}): "
            f"{seen}; {one.same_pairs:,} same and {one.different_pairs:,} different pairs"
        )
    return lines


def calibration_lines(name: str, calibration: "Calibration") -> list[str]:
    """Return a calibration of a model as the lines that a person reads."""
    where = f" of {calibration.source}" if calibration.source else ""
    lines = [f"{name}: fitted on {calibration.units:,} {calibration.unit}{where}"]
    choice = calibration.choice
    lines.append(f"  calibrator {calibration.calibrator if choice is None else choice.reason}")
    point = calibration.default()
    if point is None:
        return [*lines, "  no error rate is supported: verify says undecided"]
    lines.append(f"  threshold {point.threshold:.4f}, {point_words(point)}")
    if point.test is not None:
        lines.append(f"  false accepts {rate_words(point.test.far, calibration.unit)}")
        lines.append(f"  false rejects {rate_words(point.test.frr, calibration.unit)}")
    return lines


def monitor_lines(found: "Monitored") -> list[str]:
    """Return what monitoring found, as the lines that a person reads."""
    counted = [
        f"{items:,} items" + ("" if found.unit == "items" else f" of {units:,} {found.unit}")
        for items, units in (
            (found.items, found.units),
            (found.reference_items, found.reference_units),
        )
    ]
    of = f" of {found.calibrated_on}" if found.calibrated_on else ""
    return [
        found.sentence,
        (
            f"  compared: {counted[0]} of {found.source}, with {counted[1]}{of} that calibrated "
            f"{found.calibration}"
        ),
        f"  without a shift, {found.level:g} of all runs would raise an alarm",
        *failed_lines(found.failed),
    ]


def evaluation_lines(evaluation: "Evaluation") -> list[str]:
    """Return an evaluation as the lines that a person reads."""
    found = evaluation.verification
    eers = by_population(found.population_eers)
    lines = [
        (
            f"{found.counted}: {found.same_pairs:,} same and {found.different_pairs:,} different "
            f"pairs, {found.sentence}"
        ),
        f"equal error rate {found.eer:.4f}{eers}, AUC {found.auc:.4f}",
        *equal_lines(found),
    ]
    if found.tar:
        read = ", ".join(f"{tar:.4f} at FAR {far:g}" for far, tar in found.tar.items())
        lines.append(f"true accepts {read}; minDCF {found.min_dcf:.4f} at prior .01")
        lines.append("  (these thresholds were chosen on these very items, and promise nothing)")
    for point in found.points:
        used = point.name == evaluation.default_point
        lines += point_lines(found, point, "  <- verify uses this" if used else "")
    if evaluation.probability is not None:
        lines += probability_lines(evaluation.probability)
    lines += grade_lines(evaluation.grades)
    lines += _ranked_lines(evaluation)
    lines += group_lines(evaluation)
    return lines + failure_lines(evaluation.failed, evaluation.enrolment)


def _ranked_lines(evaluation: "Evaluation") -> list[str]:
    """Return recognition, identification and retrieval, each where it was measured."""
    lines = [told] if (told := closer(evaluation).strip()) else []
    for shot in (evaluation.one_shot, evaluation.few_shot):
        if shot is not None:
            shots = "one-shot" if shot.shots == 1 else f"{shot.shots}-shot"
            lines.append(f"{shot.ways}-way {shots} accuracy {shot.accuracy:.4f} ({ends(shot)})")
    lines += _identification_lines(evaluation.identification)
    return lines + _retrieval_lines(evaluation.retrieval)


def _identification_lines(who: "Identification | None") -> list[str]:
    if who is None:
        return []
    ranks = [rank for rank in (5, 10) if rank <= len(who.cmc)]
    also = "".join(f", among the nearest {rank} {who.cmc[rank - 1]:.4f}" for rank in ranks)
    grown = [
        f"  among {one.size:,} drawn by lot: nearest {one.rank_1.value:.4f}, FNIR "
        f"{one.fnir.value:.4f} at FPIR {one.fpir:g}"
        for one in who.by_size
        if one.fnir is not None
    ]
    return [
        f"identification among {who.enrolled:,}: nearest {measured(who.rank_1)}{also}",
        f"  with {who.strangers:,} strangers, at threshold {who.threshold:.4f}:",
        f"  strangers taken for somebody (FPIR) {measured(who.fpir)}",
        f"  known ones not recognised (FNIR) {measured(who.fnir)}",
        *grown[-3:],
    ]


def _retrieval_lines(found: "Retrieval | None") -> list[str]:
    if found is None:
        return []
    recall = ", ".join(
        f"recall@{k} {share.value:.4f}" for k, share in found.recall.items() if k > 1
    )
    return [
        f"retrieval among {found.items:,}: P@1 {measured(found.precision_at_1)}",
        f"  R-precision {measured(found.r_precision)}",
        f"  MAP@R {measured(found.map_at_r)}, {recall}",
    ]
