"""Tables of text with a header: CSV and TSV, read by pyarrow."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from likewise.errors import DamagedSource, EmptySource
from likewise.sources.tabular.sheet import Sheet

TODO = "Mend the line; cells that hold the separator, quotes or line breaks stand in quotes."


def open_delimited(path: Path, place: str) -> Sheet:
    """Open a .csv (commas) or .tsv (tabs) in UTF-8, whose first line names the columns.

    All cells are text, and none is trimmed or guessed to be missing.

    Args:
        path: Of the file.
        place: What errors call it.

    Raises:
        EmptySource: If there is nothing in it.
        DamagedSource: If its header cannot be read; `read` raises the same for what is below it,
            with the line.
    """
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    header = next(_records(path, place, delimiter), None)
    if header is None:
        raise EmptySource(f"{place} is empty. Give a table whose first line names its columns.")
    names = tuple(header[1])

    def read(wanted: Sequence[str]) -> dict[str, Any]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        try:
            table = arrow_csv.read_csv(
                pa.OSFile(str(path)),
                parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=list(wanted),
                    column_types=dict.fromkeys(wanted, pa.large_string()),
                    strings_can_be_null=False,
                ),
            )
        except Exception as error:
            raise _fault(path, place, delimiter, error) from error
        _refuse_open_quote(path, place, delimiter)
        if table.num_rows == 0:
            raise _header_only(place)
        return {name: table.column(name) for name in wanted}

    def lines(rows: Sequence[int]) -> list[int]:
        asked = set(rows)
        records = _records(path, place, delimiter)
        next(records)
        found = {}
        # A cell that only pyarrow takes must not hide the error that the lines are for.
        with suppress(DamagedSource):
            for row, (line, _) in enumerate(records):
                if row in asked:
                    found[row] = line
                    if len(found) == len(asked):
                        break
        return [found[row] for row in rows if row in found]

    return Sheet(place, names, read, lines)


def _records(
    path: Path, place: str, delimiter: str, *, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not empty, with the line on which it begins; the header is the first.

    Only the header, and what an error names, is read in this way: it is slow.
    """
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=strict)
            for record in reader:
                if record:
                    yield line, record
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        where, why = _first_bad_byte(path)
        raise DamagedSource(
            f"{place}, line {where}: it is no text in UTF-8 ({why}). Save the table as UTF-8."
        ) from error
    except csv.Error as error:
        raise DamagedSource(f"{place}, line {line}: {error}. {TODO}") from error
    except OSError as error:
        raise DamagedSource(
            f"{place} cannot be read: {error.strerror or error}. Make it readable."
        ) from error


def _refuse_open_quote(path: Path, place: str, delimiter: str) -> None:
    """Refuse a quote that nothing closes: pyarrow takes all below it for one cell, and is silent.

    Quotes are counted first, since an even number of them cannot leave the last one open.
    """
    with path.open("rb") as file:
        quotes = sum(block.count(b'"') for block in iter(lambda: file.read(2**20), b""))
    if quotes % 2:
        for _ in _records(path, place, delimiter, strict=True):
            pass


def _first_bad_byte(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return number, f"byte {line[error.start]:#04x} at column {error.start + 1}"
    return 1, "it changes while it is read"


def _header_only(place: str) -> EmptySource:
    return EmptySource(f"{place} holds a header and no rows below it. Add the items or pairs.")


def _fault(path: Path, place: str, delimiter: str, error: Exception) -> Exception:
    """What is wrong in a table that pyarrow refused: the first line that departs, if one does."""
    records = _records(path, place, delimiter)
    try:
        _, header = next(records)
        count = 0
        for line, record in records:
            count += 1
            if len(record) != len(header):
                return DamagedSource(
                    f"{place}, line {line}: {len(record)} cells, and the header names "
                    f"{len(header)} columns. {TODO}"
                )
    except DamagedSource as found:
        return found
    if not count:
        return _header_only(place)
    return DamagedSource(f"{place} cannot be read as a table: {error}. {TODO}")
