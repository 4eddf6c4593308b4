"""The distinct items that the cells of a table name: files, or series in the cells themselves."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from likewise.errors import DamagedSource, SourceNotFound, UnreadableItem
from likewise.kinds.base import Kind
from likewise.kinds.endings import kind_of_file
from likewise.shapes import Array, Int, Shaped
from likewise.sources.tabular import cells
from likewise.sources.tabular.sheet import SHOWN, Sheet
from likewise.types import Raw

LARGEST_FILE_BYTES = 256 * 2**20
CHUNK_ROWS = 2**16
WHOLE_PATH = (r"^/", r"^([A-Za-z]:)?[/\\]")
"""How a path begins that says where its file is by itself; second, on Windows."""


@dataclass(frozen=True)
class Listed:
    """Items once each, in the order in which a table first names them.

    Attributes:
        cells: Which item each cell of the columns names; the columns stand one after another.
        keys: A name of each item that depends on it alone.
        kinds: The kind of each, by its name.
        places: What errors call it.
        reader: Gives the raw item of a number.
    """

    cells: Int[Array, "cells"]
    keys: Shaped[Array, "n"]
    kinds: Shaped[Array, "n"]
    places: Shaped[Array, "n"]
    reader: Callable[[int], Raw]


def files_of(sheet: Sheet, folder: Path, columns: dict[str, Any], kind: str) -> Listed:
    """The files that the cells of these columns name.

    Args:
        sheet: The table.
        folder: What paths are relative to.
        columns: One column of items, or the two of pairs, by name.
        kind: The name of a kind, or `auto` to go by the ending of each.

    Raises:
        SourceNotFound: If files are not there: how many, and the first ten.
        DamagedSource: If a cell is missing or is no text, with its row.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    given = [cells.texts(sheet, name, column, trim=False) for name, column in columns.items()]
    paths = pa.concat_arrays(given)
    # a.png, ./a.png and .//a.png are one file; what `..` leads to, only the disk knows.
    paths = pc.replace_substring_regex(paths, r"/(\.?/)+", "/")
    paths = pc.replace_substring_regex(paths, r"^(\./)+", "")
    if os.name != "nt":
        paths = _with_slashes(folder, paths)
    coded = paths.dictionary_encode()
    names = coded.dictionary
    _refuse_absent(sheet, folder, names, list(columns))
    places = names
    if str(folder) != ".":
        root, mark = (pa.scalar(text, pa.large_string()) for text in (str(folder), "/"))
        below = pc.binary_join_element_wise(root, names, mark)
        whole = pc.match_substring_regex(names, WHOLE_PATH[os.name == "nt"])
        places = pc.if_else(whole, names, below)
    if kind == "auto":
        kinds = np.array([_kind_of(name) for name in names.to_pylist()], dtype=np.str_)
    else:
        kinds = np.full(len(names), kind)

    return Listed(
        coded.indices.to_numpy().astype(np.int64),
        cells.as_strings(names),
        kinds,
        cells.as_strings(places),
        _FileReader(folder, names),
    )


