"""The page of what is there twice: the groups with their pictures, and the pairs behind each."""

import html
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from likewise.duplicates import Duplicates
from likewise.report import document, wording
from likewise.shapes import Array

MOST_GROUPS = 200
MOST_MEMBERS = 12
_MOST_PAIRS = 20


def shown_rows(found: Duplicates) -> list[int]:
    """The items whose pictures the page shows, by their rows."""
    return [
        row for number in found.surest[:MOST_GROUPS] for row in found.members[number][:MOST_MEMBERS]
    ]


def render_duplicates(
    found: Duplicates, shown: Mapping[int, Array], *, rerun: Sequence[str] = ()
) -> str:
    """The whole page: one HTML file that opens without a network and holds no script.

    Args:
        found: What was found.
        shown: Items by their rows: images uint8 [c h w], series [t d]; others are named only.
        rerun: Commands that make it again.
    """
    contents = [
        ("summary", "Summary", _summary(found)),
        ("groups", "Groups", _groups(found, shown)),
        ("failed", "Items that cannot be read", document.failed(found.failed)),
    ]
    return document.html_page(
        f"What is there twice in {found.source}",
        "Likewise, nothing was deleted",
        f"{len(found.places):,} items, compared by {html.escape(found.compared_by)}",
        contents,
        rerun=rerun,
        figured=False,
    )


def _summary(found: Duplicates) -> str:
    copies = int(found.same_bytes.sum())
    lede = "Nothing is there twice."
    if len(found):
        groups = "1 group" if len(found) == 1 else f"{len(found):,} groups"
        grouped = sum(map(len, found.members))
        lede = f"{groups} of {grouped:,} items: {found.alike}."
    notes = {
        "copies, byte for byte": f"{copies:,}",
        "pairs that look alike": f"{len(found.first) - copies:,}",
        "threshold": f"{wording.distance(found.threshold.value)}, {found.threshold.words}",
    }
    if found.threshold.expectation:
        notes["by chance"] = found.threshold.expectation
    if folder := _folder(found):
        notes["all in"] = folder
    if found.linking:
        notes["pairs between groups"] = f"{found.linking:,}, which stand in the table alone"
    return f'<p class="lede">{html.escape(lede)}</p>{document.facts(notes)}'


def _folder(found: Duplicates) -> str:
    """The folder that every item of a group is in; its name on each would hide what differs."""
    grouped = [str(found.places[row]) for members in found.members for row in members]
    if not grouped:
        return ""
    # What the first and the last in the order of names begin with, all between begin with, too.
    ends = zip(min(grouped), max(grouped), strict=False)
    common = "".join(one for one, _ in itertools.takewhile(lambda both: both[0] == both[1], ends))
    return common[: common.rfind("/") + 1]


def _groups(found: Duplicates, shown: Mapping[int, Array]) -> str:
    if not len(found):
        return ""
    folder = len(_folder(found))
    names = {
        row: str(found.places[row])[folder:]
        for number in found.surest[:MOST_GROUPS]
        for row in found.members[number]
    }
    inside = "".join(_group(found, number, shown, names) for number in found.surest[:MOST_GROUPS])
    more = ""
    if len(found) > MOST_GROUPS:
        more = f'<p class="note">The surest {MOST_GROUPS} groups stand here, all in the table.</p>'
    return f'<ul class="findings">{inside}</ul>{more}'


def _group(
    found: Duplicates, number: int, shown: Mapping[int, Array], names: Mapping[int, str]
) -> str:
    members, pairs = found.members[number], found.pairs_of[number]
    exact = all(found.same_bytes[at] for at in pairs)
    heading = f"{len(members)} items"
    if exact:
        heading += ", byte for byte the same"
    elif len(pairs) == 1:  # a table of one line would say the names again
        heading += f", {_apart(found, pairs[0])}"
    shots = "".join(
        document.shot(shown.get(row), names[row], document.path(names[row]))
        for row in members[:MOST_MEMBERS]
    )
    rest = len(members) - MOST_MEMBERS
    more = f'<p class="note">and {rest:,} more items</p>' if rest > 0 else ""
    table = "" if exact or len(pairs) == 1 else _pairs(found, pairs, number, names)
    return (
        f'<li class="finding baseline"><h3><small>group {number + 1}</small>{heading}</h3>'
        f'<div class="shots"><div>{shots}</div></div>{more}{table}</li>'
    )


def _apart(found: Duplicates, at: int) -> str:
    """How far apart the only pair of a group is, in words."""
    likely = _likely(found, at)
    said = f", probability {likely}" if likely else ""
    return f"{wording.distance(float(found.distances[at]))} apart{said}"


def _likely(found: Duplicates, at: int) -> str:
    likely = float(found.probabilities[at])
    if not np.isfinite(likely):
        return ""
    return f"{wording.fraction(likely)} where {found.prior:g} of all pairs are the same"


def _pairs(found: Duplicates, pairs: Sequence[int], number: int, names: Mapping[int, str]) -> str:
    """The pairs of a group, the farthest first, since these are in doubt."""
    ordered = sorted(pairs, key=lambda at: -float(found.distances[at]))
    columns = ("pair", "", "distance", "probability")
    rows = [_row(found, at, names) for at in ordered[:_MOST_PAIRS]]
    rest = len(pairs) - _MOST_PAIRS
    more = f'<p class="note">and {rest:,} nearer pairs</p>' if rest > 0 else ""
    return document.table(columns, rows, f"Pairs of group {number + 1}", frame="clues") + more


def _row(found: Duplicates, at: int, names: Mapping[int, str]) -> str:
    first, second = (document.path(names[int(one[at])]) for one in (found.first, found.second))
    said = "same bytes" if found.same_bytes[at] else _likely(found, at) or "no calibration"
    return (
        f"<tr><td>{first}</td><td>{second}</td>"
        f"<td>{wording.distance(float(found.distances[at]))}</td><td>{said}</td></tr>"
    )
