"""Writes the pages that show items of a collection: what is wrong with it, what is there twice."""

from collections.abc import Sequence
from pathlib import Path

from likewise.auditing import Audit, item_of
from likewise.duplicates import Duplicates
from likewise.io import atomic
from likewise.kinds import FAMILY as KINDS
from likewise.report.audit import render_audit
from likewise.report.duplicates import render_duplicates, shown_rows
from likewise.shapes import Array
from likewise.types import Items

_PICTURE_PIXELS = 240


def write_audit(
    audit: Audit, items: Items | None, page: Path, *, examples: bool, rerun: Sequence[str]
) -> None:
    """Write the page of an audit, replaced as a whole.

    Args:
        audit: What was found.
        items: What was audited; None where there is nothing to be shown.
        page: The file.
        examples: Whether to show the items that findings name.
        rerun: Commands that make it again.

    Raises:
        SaveFailed: If it cannot be written.
    """
    shown = _shown(audit, items) if examples and items is not None else {}
    atomic.replace(page, render_audit(audit, shown, rerun=rerun).encode())


def write_duplicates(
    found: Duplicates, items: Items, page: Path, *, examples: bool, rerun: Sequence[str]
) -> None:
    """Write the page of what is there twice, replaced as a whole.

    Args:
        found: What was found.
        items: What was looked at.
        page: The file.
        examples: Whether to show the items of the groups.
        rerun: Commands that make it again.

    Raises:
        SaveFailed: If it cannot be written.
    """
    shown = _small(items, shown_rows(found)) if examples else {}
    atomic.replace(page, render_duplicates(found, shown, rerun=rerun).encode())


def _shown(audit: Audit, items: Items) -> dict[int, Array]:
    """The items that findings name, by their rows of the source."""
    wanted = {each.row for one in audit.findings for each in one.evidence} - {-1}
    places = {int(row): at for at, row in enumerate(items.rows)}
    found = _small(items, [places[row] for row in sorted(wanted)])
    return {int(items.rows[at]): item for at, item in found.items()}


def _small(items: Items, wanted: Sequence[int]) -> dict[int, Array]:
    """Items by their rows, small enough to be shown: pictures [c h w], or lines [t d]."""
    found = {}
    for row in wanted:
        item = item_of(items, row)
        if item is not None:
            kind = KINDS.build(str(items.kinds[row]))
            found[row] = kind.picture(item, _PICTURE_PIXELS)
    return found
