"""What is refused of a table's columns, named by row and with what to do."""

import difflib
from collections.abc import Sequence

import numpy as np

from likewise.errors import DamagedSource
from likewise.io.display import shortened
from likewise.shapes import Array, Int, Shaped
from likewise.sources.tabular.sheet import SHOWN, Sheet

MOST_NAMES = 20


def check_words(
    sheet: Sheet, name: str, values: Shaped[Array, "n"] | None, words: Sequence[str]
) -> None:
    """Refuse cells that hold none of these words and are not empty.

    Raises:
        DamagedSource: With the rows.
    """
    if values is None:
        return
    if (rows := np.flatnonzero(~np.isin(values, [*words, ""]))).size:
        given = str(values[rows[0]])[:40]
        todo = f"Give {' or '.join(map(repr, words))}, or leave the cell empty."
        raise sheet.wrong(rows, f"{name!r} is {given!r} in the first", todo)


def more_departing(rows: Int[Array, "m"], earlier: Int[Array, "n"]) -> str:
    """How many rows behind the first contradict an earlier one, and the first ten of them."""
    if len(rows) < 2:
        return ""
    named = ", ".join(f"{row + 1} and {earlier[row] + 1}" for row in rows[1 : 1 + SHOWN].tolist())
    more = ", ..." if len(rows) > 1 + SHOWN else ""
    return f" So do {len(rows) - 1} more rows with others: {named}{more}."


def no_column(sheet: Sheet, missing: list[str], ways: Sequence[Sequence[str]]) -> DamagedSource:
    """The error for columns that are not there.

    Args:
        sheet: Which lacks them.
        missing: Their names.
        ways: What may be there instead, a list of columns each.
    """
    name = missing[0]
    near = difflib.get_close_matches(name, sheet.names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if len(sheet.names) == 1 and (apart := [mark for mark in ";\t|," if mark in sheet.names[0]]):
        hint = f" Its cells seem to be parted by {apart[0]!r}: use commas in .csv, tabs in .tsv."
    shown = shortened(", ".join(map(repr, sheet.names[:MOST_NAMES])), 1000)
    more = ", ..." if len(sheet.names) > MOST_NAMES else ""
    expected = ", or ".join(listed_names(way) for way in ways)
    return DamagedSource(
        f"{sheet.place} has no column {name!r}.{hint} It has {shown}{more}. Expected are "
        f"{expected}; a column of another name is told as in {sheet.naming}."
    )


def listed_names(names: Sequence[str]) -> str:
    """Names with commas between them."""
    return ", ".join(names)


def check_agreement(
    sheet: Sheet,
    keys: Shaped[Array, "rows"],
    what: str,
    values: Shaped[Array, "rows"],
    first: Int[Array, "rows"],
) -> None:
    """Refuse rows of one item that say different things of it.

    Args:
        sheet: The table.
        keys: Of the item of each row.
        what: What its values are called.
        values: Of each row.
        first: The first row of the same item, for each.

    Raises:
        DamagedSource: With the two rows.
    """
    if not (departs := np.flatnonzero(values != values[first])).size:
        return
    row = int(departs[0])
    earlier = int(first[row])
    one, other = (
        values[at] if values.dtype == object else str(values[at]) for at in (earlier, row)
    )
    raise sheet.wrong(
        [earlier, row],
        f"{str(keys[row])!r} has the {what} {one!r} in one and {other!r} in the other",
        f"Drop one of the two.{more_departing(departs, first)}",
    )
