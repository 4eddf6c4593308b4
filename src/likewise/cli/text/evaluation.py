"""How results read on a terminal, and what a source is called there."""

import json
from pathlib import Path
from typing import Any

from likewise.registry import Spec
from likewise.results import to_plain

_TABLES = dict.fromkeys((".csv", ".tsv", ".parquet", ".jsonl"), "table")
_ENDINGS = {".zip": "folder", ".npz": "arrays", ".ts": "ucr", **_TABLES}


def source_spec(text: str) -> str:
    """The spec of what a person named as a source: a path that exists stands for its source.

    Raises:
        SourceNotFound: If it looks like a path and there is nothing there.
    """
    from likewise.errors import SourceNotFound

    path = Path(text)
    if path.is_dir():
        return str(Spec("folder", (text,)))
    if path.is_file():
        return str(Spec(_ENDINGS.get(path.suffix.lower(), "folder"), (text,)))
    if text.isidentifier() or "(" in text or ":" in text:
        return text
    raise SourceNotFound(
        f"There is no file or folder {text!r}. Check the path, or name a source (likewise list "
        "sources)."
    )


def rate_words(rate: Any, unit: str) -> str:
    """A rate with its interval, the counts behind it, and what its trials are called."""
    counts = f"{rate.errors:,} of {rate.trials:,} pairs"
    if rate.low is None:
        return f"{rate.value:.4f} ({counts}; too few {unit} for an interval)"
    return f"{rate.value:.4f} (95% interval {rate.low:.4f} to {rate.high:.4f}; {counts})"


def point_words(point: Any) -> str:
    """What an operating point's threshold was fitted for."""
    if point.guaranteed:
        return f"fitted so that FAR is at most {point.target}, 95% sure"
    if point.target is not None:
        return f"fitted for FAR {point.target}"
    if point.criterion.costs is not None:
        return f"of least cost at {point.criterion.terms}"
    where = {"eer": "both errors were equal", "balanced": "the mean of both errors was least"}
    return f"where {where[point.criterion.sort]}"


def costs_of(false_accept: float | None, false_reject: float | None) -> tuple[float, float] | None:
    """Both costs; the one that was not given is 1, and without any there are none."""
    if false_accept is None and false_reject is None:
        return None
    return (
        1.0 if false_accept is None else false_accept,
        1.0 if false_reject is None else false_reject,
    )


def probability_lines(found: Any) -> list[str]:
    """What probabilities were worth, as the lines that a person reads."""
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


def calibration_lines(name: str, calibration: Any) -> list[str]:
    """A calibration of a model as the lines that a person reads."""
    where = f" of {calibration.source}" if calibration.source else ""
    lines = [f"{name}: fitted on {calibration.units:,} {calibration.unit}{where}"]
    choice = calibration.choice
    lines.append(f"  calibrator {calibration.calibrator if choice is None else choice.reason}")
    point = calibration.default()
    if point is None:
        lines.append("  no error rate is supported: verify says undecided")
    else:
        lines.append(f"  threshold {point.threshold:.4f}, {point_words(point)}")
    if point is not None and point.test is not None:
        lines.append(f"  false accepts {rate_words(point.test.far, calibration.unit)}")
        lines.append(f"  false rejects {rate_words(point.test.frr, calibration.unit)}")
    return lines


def monitor_lines(found: Any) -> list[str]:
    """What monitoring found, as the lines that a person reads."""
    counted = [
        f"{items:,} items" + ("" if found.unit == "items" else f" of {units:,} {found.unit}")
        for items, units in (
            (found.items, found.units),
            (found.reference_items, found.reference_units),
        )
    ]
    of = f" of {found.calibrated_on}" if found.calibrated_on else ""
    lines = [
        found.sentence,
        (
            f"  compared: {counted[0]} of {found.source}, with {counted[1]}{of} that calibrated "
            f"{found.calibration}"
        ),
        f"  without a shift, {found.level:g} of all runs would raise an alarm",
    ]
    if found.failed:
        lines.append(f"{len(found.failed)} items failed to read:")
        lines += [f"  {place}: {reason}" for place, reason in found.failed[:10]]
    return lines


