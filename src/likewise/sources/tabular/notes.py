"""What else a table says of its items: the columns that are neither items nor labels."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from likewise.sources.tabular.cells import LONGEST_TEXT
from likewise.sources.tabular.listed import Listed
from likewise.sources.tabular.refusals import check_agreement
from likewise.sources.tabular.sheet import Sheet

Note: TypeAlias = str | int | float | bool
_TRUTHS = {"true": True, "false": False}
# A text of more digits may be a number of another thing, and is none that every engine keeps.
_DIGITS = 15


@dataclass(frozen=True)
class Notes:
    """Values of items by column.

    Attributes:
        columns: For each name the value of every item; None where its cell is empty.
        passed: Columns that hold neither texts, numbers nor booleans.
    """

    columns: Mapping[str, Sequence[Note | None]]
    passed: tuple[str, ...]

    def of(self, item: int) -> dict[str, Note]:
        """What is noted of an item."""
        values = {name: column[item] for name, column in self.columns.items()}
        return {name: value for name, value in values.items() if value is not None}


def unused(sheet: Sheet, used: Collection[str]) -> tuple[list[str], list[str]]:
    """The names of columns that have no use yet; and of those that more than one column has."""
    others = [name for name in dict.fromkeys(sheet.names) if name and name not in used]
    twice = [name for name in others if sheet.names.count(name) > 1]
    return [name for name in others if name not in twice], twice


def table_notes(
    sheet: Sheet, columns: Mapping[str, Any], listed: Listed, twice: Sequence[str]
) -> Notes:
    """What columns say of each item.

    Args:
        sheet: What they are columns of.
        columns: Their cells by name.
        listed: The items of the same rows.
        twice: Names that more than one column has, which are passed over.

    Raises:
        DamagedSource: If two rows of one item contradict each other, with the rows.
    """
    _, rows, which = np.unique(listed.cells, return_index=True, return_inverse=True)
    found: dict[str, Sequence[Note | None]] = {}
    passed = list(twice)
    for name, cells in columns.items():
        values = column_of(sheet, name, cells)
        if values is None:
            passed.append(name)
            continue
        each = np.array(values, dtype=object)
        check_agreement(sheet, listed.keys[listed.cells], name, each, rows[which])
        found[name] = [values[row] for row in rows.tolist()]
    return Notes(found, tuple(passed))


def column_of(sheet: Sheet, name: str, cells: Any) -> list[Note | None] | None:
    """The values of a column; None where it holds neither texts, numbers nor booleans.

    A column of texts is one of numbers, or of true and false, where every cell that is not empty
    reads as such, and comes back as it was written: 007 stays a text.

    Raises:
        DamagedSource: If a text is too long to be kept, with its row.
    """
    import pyarrow as pa

    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return [_finite(value) for value in cells.to_pylist()]
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    texts = [(value or "").strip() for value in cells.to_pylist()]
    if long := [row for row, text in enumerate(texts) if len(text) > LONGEST_TEXT]:
        why = f"the cell of {name!r} is longer than {LONGEST_TEXT} characters"
        raise sheet.wrong(long, why, "Mend or drop the row.")
    said = [text for text in texts if text]
    for read in (_truth, _whole, _number):
        if said and all(read(text) is not None for text in said):
            return [read(text) if text else None for text in texts]
    return [text or None for text in texts]


def _finite(value: Any) -> Note | None:
    """A number that is none says as little as an empty cell."""
    return None if isinstance(value, float) and value - value != 0 else value


def _truth(text: str) -> bool | None:
    return _TRUTHS.get(text.lower())


def _whole(text: str) -> int | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _DIGITS:
        return None
    return int(text) if str(int(text)) == text else None


def _number(text: str) -> float | None:
    if _whole(text) is not None:
        return float(text)
    whole = text.removeprefix("-").partition(".")[0]
    if len(whole) > 1 and whole.startswith("0"):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value - value == 0 and "_" not in text else None