def arrays_of(sheet: Sheet, columns: dict[str, Any], kind: Kind, *, once: bool) -> Listed:
    """The series, or the vectors, in the cells of these columns.

    Args:
        sheet: The table.
        columns: One column of items, or the two of pairs, by name.
        kind: What they are.
        once: Whether cells of equal items are one item.

    Raises:
        DamagedSource: If a cell is missing or is no such list as the others, with its row.
    """
    parts = [cells.series_cells(sheet, name, column) for name, column in columns.items()]
    widths = [part.values.shape[1] for part in parts]
    if len(set(widths)) > 1:
        one, other = columns
        raise DamagedSource(
            f"{sheet.place}: the series of {one!r} have {widths[0]} channels and those of "
            f"{other!r} have {widths[1]}. Give every series the same channels."
        )
    every = parts[0] if len(parts) == 1 else cells.joined(*parts)
    count = len(every.ends) - 1
    row_of = np.concatenate([np.arange(len(part.ends) - 1) for part in parts])
    places = np.char.add(f"{sheet.place}, row ", (row_of + 1).astype(np.str_))
    if not once:
        cell, at, keys = np.arange(count), np.arange(count), places
    else:
        side = np.repeat([f" ({name})" for name in columns], count // len(parts))
        places = np.char.add(places, side)
        digests, at, which = np.unique(every.digests(), return_index=True, return_inverse=True)
        order = np.argsort(at)
        cell = np.argsort(order)[which]
        at, keys = at[order], np.char.add(f"{kind.name} ", digests[order].astype("U16"))
    if not kind.timed:
        _refuse_uneven(sheet, every, row_of)

    read = _CellReader(every, at, timed=kind.timed)
    return Listed(cell, keys, np.full(len(at), kind.name), places[at], read)


@dataclass(frozen=True)
class _FileReader:
    """Reads the file that a cell names, by the number of the item."""

    folder: Path
    names: Any

    def __call__(self, row: int) -> bytes:
        return _content(os.path.join(self.folder, self.names[row].as_py()))  # noqa: PTH118 - as it is written


@dataclass(frozen=True)
class _CellReader:
    """Gives the series, or the vector, in a cell by the number of the item."""

    column: cells.SeriesColumn
    at: Int[Array, "n"]
    timed: bool

    def __call__(self, row: int) -> Array:
        found = self.column[int(self.at[row])]
        return found if self.timed else found[:, 0]


def _refuse_uneven(sheet: Sheet, every: cells.SeriesColumn, row_of: Int[Array, "n"]) -> None:
    """Refuse vectors of unequal lengths, and lists of lists."""
    if every.values.shape[1] != 1:
        raise DamagedSource(
            f"{sheet.place}: the cells hold lists of lists, which are series, and vectors were "
            "asked for. Leave the kind out, or write one list of numbers in each cell."
        )
    sizes = np.diff(every.ends)
    wrong = np.flatnonzero(sizes != sizes[0])
    if len(wrong):
        raise sheet.wrong(
            np.unique(row_of[wrong]),
            f"a vector has {sizes[wrong[0]]} numbers, and those before it have {sizes[0]}",
            "Give all vectors the same length.",
        )


def _kind_of(name: str) -> str:
    # In a table a .txt is a column of numbers; in a folder it is a note.
    return "series" if name.lower().endswith(".txt") else kind_of_file(name)


def _with_slashes(folder: Path, paths: Any) -> Any:
    """Paths as Windows writes them with slashes, where a file is there by that name alone."""
    import pyarrow as pa

    coded = paths.dictionary_encode()
    names = coded.dictionary.to_pylist()
    for at, name in enumerate(names):
        if "\\" in name and not _is_file(folder, name):
            slashed = name.replace("\\", "/")
            names[at] = slashed if _is_file(folder, slashed) else name
    return pa.array(names, paths.type).take(coded.indices)


def _is_file(folder: Path, name: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(os.path.join(folder, name)).st_mode)  # noqa: PTH116, PTH118 - twice as fast
    except (OSError, ValueError):
        return False


def _refuse_absent(sheet: Sheet, folder: Path, names: Any, columns: list[str]) -> None:
    absent: list[str] = []
    count = 0
    for start in range(0, len(names), CHUNK_ROWS):
        for name in names.slice(start, CHUNK_ROWS).to_pylist():
            if not _is_file(folder, name):
                count += 1
                if len(absent) < SHOWN:
                    absent.append(name)
    if count:
        more = ", ..." if count > SHOWN else ""
        raise SourceNotFound(
            f"{sheet.place}: {count} of the {len(names)} paths under {' and '.join(columns)} lead "
            f"to no file: {', '.join(map(repr, absent))}{more}. Paths are relative to the table's "
            f"own folder, {folder.resolve()}. {_slashed(absent)}Mend them, or move the table to "
            "where they start."
        )


def _slashed(absent: list[str]) -> str:
    if os.name == "nt" or not any("\\" in name for name in absent):
        return ""
    return "Back slashes part folders on Windows only; with slashes they lead to no file either. "


def _content(path: str) -> bytes:
    try:
        # Without blocking, since a pipe may have taken the place of the file.
        with open(path, "rb", opener=_opened) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableItem(f"{path} is no ordinary file. Take it out of the table.")
            if status.st_size > LARGEST_FILE_BYTES:
                raise UnreadableItem(
                    f"{path} has {status.st_size} bytes, and at most {LARGEST_FILE_BYTES} are "
                    "read. Part it, or take it out of the table."
                )
            return file.read()
    except OSError as error:
        raise UnreadableItem(
            f"{path} cannot be read: {error.strerror or error}. Restore it, or drop its row."
        ) from error


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
