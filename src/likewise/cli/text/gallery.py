"""How the answers of a gallery read on a terminal."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from likewise.cli.text.output import first_of
from likewise.io.display import printable

if TYPE_CHECKING:
    from likewise.gallery import Identified
    from likewise.stores.index.indexing import Indexed
    from likewise.stores.rows import Match
    from likewise.tasks.check_gallery import CheckedGallery
    from likewise.tasks.migrate import Migration


def identified_lines(found: "Identified") -> list[str]:
    """Return who a probe is, and why, as the lines that a person reads."""
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


def match_line(match: "Match") -> str:
    """Return a row that was found, as the line that a person reads."""
    return f"{match.distance:.4f}  {entry_line(match.id, match.identity, match.metadata)}"


def entry_line(name: str, identity: str, metadata: Mapping[str, object]) -> str:
    """Return an entry as the line that a person reads."""
    from likewise.gallery import DIGEST, PATH

    # Where it came from is for `migrate`, and stands in the JSON.
    shown = {name: value for name, value in metadata.items() if name not in (PATH, DIGEST)}
    told = f"  {json.dumps(shown, ensure_ascii=False)}" if shown else ""
    return printable(f"{identity}  {name}{told}")


def sums_of(checksums: bool | None, damaged: Sequence[str]) -> dict[str, object]:
    """Return whether damage would be noticed, and what is damaged, as a gallery's answers."""
    words = {True: "yes", False: "no checksums", None: "the server's"}
    found: dict[str, object] = {"checksums": words[checksums]}
    return found | ({"damaged": list(damaged)} if damaged else {})


def checked_lines(place: str, found: "CheckedGallery") -> list[str]:
    """Return what was found in a gallery, and what to do, as the lines that a person reads."""
    lines = [f"{place}: {found.summary()}"]
    if found.upgraded:
        lines.append("It has checksums now, of what it held.")
    lines += [f"mended: {printable(one)}" for one in found.mended]
    lines += [f"removed: {printable(one)}" for one in found.left_out]
    lines += [f"damaged: {printable(name)}: {why}" for name, why in found.damaged]
    if found.damaged:
        lines.append(
            "Damaged entries are never answered. Name the MODEL to embed them again, restore a "
            "copy, or remove them: --leave-out."
        )
    if not found.checksums:
        lines.append(f"Give it checksums: likewise gallery check {place} --upgrade")
    return lines


def index_of(index: "Indexed | None") -> dict[str, object]:
    """Return what an index is worth, as a gallery's answers."""
    if index is None:
        return {"index": "none"}
    found: dict[str, object] = {"index": index.method, "index_status": index.status}
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


def why_exact(index: "Indexed | None") -> str:
    """Return why an approximate search was exact; empty where it was not."""
    from likewise.stores.index.indexing import USED

    if index is None:
        return "searched exactly: the gallery has no index. likewise gallery index GALLERY makes it"
    return "" if index.status == USED else f"searched exactly. The index is {index.status}"


def migrated_lines(place: str, model: str, done: "Migration") -> list[str]:
    """Return what became of a gallery that was given another model, line by line."""
    lines = [f"{place} holds {done.entries:,} entries of the model in {model}"]
    if done.embedded or done.resumed:
        lines.append(f"{done.embedded:,} were embedded now, {done.resumed:,} before a stop")
    else:
        lines.append("nothing was embedded: they were of that model already")
    if done.left_out:
        lines.append(f"{len(done.left_out):,} were left out, and are removed:")
        named = [f"{name}: {why}" for name, why in done.left_out]
        lines += map(printable, first_of(named))
    for old, new in zip(done.before, done.after, strict=True):
        if new.threshold is None:
            lines.append(f"no threshold for a false-identification rate of {new.target:g}")
            continue
        was = "none" if old.threshold is None else f"{old.threshold:.4f}"
        lines.append(
            f"threshold for a false-identification rate of {new.target:g}: "
            f"{new.threshold:.4f}, before {was}"
        )
    return lines
