"""A table of items with labels, or of pairs, in one file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np

from likewise.errors import BadArgument, DamagedSource, SourceNotFound
from likewise.io.display import shortened
from likewise.kinds import FAMILY as KINDS
from likewise.shapes import Array, Shaped
from likewise.sources.base import Source
from likewise.sources.tabular import cells, refusals
from likewise.sources.tabular.delimited import open_delimited
from likewise.sources.tabular.frame import need_arrow, open_frame
from likewise.sources.tabular.grades import Grading, graded
from likewise.sources.tabular.json_lines import open_json_lines
from likewise.sources.tabular.listed import Listed, arrays_of, files_of
from likewise.sources.tabular.notes import Notes, table_notes, unused
from likewise.sources.tabular.pair_graph import components, edges
from likewise.sources.tabular.parquet import open_parquet
from likewise.sources.tabular.sheet import Sheet
from likewise.types import Items, Pairs, composed

FORMS: dict[str, Callable[[Path, str], Sheet]] = {
    ".csv": open_delimited,
    ".tsv": open_delimited,
    ".parquet": open_parquet,
    ".jsonl": open_json_lines,
}

WORDS = {"origin": ("genuine", "forged"), "part": ("train", "test")}


@final
class Table(Source):
    """A table of items with labels, or of pairs that are the same or not: CSV, TSV, Parquet, JSONL.

    It has a column of items and one of their labels, or two columns of items and one that says
    whether they are the same (1, true or yes; 0, false or no; in any case), or how alike they are:
    any numbers, larger when more alike, of which `same_from` says where the same begins. Columns
    are found by their names; enrolling keeps the others as metadata, if they hold texts, numbers or
    booleans. Spaces around a cell count in paths only.

    An item is the path of a file, or (in Parquet and JSON lines) a list of numbers: flat for a
    series of one channel, [t][d] for several. A path is relative to the folder of the table. It
    leads where it says, also out of that folder by `..` or from the root, since a table is its
    user's own list of files; from a stranger, look at it first. Files `.npy`, `.csv`, `.tsv` and
    `.txt` are series, others images.

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
        kind: What the files, or lists of numbers, are: `image`, `series` or `vector`; `auto` goes
            by the endings of files, and takes lists for series.
        grade: Column of how alike the two of each pair are, read instead of `same` where
            `same_from` is given.
        same_from: The grade from which on two are the same.
        different_to: The grade to which they are different; a pair between says neither, and takes
            part in no error rate. None: all below `same_from`.

    Raises:
        UnknownName: If there is no such kind.
        BadArgument: If the path has another ending, the columns' names are empty or the same, or
            `different_to` is not below `same_from`.
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
        kind: str = "auto",
        grade: str = "grade",
        same_from: float | None = None,
        different_to: float | None = None,
    ) -> None:
        if Path(path).suffix.lower() not in FORMS:
            raise BadArgument(
                f"table: the path is {shortened(repr(path), 300)}, and one that ends in "
                f"{', '.join(FORMS)} is expected."
            )
        if kind != "auto":
            kind = KINDS.canonical(kind)
        if same_from is None and different_to is not None:
            raise BadArgument(
                f"table: pairs are different to the grade {different_to}, and from which on they "
                "are the same was not said. Give same_from, too."
            )
        self._grading = None if same_from is None else Grading(same_from, different_to)
        said = same if self._grading is None else grade
        names = (item, label, first, second, said, group, origin, part)
        given = [name for name in names if name]
        if not all((item, first, second, said)) or len(set(given)) < len(given):
            raise BadArgument(
                f"table: the columns are {', '.join(map(repr, names))}, and different names are "
                "expected, of which label, group, origin and part alone may be empty."
            )
        self.path = path
        self.kind = kind
        self._items = tuple(name for name in (item, label) if name)
        self._pairs = (first, second, said)
        self._graded = (first, second, grade)
        self._label = label
        self._frame: Sheet | None = None
        self._more = {
            use: name
            for use, name in (("group", group), ("origin", origin), ("part", part))
            if name
        }

    @classmethod
    def of_frame(cls, frame: Any, **columns: Any) -> "Table":
        """A source of a pandas or polars frame, or of an Arrow table, that is in memory.

        Paths in it are relative to the working directory.

        Args:
            frame: Of which the columns are read.
            columns: The arguments of `Table` behind its path.

        Raises:
            BadArgument: If a column holds what no table can.
            MissingExtra: If pyarrow is not installed.
        """
        source = cls("frame.parquet", **columns)
        source._frame = open_frame(frame)
        return source

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
            there = self._frame is not None or file.is_file()
        except OSError:  # a name that is too long, or a folder that may not be looked into
            there = False
        if not there:
            raise SourceNotFound(
                f"there is no file {shortened(repr(self.path), 300)}. Give the path of a table."
            )
        need_arrow()
        sheet = self._opened(file)
        wanted = self._wanted(sheet)
        columns = sheet.read([*wanted, *self._more.values()])
        if wanted == self._pairs:
            return self._of_pairs(sheet, file, columns)
        return self._of_labels(sheet, file, columns)

    def notes(self) -> Notes:
        """What the other columns say of each item of `items()`; nothing where it holds pairs.

        Raises:
            DamagedSource: If two rows of one item contradict each other, with the rows.
        """
        file = Path(os.path.expanduser(self.path))  # noqa: PTH111 - as above
        sheet = self._opened(file)
        wanted = self._wanted(sheet)
        if wanted == self._pairs:
            return Notes({}, ())
        others, twice = unused(sheet, {*wanted, *self._more.values()})
        cells_of = sheet.read([self._items[0], *others])
        listed = self._listed(sheet, file, {self._items[0]: cells_of.pop(self._items[0])})
        return table_notes(sheet, cells_of, listed, twice)

    def _opened(self, file: Path) -> Sheet:
        if self._frame is not None:
            return self._frame
        ending = file.suffix.lower()
        if ending == ".jsonl":  # of which the first grade may be whole where others are not
            return open_json_lines(file, self.path, self._graded[2:] if self._grading else ())
        return FORMS[ending](file, self.path)

    def _wanted(self, sheet: Sheet) -> tuple[str, ...]:
        """The columns to read: those of items or those of pairs."""
        ways = (self._items, self._pairs)
        complete = [way for way in ways if set(way) <= set(sheet.names)]
        if len(complete) == 2:
            raise DamagedSource(
                f"{sheet.place} has the columns {refusals.listed_names(ways[0])} and also "
                f"{refusals.listed_names(ways[1])}, so nobody knows which to go by. Drop some, or "
                "give other names for them."
            )
        if not complete:
            if self._grading is None and set(self._graded) <= set(sheet.names):
                raise BadArgument(
                    f"{sheet.place} grades its pairs ({self._graded[2]!r}), and from which grade "
                    "on two are the same was not said. Say it as in table(path, same_from=4), or "
                    "table(path, same_from=4, different_to=2) where those between say neither."
                )
            # The way of which the most is there is what was meant.
            meant = max(ways, key=lambda way: len(set(way) & set(sheet.names)) / len(way))
            raise refusals.no_column(
                sheet, [name for name in meant if name not in sheet.names], ways
            )
        if complete[0] == self._pairs and self._more:
            raise BadArgument(
                f"table: a column of {' and of '.join(self._more)} belongs to items, and "
                f"{sheet.place} holds pairs. Leave it out."
            )
        asked = [*complete[0], *self._more.values()]
        if missing := [name for name in asked if name not in sheet.names]:
            raise refusals.no_column(sheet, missing, (tuple(asked),))
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
            refusals.check_words(sheet, self._more.get(use, ""), said.get(use), words)
        listed = self._listed(sheet, file, {self._items[0]: columns[self._items[0]]})
        _, rows, which = np.unique(listed.cells, return_index=True, return_inverse=True)
        for use, values in said.items():
            refusals.check_agreement(sheet, listed.keys[listed.cells], use, values, rows[which])
        return _items(file, listed, {use: values[rows] for use, values in said.items()})

    def _of_pairs(self, sheet: Sheet, file: Path, columns: dict[str, Any]) -> Items:
        one, other, said_name = self._pairs
        if self._grading is None:
            said: Array = cells.truths(sheet, said_name, columns[said_name])
        else:
            said = cells.number_cells(sheet, said_name, columns[said_name])
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
        if (departs := np.flatnonzero(said != said[of])).size:
            row = int(departs[0])
            what = "the same in one and different in the other"
            if self._grading is not None:
                what = f"graded {said[of[row]]:g} in one and {said[row]:g} in the other"
            raise sheet.wrong(
                [int(of[row]), row],
                f"{listed.places[first[row]]} and {listed.places[second[row]]} are {what}",
                f"Drop one of the two.{refusals.more_departing(departs, of)}",
            )
        order = np.argsort(listed.keys, kind="stable")
        rank = np.argsort(order)
        smallest = components(len(rank), rank[first[kept]], rank[second[kept]])
        names = listed.keys[order[smallest[rank]]]
        first, second, said = first[kept], second[kept], said[kept]
        if self._grading is None:
            pairs = Pairs(first, second, said)
        else:
            pairs = graded(first, second, self._grading.read(said), said)
        return _items(file, listed, {"label": names}, pairs)

    def _listed(self, sheet: Sheet, file: Path, columns: dict[str, Any]) -> Listed:
        if not cells.is_list(next(iter(columns.values())).type):
            return files_of(sheet, file.parent, columns, self.kind)
        kind = KINDS.build("series" if self.kind == "auto" else self.kind)
        if kind.pictorial:
            raise BadArgument(
                f"table: kind is {kind.name!r}, and {sheet.place} holds lists of numbers, which "
                "are series. Leave the kind out."
            )
        # Two recordings may be equal by chance, and a label each tells them apart.
        return arrays_of(sheet, columns, kind, once=len(columns) == 2)


def _items(
    file: Path, listed: Listed, said: dict[str, Shaped[Array, "n"]], pairs: Pairs | None = None
) -> Items:
    nothing = np.full(len(listed.keys), "")
    return Items(
        namespace=file.stem,
        identities=_composed(said["label"]) if "label" in said else nothing,
        kinds=listed.kinds,
        groups=said.get("group", nothing),
        origins=said.get("origin", nothing),
        parts=said.get("part", nothing),
        places=listed.places,
        rows=np.arange(len(listed.keys)),
        reader=listed.reader,
        pairs=pairs,
    )


def _composed(names: Shaped[Array, "n"]) -> Shaped[Array, "n"]:
    known, which = np.unique(names, return_inverse=True)
    whole = [composed(str(name)) for name in known.tolist()]
    return np.asarray(whole, dtype=np.str_)[which] if whole else names
