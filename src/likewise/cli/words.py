"""How results read on a terminal, and what a source is called there."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from likewise.registry import Spec

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
    if point.name.startswith("cost="):
        return f"of least cost at {point.name.removeprefix('cost=')}"
    where = {"eer": "both errors were equal", "balanced": "the mean of both errors was least"}
    return f"where {where.get(point.name, point.name)}"


def as_json(value: Any) -> str:
    """A result as one JSON object."""

    def plain(other: Any) -> Any:
        return other.tolist() if hasattr(other, "tolist") else str(other)

    return json.dumps(asdict(value), default=plain, allow_nan=False)


def evaluation_lines(evaluation: Any) -> list[str]:
    """An evaluation as the lines that a person reads."""
    found = evaluation.verification
    lines = [
        (
            f"{found.counted}: {found.same_pairs:,} same and {found.different_pairs:,} different "
            f"pairs, {found.sentence}"
        ),
        f"equal error rate {found.eer:.4f}, AUC {found.auc:.4f}",
    ]
    for point in found.points:
        mark = "  <- verify uses this" if point.name == evaluation.default_point else ""
        lines.append(f"{point.name}: threshold {point.threshold:.4f}{mark}")
        if not point.supported:
            lines.append(f"  not supported. {point.reason}")
            continue
        lines.append(f"  false accepts {rate_words(point.test.far, found.unit)}")
        lines.append(f"  false rejects {rate_words(point.test.frr, found.unit)}")
    shot = evaluation.one_shot
    if shot is not None:
        interval = (
            "too few identities for an interval"
            if shot.low is None
            else f"95% interval {shot.low:.4f} to {shot.high:.4f}"
        )
        lines.append(f"{shot.ways}-way one-shot accuracy {shot.accuracy:.4f} ({interval})")
    if evaluation.failed:
        lines.append(f"{len(evaluation.failed)} items failed to read:")
        lines += [f"  {place}: {reason}" for place, reason in evaluation.failed[:10]]
    return lines