def as_json(value: Any) -> str:
    """A result as one JSON object."""

    def plain(other: Any) -> Any:
        return other.tolist() if hasattr(other, "tolist") else str(other)

    return json.dumps(to_plain(value), default=plain, allow_nan=False)


def evaluation_lines(evaluation: Any) -> list[str]:
    """An evaluation as the lines that a person reads."""
    from likewise.cli.text.grades import equal_lines, grade_lines
    from likewise.cli.text.rates import failure_lines, group_lines, promise_lines, rate_lines

    found = evaluation.verification
    lines = [
        (
            f"{found.counted}: {found.same_pairs:,} same and {found.different_pairs:,} different "
            f"pairs, {found.sentence}"
        ),
        f"equal error rate {found.eer:.4f}{_each(found.population_eers)}, AUC {found.auc:.4f}",
    ]
    lines += equal_lines(found)
    if found.tar:
        read = ", ".join(f"{tar:.4f} at FAR {far:g}" for far, tar in found.tar.items())
        lines.append(f"true accepts {read}; minDCF {found.min_dcf:.4f} at prior .01")
        lines.append("  (these thresholds were chosen on these very items, and promise nothing)")
    for point in found.points:
        mark = "  <- verify uses this" if point.name == evaluation.default_point else ""
        lines.append(f"{point.name}: threshold {point.threshold:.4f}{mark}")
        if not point.supported:
            lines.append(f"  not supported. {point.reason}")
            continue
        at = found.points.index(point)
        each = {name: rates[at] for name, rates in found.populations.items()}
        lines += rate_lines(point.test, each, found.against, found.unit)
        lines += promise_lines(found, point)
    if evaluation.probability is not None:
        lines += probability_lines(evaluation.probability)
    lines += grade_lines(evaluation.grades)
    lines += _ranked_lines(evaluation)
    lines += group_lines(evaluation)
    lines += failure_lines(evaluation.failed, evaluation.enrolment)
    return lines


def share_words(share: Any) -> str:
    """A share of identities with its interval."""
    return f"{share.value:.4f} ({_interval(share)})"


def _interval(share: Any) -> str:
    if share.low is None:
        return "too few identities for an interval"
    return f"95% interval {share.low:.4f} to {share.high:.4f}"


def _ranked_lines(evaluation: Any) -> list[str]:
    """Recognition, identification and retrieval, each where it was measured."""
    from likewise.report import closer

    lines = [told] if (told := closer(evaluation).strip()) else []
    for shot in (evaluation.one_shot, evaluation.few_shot):
        if shot is not None:
            shots = "one-shot" if shot.shots == 1 else f"{shot.shots}-shot"
            lines.append(
                f"{shot.ways}-way {shots} accuracy {shot.accuracy:.4f} ({_interval(shot)})"
            )
    who = evaluation.identification
    if who is not None:
        ranks = [rank for rank in (5, 10) if rank <= len(who.cmc)]
        also = "".join(f", among the nearest {rank} {who.cmc[rank - 1]:.4f}" for rank in ranks)
        lines += [
            f"identification among {who.enrolled:,}: nearest {share_words(who.rank_1)}{also}",
            f"  with {who.strangers:,} strangers, at threshold {who.threshold:.4f}:",
            f"  strangers taken for somebody (FPIR) {share_words(who.fpir)}",
            f"  known ones not recognised (FNIR) {share_words(who.fnir)}",
        ]
        grown = [one for one in who.by_size if one.fnir is not None][-3:]
        lines += [
            f"  among {one.size:,} drawn by lot: nearest {one.rank_1.value:.4f}, FNIR "
            f"{one.fnir.value:.4f} at FPIR {one.fpir:g}"
            for one in grown
        ]
    found = evaluation.retrieval
    if found is not None:
        recall = ", ".join(
            f"recall@{k} {share.value:.4f}" for k, share in found.recall.items() if k > 1
        )
        lines += [
            f"retrieval among {found.items:,}: P@1 {share_words(found.precision_at_1)}",
            f"  R-precision {share_words(found.r_precision)}",
            f"  MAP@R {share_words(found.map_at_r)}, {recall}",
        ]
    return lines


def _each(rates: Any) -> str:
    told = ", ".join(f"{name} {value:.4f}" for name, value in rates.items())
    return f" ({told})" if told else ""
