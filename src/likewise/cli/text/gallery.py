"""How the answers of a gallery read on a terminal, and what a person notes of its entries."""

import json
from collections.abc import Mapping
from typing import Any

from likewise.io.display import printable


def notes_of(notes: list[str]) -> dict[str, str | int | float | bool]:
    """Metadata from words like `season=winter`.

    Raises:
        BadArgument: If one has no equals sign, or a name comes twice.
    """
    from likewise.errors import BadArgument

    found: dict[str, str | int | float | bool] = {}
    for note in notes:
        name, equals, text = note.partition("=")
        if not equals or name in found:
            raise BadArgument(
                f"--note is {note!r}, and NAME=VALUE, each name once, is expected, as in "
                "season=winter."
            )
        found[name] = _value(text)
    return found


def _value(text: str) -> str | int | float | bool:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def identified_lines(found: Any) -> list[str]:
    """Who a probe is, and why, as the lines that a person reads."""
    first, limit = found.candidates[0], found.limit
    lines = [
        printable(found.identity) if found.verdict == "identified" else found.verdict,
        (
            f"  distance     {first.distance:.4f} to {printable(first.identity)}, the nearest of "
            f"{found.enrolled:,}"
        ),
    ]
    if limit.threshold is None:
        lines.append(f"  threshold    none. {limit.reason}")
    else:
        lines += [
            (
                f"  threshold    {limit.threshold:.4f}, false-identification rate at most "
                f"{limit.target:g}, 95% sure"
            ),
            (
                f"               (left out in turn, {limit.accepted:,} of {limit.asked:,} "
                f"identities are taken for another; {limit.trials:,} trials)"
            ),
        ]
    if found.probability_unknown is None:
        lines.append("  probability  unknown, since the model is not calibrated")
    else:
        lines.append(
            f"  probability  {found.probability_unknown:.3f} that it is none of them, where "
            f"{found.prior_unknown:g} of all probes are"
        )
    for one in found.candidates:
        sure = "" if one.probability is None else f"  {one.probability:.3f}"
        lines.append(f"  {one.distance:.4f}{sure}  {printable(one.identity)}")
    if found.probability_unknown is not None:
        lines.append(f"               (before it was seen, each was {first.prior:.3g})")
    return lines


def match_line(match: Any) -> str:
    """A row that was found, as the line that a person reads."""
    return f"{match.distance:.4f}  {entry_line(match.id, match.identity, match.metadata)}"


def entry_line(name: str, identity: str, metadata: Mapping[str, Any]) -> str:
    """An entry as the line that a person reads."""
    from likewise.gallery import DIGEST, PATH

    # Where it came from is for `migrate`, and stands in the JSON.
    shown = {name: value for name, value in metadata.items() if name not in (PATH, DIGEST)}
    told = f"  {json.dumps(shown, ensure_ascii=False)}" if shown else ""
    return printable(f"{identity}  {name}{told}")


def index_of(index: Any) -> dict[str, Any]:
    """What an index is worth, as a gallery's answers."""
    if index is None:
        return {"index": "none"}
    found: dict[str, Any] = {"index": index.method, "index_status": index.status}
    recall = "not measured" if index.recall is None else round(index.recall, 4)
    return found | {
        "index_rows": index.rows,
        "index_newer": index.newer,
        "index_removed": index.removed,
        "index_recall": recall,
        "index_asked": index.asked,
        "index_settings": index.settings,
        "index_bytes": index.bytes_used,
    }


def why_exact(index: Any) -> str:
    """Why an approximate search was exact; empty where it was not."""
    from likewise.stores.index.indexing import USED

    if index is None:
        return "searched exactly: the gallery has no index. likewise gallery index GALLERY makes it"
    return "" if index.status == USED else f"searched exactly. The index is {index.status}"
