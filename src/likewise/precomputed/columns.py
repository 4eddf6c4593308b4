"""What the columns of a table of comparisons are called, and what is said where one is missing."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from likewise.errors import BadArgument, DamagedSource
from likewise.io.display import printable
from likewise.sources.tabular.grades import Grading
from likewise.sources.tabular.sheet import Sheet

SAME, GRADE = "same", "grade"
MOST_NAMES = 20


@dataclass(frozen=True)
class Columns:
    """What the columns of a table of comparisons are called.

    Attributes:
        first: Of one item of each pair; empty where nobody knows which items they are.
        second: Of the other; empty likewise.
        same: Of whether the two are the same.
        distance: Of how far apart they are.
        similarity: Of how alike they are, larger when closer, instead of the distance; empty for
            distances.
        grading: Where the same begins among grades, which then stand in `same`'s place, in a
            column `grade` unless another is named; None where pairs are the same or not.

    Raises:
        BadArgument: If names are missing or the same, or one item alone is named.
    """

    first: str = "id1"
    second: str = "id2"
    same: str = SAME
    distance: str = "distance"
    similarity: str = ""
    grading: Grading | None = None

    def __post_init__(self) -> None:
        names = [name for name in self.wanted if name]
        if len(set(names)) < len(names) or not (self.same and self.compared):
            raise BadArgument(
                f"the columns are {', '.join(map(repr, self.wanted))}, and different names are "
                "expected, of which those of the two items alone may be empty."
            )
        if bool(self.first) != bool(self.second):
            raise BadArgument(
                f"the columns of the items are {self.first!r} and {self.second!r}. Name both, or "
                "neither where nobody knows the items."
            )

    @property
    def compared(self) -> str:
        """The column of distances or of similarities."""
        return self.similarity or self.distance

    @property
    def said(self) -> str:
        """The column of what is the same, or of grades."""
        return GRADE if self.grading and self.same == SAME else self.same

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column."""
        return (self.first, self.second, self.said, self.compared)


def check_names(sheet: Sheet, wanted: Sequence[str], columns: Columns) -> None:
    """Refuse a table that has not these columns once each.

    Raises:
        DamagedSource: With what to do.
    """
    for name in wanted:
        if sheet.names.count(name) > 1:
            raise DamagedSource(
                f"{sheet.place} has more than one column {name!r}. Name each for itself."
            )
        if name in sheet.names:
            continue
        if len(sheet.names) == 1 and (marks := [m for m in ";\t|," if m in sheet.names[0]]):
            raise DamagedSource(
                f"{sheet.place} has a single column; its cells seem to be parted by {marks[0]!r}. "
                "Use commas in .csv, tabs in .tsv."
            )
        said = lacking(sheet.place, "column", [name], sheet.names)
        if {"vector", "identity"} <= set(sheet.names):
            todo = " It holds embeddings, which are read from an .npz: write them as one."
        elif name in (columns.first, columns.second):
            todo = (
                " Name the columns of the items with --columns, or say that nobody knows the items "
                f"with --columns ,,{columns.said},{columns.compared}: then every row stands alone."
            )
        elif name == columns.said and columns.grading is None and GRADE in sheet.names:
            todo = (
                f" Its pairs are graded ({GRADE!r}): say from which grade on two are the same, as "
                "in --same-from 4 (Columns(grading=Grading(4)))."
            )
        elif name == columns.distance and not columns.similarity:
            todo = (
                " Name it with --columns; and if yours is larger when two items are closer, it is "
                "a similarity: name its column with --similarity."
            )
        else:
            todo = " Name it with --columns."
        raise DamagedSource(said + todo)


def lacking(path: str, noun: str, names: Sequence[str], there: Sequence[str]) -> str:
    """What to say where a file has none of these keys or columns.

    Args:
        path: Of the file.
        noun: `key` or `column`.
        names: What it might be called.
        there: What there is.
    """
    near = next((n for one in names for n in difflib.get_close_matches(one, there, n=1)), None)
    meant = f" Is it {near!r}? Name it {names[0]!r}." if near and noun == "key" else ""
    meant = f" Did you mean {near!r}?" if near and noun != "key" else meant
    shown = printable(", ".join(map(repr, there[:MOST_NAMES]))) or "none"
    more = ", ..." if len(there) > MOST_NAMES else ""
    wanted = " or ".join(map(repr, names))
    return f"{path} has no {noun} {wanted}.{meant} It has {shown}{more}."
