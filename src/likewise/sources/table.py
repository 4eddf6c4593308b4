"""A table of items with labels, or of pairs, in one file."""

import difflib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, final

import numpy as np

from likewise.errors import BadArgument, DamagedSource, MissingExtra, SourceNotFound
from likewise.printable import shortened
from likewise.shapes import Array, Int, Shaped
from likewise.sources.base import Source
from likewise.sources.tabular import cells
from likewise.sources.tabular.delimited import open_delimited
from likewise.sources.tabular.json_lines import open_json_lines
from likewise.sources.tabular.listed import Listed, files_of, series_of
from likewise.sources.tabular.pair_graph import components, edges
from likewise.sources.tabular.parquet import open_parquet
from likewise.sources.tabular.sheet import SHOWN, Sheet
from likewise.types import Items, Kind, Pairs

FORMS: dict[str, Callable[[Path, str], Sheet]] = {
    ".csv": open_delimited,
    ".tsv": open_delimited,
    ".parquet": open_parquet,
    ".jsonl": open_json_lines,
}

WORDS = {"origin": ("genuine", "forged"), "part": ("train", "test")}
MOST_NAMES = 20


@final
class Table(Source):
    """A table of items with labels, or of pairs that are the same or not: CSV, TSV, Parquet, JSONL.

    It has a column of items and one of their labels, or two columns of items and one that says
    whether they are the same (1, true or yes; 0, false or no; in any case). Columns are found by
    their names, others are passed over. Spaces around a cell count in paths only.

    An item is the path of a file, or (in Parquet and JSON lines) a list of numbers: flat for a
    series of one channel, [t][d] for several. A path is relative to the folder of the table. It
    leads where it says, also out of that folder by `..` or from the root, since a table is its
    user's own list of files; from a stranger, look at it first. Files `.npy`, `.csv` and `.txt`
    are series, others images.

    A path in several rows is one item, and so is a list in several pairs. Rows that repeat one
    another count once; rows that contradict one another are refused. Of pairs, an item's identity
    is what it hangs together with by them, named for the first path of these in order of
    characters (or by a digest of a list).

    Errors count rows from 1, below the header if there is one.

    Args:
        path: Of the file; `.csv`, `.tsv`, `.parquet` or `.jsonl`.
        item: Column of the items.
        label: Column of what each of them shows; empty for items without labels, to embed them.
        first: Column of one item of each pair.
        second: Column of the other.
        same: Column of whether the two are the same.
        group: Column of the alphabet, family or site of each item; empty for none.
        origin: Column that says `genuine` or `forged` of each item; empty for none.
        part: Column that says `train` or `test` of each item; empty for none.
        kind: What the files are; `auto` goes by their endings.

    Raises:
        BadArgument: If the path has another ending, or the columns' names are empty or the same.
    """

    def __init__(
        self,
        path: str,
        item: str = "item",
        label: str = "label",
        first: str = "first",
        second: str = "second",
        same: str = "same",
        group: str = "",
        origin: str = "",
        part: str = "",
        kind: Literal["auto", "image", "sequence"] = "auto",
    ) -> None:
        if Path(path).suffix.lower() not in FORMS:
            raise BadArgument(
                f"table: the path is {shortened(repr(path), 300)}, and one that ends in "
                f"{', '.join(FORMS)} is expected."
            )
        if kind not in ("auto", "image", "sequence"):
            raise BadArgument(f"table: kind is {kind!r}; give 'auto', 'image' or 'sequence'.")
        names = (item, label, first, second, same, group, origin, part)
        given = [name for name in names if name]
        if not all((item, first, second, same)) or len(set(given)) < len(given):
            raise BadArgument(
                f"table: the columns are {', '.join(map(repr, names))}, and different names are "
                "expected, of which label, group, origin and part alone may be empty."
            )
        self.path = path
        self.kind = kind
        self._items = tuple(name for name in (item, label) if name)
        self._pairs = (first, second, same)
        self._label = label
        self._more = {
            use: name
            for use, name in (("group", group), ("origin", origin), ("part", part))
            if name
        }

    def items(self) -> Items:
        """The table of all items, in the order in which the file first names them.

        Raises:
            SourceNotFound: If there is no such file, or files that it names are not there.
            EmptySource: If it has no rows.
            DamagedSource: If its form is broken, a column is not there, a cell is missing or
                wrong, or two rows contradict each other; with the row.
            MissingExtra: If pyarrow is not installed.
        """
        file = Path(os.path.expanduser(self.path))  # noqa: PTH111 - a missing home is no error here
        try:
            there = file.is_file()
        except OSError:  # a name that is too long, or a folder that may not be looked into
            there = False
        if not there:
            raise SourceNotFound(
                f"there is no file {shortened(repr(self.path), 300)}. Give the path of a table."
            )
        try:
            import pyarrow as pa  # noqa: F401 - the modules of the formats need it
        except ImportError as error:
            raise MissingExtra(
                "Tables are read by pyarrow, which is not installed. "
                "Run: pip install 'likewise[evaluate]'"
            ) from error
        sheet = FORMS[file.suffix.lower()](file, self.path)
        wanted = self._wanted(sheet)
        columns = sheet.read([*wanted, *self._more.values()])
        if wanted == self._pairs:
            return self._of_pairs(sheet, file, columns)
        return self._of_labels(sheet, file, columns)

    def _wanted(self, sheet: Sheet) -> tuple[str, ...]:
        """The columns to read: those of items or those of pairs."""
        ways = (self._items, self._pairs)
        complete = [way for way in ways if set(way) <= set(sheet.names)]
        if len(complete) == 2:
            raise DamagedSource(
                f"{sheet.place} has the columns {_listed(ways[0])} and also {_listed(ways[1])}, so "
                "nobody knows which to go by. Drop some, or give other names for them."
            )
        if not complete:
            # The way of which the most is there is what was meant.
            meant = max(ways, key=lambda way: len(set(way) & set(sheet.names)) / len(way))
            raise _no_column(sheet, [name for name in meant if name not in sheet.names], ways)
        if complete[0] == self._pairs and self._more:
            raise BadArgument(
                f"table: a column of {' and of '.join(self._more)} belongs to items, and "
                f"{sheet.place} holds pairs. Leave it out."
            )
        asked = [*complete[0], *self._more.values()]
        if missing := [name for name in asked if name not in sheet.names]:
            raise _no_column(sheet, missing, (tuple(asked),))
        if twice := [name for name in asked if sheet.names.count(name) > 1]:
            raise DamagedSource(
                f"{sheet.place} has more than one column {twice[0]!r}. Name each for itself."
            )
        return complete[0]

    def _of_labels(self, sheet: Sheet, file: Path, columns: dict[str, Any]) -> Items:
        said = {
            use: cells.as_strings(cells.texts(sheet, name, columns[name], empty=use != "label"))
            for use, name in {"label": self._label, **self._more}.items()
            if name
        }
        for use, words in WORDS.items():
            _check_words(sheet, self._more.get(use, ""), said.get(use), words)
        listed = self._listed(sheet, file, {self._items[0]: columns[self._items[0]]})
        _, rows, which = np.unique(listed.cells, return_index=True, return_inverse=True)
        for use, values in said.items():
            if (departs := np.flatnonzero(values != values[rows[which]])).size:
                row = int(departs[0])
                earlier = int(rows[which[row]])
                raise sheet.wrong(
                    [earlier, row],
                    f"{str(listed.keys[listed.cells[row]])!r} has the {use} "
                    f"{str(values[earlier])!r} in one and {str(values[row])!r} in the other",
                    f"Drop one of the two.{_more_departing(departs, rows[which])}",
                )
        return _items(file, listed, {use: values[rows] for use, values in said.items()})

    def _of_pairs(self, sheet: Sheet, file: Path, columns: dict[str, Any]) -> Items:
        one, other, same_name = self._pairs
        same = cells.truths(sheet, same_name, columns[same_name])
        if cells.is_list(columns[one].type) != cells.is_list(columns[other].type):
            raise DamagedSource(
                f"{sheet.place}: of the columns {one!r} and {other!r} one holds lists and one "
                "texts. Give paths in both, or lists of numbers in both."
            )
        listed = self._listed(sheet, file, {one: columns[one], other: columns[other]})
        first, second = listed.cells.reshape(2, -1)
        if (rows := np.flatnonzero(first == second)).size:
            raise sheet.wrong(rows, "the pair is an item and itself", "Drop the row.")
        kept, of = edges(len(listed.keys), first, second)
        if (departs := np.flatnonzero(same != same[of])).size:
            row = int(departs[0])
            raise sheet.wrong(
                [int(of[row]), row],
                f"{listed.places[first[row]]} and {listed.places[second[row]]} are the same in one "
                "and different in the other",
                f"Drop one of the two.{_more_departing(departs, of)}",
            )
        order = np.argsort(listed.keys, kind="stable")
        rank = np.argsort(order)
        smallest = components(len(rank), rank[first[kept]], rank[second[kept]])
        names = listed.keys[order[smallest[rank]]]
        pairs = Pairs(first[kept], second[kept], same[kept])
        return _items(file, listed, {"label": names}, pairs)

    def _listed(self, sheet: Sheet, file: Path, columns: dict[str, Any]) -> Listed:
        if not cells.is_list(next(iter(columns.values())).type):
            return files_of(sheet, file.parent, columns, self.kind)
        if self.kind == Kind.IMAGE.value:
            raise BadArgument(
                f"table: kind is 'image', and {sheet.place} holds lists of numbers, which are "
                "series. Leave the kind out."
            )
        # Two recordings may be equal by chance, and a label each tells them apart.
        return series_of(sheet, columns, once=len(columns) == 2)


