"""A table in a file: its columns as Arrow arrays, and what errors call its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from likewise.errors import DamagedSource
from likewise.shapes import Array, Int

SHOWN = 10


@dataclass(frozen=True)
class Sheet:
    """A table of which nothing but the names of its columns is read yet.

    Attributes:
        place: The file, as errors name it.
        names: Of its columns.
        read: Gives the columns of these names, each a chunked Arrow array.
        lines: Gives the lines of the file on which these rows begin (rows from 0, lines from 1);
            none where the file has no lines.
        naming: How a column of another name is told, for an error.
    """

    place: str
    names: tuple[str, ...]
    read: Callable[[Sequence[str]], dict[str, Any]]
    lines: Callable[[Sequence[int]], list[int]]
    naming: str = "table(path, label='name')"

    def rows(self, rows: Sequence[int] | Int[Array, "n"]) -> str:
        """What an error calls these rows, given from 0: `row 3 (line 4)`.

        A person counts rows from 1, below the header if there is one.
        """
        shown = [int(row) for row in rows[:SHOWN]]
        more = ", ..." if len(rows) > SHOWN else ""
        words = _listed("row", [row + 1 for row in shown]) + more
        lines = self.lines(shown)
        return f"{words} ({_listed('line', lines)}{more})" if lines else words

    def wrong(self, rows: Sequence[int] | Int[Array, "n"], why: str, todo: str) -> DamagedSource:
        """The error for these rows; `why` reads on after them."""
        count = f"{len(rows)} rows are wrong, " if len(rows) > SHOWN else ""
        return DamagedSource(f"{self.place}, {count}{self.rows(rows)}: {why}. {todo}")


def _listed(noun: str, numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"{noun} {numbers[0]}"
    *others, last = map(str, numbers)
    return f"{noun}s {', '.join(others)} and {last}"
