"""Rows of numbers: the text and the .npy files that hold series and vectors."""

from collections.abc import Callable, Sequence

import numpy as np

from likewise.errors import UnreadableItem, WrongKind
from likewise.io.npy import MAGIC, from_npy
from likewise.kinds import FAMILY as KINDS
from likewise.shapes import Array

MAX_VALUES = 10_000_000
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def parse_rows(
    raw: bytes | str, place: str, kind: str, unreadable: Callable[[str, str], UnreadableItem]
) -> Array:
    """Read the array in the bytes of an .npy file, or in text of comma separated rows.

    Args:
        raw: Of one item.
        place: Its file or row.
        kind: What is expected, by its name.
        unreadable: Makes the error of a place and a reason.

    Returns:
        What the .npy file holds, or float64 [rows columns].

    Raises:
        UnreadableItem: If it is neither.
        WrongKind: If it is the file of another kind.
    """
    if isinstance(raw, bytes):
        if raw.startswith(MAGIC):
            try:
                return from_npy(raw, MAX_VALUES)
            except ValueError as error:
                raise unreadable(place, str(error)) from error
        if KINDS.build("image").recognises(raw):
            own = KINDS.build(kind)
            raise WrongKind(f"{place} is an image, and {own.one} is expected. Give {own.many}.")
        try:
            raw = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise unreadable(place, "it is neither text nor .npy") from None
    if not raw.strip():
        raise unreadable(place, f"it is empty ({len(raw)} characters)")
    separator = "," if "," in raw else "\t"
    if raw.count(separator) + sum(raw.count(end) for end in LINE_ENDS) >= MAX_VALUES:
        raise unreadable(place, f"it holds more than {MAX_VALUES} values, the most that is read")
    lines = raw.splitlines()
    first = lines[0].split(separator)
    names = 0 if any(map(_is_number, first)) or not lines[0].strip() else 1
    if not any(line.strip() for line in lines[names:]):
        raise unreadable(place, f"it holds no number, only {lines[0].strip()[:40]!r}")
    try:
        rows = lines[names:]
        values = np.loadtxt(rows, delimiter=separator, comments=None, ndmin=2, dtype=np.float64)
    except ValueError:
        raise unreadable(place, _fault(lines, names, separator)) from None
    if names and values.shape[1] != len(first):
        named = f"line 1 names {len(first)} channels, and those below it have {values.shape[1]}"
        raise unreadable(place, named)
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _fault(lines: Sequence[str], names: int, separator: str) -> str:
    """Where rows stop being numbers, lines and columns counted from 1."""
    width = 0
    for line, text in enumerate(lines[names:], start=1 + names):
        cells = text.split(separator)
        if not text.strip():
            continue
        for column, cell in enumerate(cells, start=1):
            if not _is_number(cell):
                return f"line {line}, column {column} is {cell.strip()[:40]!r}, which is no number"
        width = width or len(cells)
        if len(cells) != width:
            return f"line {line} has {len(cells)} columns, and those before it have {width}"
    return "a number in it is written in a way that is not read"