def _items(
    file: Path, listed: Listed, said: dict[str, Shaped[Array, "n"]], pairs: Pairs | None = None
) -> Items:
    nothing = np.full(len(listed.keys), "")
    return Items(
        namespace=file.stem,
        identities=said.get("label", nothing),
        kinds=listed.kinds,
        groups=said.get("group", nothing),
        origins=said.get("origin", nothing),
        parts=said.get("part", nothing),
        places=listed.places,
        rows=np.arange(len(listed.keys)),
        reader=listed.reader,
        pairs=pairs,
    )


def _check_words(
    sheet: Sheet, name: str, values: Shaped[Array, "n"] | None, words: Sequence[str]
) -> None:
    if values is None:
        return
    if (rows := np.flatnonzero(~np.isin(values, [*words, ""]))).size:
        given = str(values[rows[0]])[:40]
        todo = f"Give {' or '.join(map(repr, words))}, or leave the cell empty."
        raise sheet.wrong(rows, f"{name!r} is {given!r} in the first", todo)


def _more_departing(rows: Int[Array, "m"], earlier: Int[Array, "n"]) -> str:
    """How many rows behind the first contradict an earlier one, and the first ten of them."""
    if len(rows) < 2:
        return ""
    named = ", ".join(f"{row + 1} and {earlier[row] + 1}" for row in rows[1 : 1 + SHOWN].tolist())
    more = ", ..." if len(rows) > 1 + SHOWN else ""
    return f" So do {len(rows) - 1} more rows with others: {named}{more}."


def _no_column(sheet: Sheet, missing: list[str], ways: Sequence[Sequence[str]]) -> DamagedSource:
    name = missing[0]
    near = difflib.get_close_matches(name, sheet.names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if len(sheet.names) == 1 and (apart := [mark for mark in ";\t|," if mark in sheet.names[0]]):
        hint = f" Its cells seem to be parted by {apart[0]!r}: use commas in .csv, tabs in .tsv."
    shown = shortened(", ".join(map(repr, sheet.names[:MOST_NAMES])), 1000)
    more = ", ..." if len(sheet.names) > MOST_NAMES else ""
    expected = ", or ".join(_listed(way) for way in ways)
    return DamagedSource(
        f"{sheet.place} has no column {name!r}.{hint} It has {shown}{more}. Expected are "
        f"{expected}; a column of another name is told as in table(path, label='name')."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
