"""What `audit` does with data alone: embeddings with labels, or comparisons."""

import shlex
from pathlib import Path
from typing import Any


def audit(
    path: str,
    *,
    distance: str,
    columns: Any,
    margin: float | None,
    seed: int,
    page: Path,
    json: bool,
) -> None:
    """Audit embeddings or comparisons, write the page, and print what was found."""
    from likewise.auditing import audit_comparisons, audit_embeddings
    from likewise.cli.text.evaluation import as_json
    from likewise.cli.text.grades import grading_words
    from likewise.io.display import printable
    from likewise.precomputed import RawEmbeddings, read_raw
    from likewise.report import write_audit

    held = read_raw(path, distance=distance, columns=columns)
    if isinstance(held, RawEmbeddings):
        found = audit_embeddings(held, margin=margin, seed=seed)
    else:
        found = audit_comparisons(held, margin=margin)
    again = ["likewise", "audit", path, *(["--distance", distance] if distance else [])]
    if columns is not None:
        named = f"{columns.first},{columns.second},{columns.said},{columns.distance}"
        again += ["--columns", named]
        again += ["--similarity", columns.similarity] if columns.similarity else []
        again += grading_words(columns.grading)
    again += ["--margin", f"{margin:g}"] if margin is not None else []
    again += ["--seed", str(seed)] if seed else []
    write_audit(found, None, page, examples=False, rerun=(shlex.join(again),))
    if json:
        print(as_json(found))
        return
    print("\n".join(printable(line) for line in found.lines()))
    print(f"page: {page}")
