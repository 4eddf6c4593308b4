"""Frames in memory: pandas, polars, Arrow, and whatever gives its columns as Arrow does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from likewise.errors import BadArgument, EmptySource, MissingExtra
from likewise.io.display import shortened
from likewise.sources.tabular.sheet import Sheet

PLACE = "the frame"


def need_arrow() -> None:
    """Check that pyarrow is there, by which tables are read.

    Raises:
        MissingExtra: If it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: F401 - the modules of the formats need it
    except ImportError as error:
        raise MissingExtra(
            "Tables are read by pyarrow, which is not installed. "
            "Run: pip install 'likewise[evaluate]'"
        ) from error


def open_frame(frame: Any) -> Sheet:
    """Open a frame, of which only the columns that are used are turned into Arrow's.

    Raises:
        EmptySource: If it has no rows.
        BadArgument: `read` raises it for a column that holds what no table can.
        MissingExtra: If pyarrow is not installed.
    """
    need_arrow()
    if len(frame) == 0:
        raise EmptySource(f"{PLACE} has no rows. Add the items or pairs.")
    names = [str(name) for name in getattr(frame, "column_names", frame.columns)]
    read = _ColumnReader(frame, tuple(names))
    return Sheet(PLACE, read.names, read, _no_lines, "columns={'label': 'name'}")


@dataclass(frozen=True)
class _ColumnReader:
    """Gives columns of a frame as Arrow's."""

    frame: Any
    names: tuple[str, ...]

    def __call__(self, wanted: Sequence[str]) -> dict[str, Any]:
        return {name: _column(self.frame, self.names.index(name), name) for name in wanted}


def _no_lines(rows: Sequence[int]) -> list[int]:  # noqa: ARG001 - as of every sheet
    return []


def _column(frame: Any, at: int, name: str) -> Any:
    import pyarrow as pa

    # Of pandas only: a column by its number, since a name need not be a string there.
    part = frame.iloc[:, [at]] if hasattr(frame, "iloc") else frame.select([name])
    try:
        return pa.table(part).column(0)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise BadArgument(
            f"{PLACE}: the column {name!r} holds what no table can "
            f"({shortened(str(error), 200)}). Give paths, or lists of numbers; or the items as a "
            "list and their labels beside it, (items, labels)."
        ) from error
