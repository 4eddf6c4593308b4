"""The cells of a table's columns: texts, truth values and series, each checked row by row.

Cells stay in Arrow arrays or go to numpy by the column: a table may have millions of rows.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.errors import DamagedSource
from likewise.shapes import Array, Bool, Float, Int, Shaped
from likewise.sources.tabular.sheet import Sheet

LONGEST_TEXT = 1000
CHUNK_ROWS = 2**16
TRUTHS = {"0": 0, "false": 0, "no": 0, "0.0": 0, "1": 1, "true": 1, "yes": 1, "1.0": 1}
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?(?i:nan|inf|infinity)$"
"""A number as texts write it; those that are not finite are refused by their value."""


def is_list(kind: Any) -> bool:
    """Whether an Arrow type is one of lists."""
    import pyarrow as pa

    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def texts(sheet: Sheet, name: str, column: Any, *, trim: bool = True, empty: bool = False) -> Any:
    """A column of texts or whole numbers as one Arrow array of texts.

    Args:
        sheet: What it is a column of.
        name: Its name.
        column: Its cells.
        trim: Whether spaces around a text are no part of it.
        empty: Whether a cell may be empty.

    Raises:
        DamagedSource: If a cell is missing, of another type, longer than 1,000 characters or has
            a NUL in it, with its row.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not empty:
        _refuse_missing(sheet, name, pc.is_null(column, nan_is_null=True))
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    textual = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    textual = textual or str(kind) == "string_view"
    if not (textual or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise DamagedSource(
            f"{sheet.place}: the column {name!r} holds {kind}, and texts or whole numbers are "
            "expected. Write it as such, or name another column."
        )
    # Through the values of a dictionary, since pyarrow casts not every dictionary to text.
    plain = column.cast(kind).cast(pa.large_string()).combine_chunks()
    plain = pc.utf8_trim_whitespace(plain) if trim else plain
    if empty:
        plain = pc.fill_null(plain, "")
    else:
        _refuse_missing(sheet, name, pc.equal(plain, ""))
    for wrong, why in (
        (pc.greater(pc.utf8_length(plain), LONGEST_TEXT), f"longer than {LONGEST_TEXT} characters"),
        (pc.match_substring(plain, "\0"), "no text, for it holds a NUL"),
    ):
        if (rows := _rows(wrong)).size:
            raise sheet.wrong(rows, f"the cell of {name!r} is {why}", "Mend or drop the row.")
    return plain


def truths(sheet: Sheet, name: str, column: Any) -> Int[Array, "n"]:
    """A column of truth values as 0 and 1.

    Raises:
        DamagedSource: If a cell is missing or is none, with its row.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        _refuse_missing(sheet, name, pc.is_null(column, nan_is_null=True))
        column = pc.if_else(pc.equal(column, 1), "1", pc.if_else(pc.equal(column, 0), "0", "?"))
    plain = pc.utf8_lower(texts(sheet, name, column))
    found = pc.index_in(plain, value_set=pa.array([*TRUTHS], pa.large_string()))
    if (rows := _rows(pc.is_null(found))).size:
        given = plain[int(rows[0])].as_py()[:40]
        shown = "" if given == "?" else f" ({given!r} in the first)"
        raise sheet.wrong(
            rows,
            f"{name!r} is no truth value{shown}",
            "Give 1, true or yes where the pair is the same, else 0, false or no.",
        )
    values: Array = np.array([*TRUTHS.values()])[found.to_numpy(zero_copy_only=False)]
    return values


def number_cells(sheet: Sheet, name: str, column: Any) -> Float[Array, "n"]:
    """A column of finite numbers, or of texts that are such, in float64.

    Raises:
        DamagedSource: If a cell is missing, or is no finite number, with its row.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if not number:
        column = texts(sheet, name, column)
        # What pyarrow would refuse without saying where.
        wrong = pc.invert(pc.match_substring_regex(column, NUMBER))
        if (rows := _rows(wrong)).size:
            given = column[int(rows[0])].as_py()[:40]
            raise sheet.wrong(
                rows, f"{name!r} is no number ({given!r} in the first)", "Mend or drop the row."
            )
    _refuse_missing(sheet, name, pc.is_null(column))
    plain = column.cast(pa.float64())
    plain = plain.combine_chunks() if isinstance(plain, pa.ChunkedArray) else plain
    values: Array = plain.to_numpy(zero_copy_only=False).astype(np.float64)
    if (rows := np.flatnonzero(~np.isfinite(values))).size:
        raise sheet.wrong(
            rows, f"{name!r} is {values[rows[0]]} in the first", "Give finite numbers."
        )
    return values


def loose_numbers(sheet: Sheet, name: str, column: Any) -> tuple[Float[Array, "n"], dict[int, str]]:
    """A column of numbers, of which some may be missing, not finite or no numbers at all.

    Returns:
        The numbers, NaN where there is none, and the text of each cell that holds none.

    Raises:
        DamagedSource: If the column is of another type.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    unread: dict[int, str] = {}
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = texts(sheet, name, column, empty=True)
        wrong = pc.invert(pc.match_substring_regex(column, NUMBER))
        unread = {row: column[row].as_py()[:40] for row in _rows(wrong).tolist()}
        column = pc.if_else(wrong, pa.scalar("nan", pa.large_string()), column)
    plain = pc.fill_null(column.cast(pa.float64()), float("nan"))
    plain = plain.combine_chunks() if isinstance(plain, pa.ChunkedArray) else plain
    values: Array = plain.to_numpy(zero_copy_only=False).astype(np.float64)
    return values, unread


def as_strings(column: Any) -> Shaped[Array, "n"]:
    """An Arrow array of texts as numpy strings, with few Python objects at a time."""
    import pyarrow.compute as pc

    longest = pc.max(pc.utf8_length(column)).as_py() or 1
    strings = np.empty(len(column), dtype=f"U{longest}")
    for start in range(0, len(column), CHUNK_ROWS):
        part = column.slice(start, CHUNK_ROWS)
        strings[start : start + CHUNK_ROWS] = part.to_numpy(zero_copy_only=False)
    return strings


@dataclass(frozen=True)
class SeriesColumn:
    """Series of numbers, end to end.

    Attributes:
        values: One row a step, one column a channel.
        ends: Where each series ends, behind a zero.
    """

    values: Float[Array, "steps d"]
    ends: Int[Array, "bounds"]

    def __getitem__(self, row: int) -> Float[Array, "t d"]:
        series_cells: Array = self.values[self.ends[row] : self.ends[row + 1]]
        return series_cells

    def digests(self) -> Shaped[Array, "n"]:
        """A digest of each, the same for series of equal numbers."""
        digests = np.empty(len(self.ends) - 1, dtype="S32")
        for row in range(len(digests)):
            # Adding zero makes -0 and 0 the same.
            data = (self[row] + 0.0).tobytes()
            digests[row] = hashlib.blake2b(data, digest_size=16).hexdigest().encode()
        return digests


def series_cells(sheet: Sheet, name: str, column: Any) -> SeriesColumn:
    """A column of lists: of numbers (one channel), or of lists [t][d] of numbers.

    Raises:
        DamagedSource: If a cell is missing, is empty or lacks a number, or has other channels than
            those before it, with its row.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    _refuse_missing(sheet, name, pc.is_null(column))
    item = column.type.value_type
    nested = is_list(item)
    number = item.value_type if nested else item
    if not (pa.types.is_integer(number) or pa.types.is_floating(number)):
        raise DamagedSource(
            f"{sheet.place}: the column {name!r} holds {column.type}, and lists of numbers, or "
            "lists of such lists, are expected. Write it as such, or name another column."
        )
    number = number if pa.types.is_float32(number) else pa.float64()
    inner = pa.large_list(number) if nested else number
    lists = column.cast(pa.large_list(inner)).combine_chunks()
    ends = _ends(lists)
    todo = "Mend or drop the row."
    if (rows := np.flatnonzero(np.diff(ends) == 0)).size:
        raise sheet.wrong(rows, f"the list of {name!r} is empty", todo)
    flat, channels = lists.flatten(), 1
    if nested:
        widths = np.diff(_ends(flat))
        widths[_mask(flat.is_null())] = 0
        channels = max(int(widths[0]), 1)
        steps = np.flatnonzero(widths != channels)
        if (rows := _rows_of(steps, ends)).size:
            raise sheet.wrong(
                rows,
                f"a step of {name!r} has {widths[steps[0]]} channels, and those before it have "
                f"{channels}",
                "Give every step of every series the same channels.",
            )
        flat = flat.flatten()
    if flat.null_count:
        rows = _rows_of(np.flatnonzero(_mask(flat.is_null())) // channels, ends)
        raise sheet.wrong(rows, f"the list of {name!r} lacks a number", todo)
    values = flat.to_numpy(zero_copy_only=False)
    return SeriesColumn(values.reshape(-1, channels), ends)


def joined(first: SeriesColumn, second: SeriesColumn) -> SeriesColumn:
    """The series of two columns of the same channels, the second's after the first's."""
    values = np.concatenate([first.values, second.values])
    return SeriesColumn(values, np.concatenate([first.ends, second.ends[1:] + first.ends[-1]]))


def _ends(lists: Any) -> Int[Array, "bounds"]:
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _mask(condition: Any) -> Bool[Array, "n"]:
    mask: Array = condition.to_numpy(zero_copy_only=False).astype(bool)
    return mask


def _rows(condition: Any) -> Int[Array, "m"]:
    """Where an Arrow array of truth values is true; not where it is null."""
    import pyarrow.compute as pc

    return np.flatnonzero(_mask(pc.fill_null(condition, fill_value=False)))


def _rows_of(steps: Int[Array, "m"], ends: Int[Array, "bounds"]) -> Int[Array, "k"]:
    """The rows that these steps are of."""
    rows: Array = np.unique(np.searchsorted(ends, steps, side="right") - 1)
    return rows


def _refuse_missing(sheet: Sheet, name: str, missing: Any) -> None:
    if (rows := _rows(missing)).size:
        raise sheet.wrong(rows, f"{name!r} is missing", "Fill it in, or drop the row.")
