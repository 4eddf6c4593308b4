"""Tables of one JSON object a line, read by pyarrow."""

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from likewise.errors import DamagedSource, EmptySource
from likewise.sources.tabular.sheet import Sheet

BLOCK_BYTES = 2**20
CHUNK_LINES = 1000
LONGEST_BYTES = 2**30
TODO = "Write one JSON object a line, each with the same keys and the same types of values."


def open_json_lines(path: Path, place: str, numbers: Sequence[str] = ()) -> Sheet:
    """Open a .jsonl in UTF-8: one object a line, whose keys are the columns.

    The first value of a key that is not null says of which type the column is: text, a whole
    number, a truth value, a list of numbers or a list of such lists. Empty lines do not count.

    Args:
        path: Of the file.
        place: What errors call it.
        numbers: Columns of numbers that need not be whole, though the first of them may be.

    Raises:
        EmptySource: If there is no object in it.
        DamagedSource: If its first line is no object; `read` raises the same for the others, with
            the line.
    """
    first = next(_lines(path, place), None)
    if first is None:
        raise EmptySource(f"{place} is empty. Give a table of one JSON object a line.")

    def read(wanted: Sequence[str]) -> dict[str, Any]:
        import pyarrow as pa

        types = _types(path, place, wanted)
        whole = [name for name in numbers if types.get(name) == pa.int64()]
        schema = pa.schema(types | dict.fromkeys(whole, pa.float64()))
        count, longest = 0, 0
        for _, line in _lines(path, place):
            count, longest = count + 1, max(longest, len(line))
        try:
            with pa.OSFile(str(path)) as file:
                table = _parsed(file, schema, max(BLOCK_BYTES, longest + 1))
        except Exception as error:
            raise _fault(path, place, schema, error) from error
        if table.num_rows != count:
            raise DamagedSource(f"{place} holds {table.num_rows} objects on {count} lines. {TODO}")
        return {name: table.column(name) for name in wanted}

    def lines(rows: Sequence[int]) -> list[int]:
        asked = set(rows)
        found = {}
        for row, (line, _) in enumerate(_lines(path, place)):
            if row in asked:
                found[row] = line
                if len(found) == len(asked):
                    break
        return [found[row] for row in rows if row in found]

    return Sheet(place, tuple(_object(place, *first)), read, lines)


def _lines(path: Path, place: str) -> Iterator[tuple[int, bytes]]:
    """Every line that is not empty, with its number from 1."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_BYTES):
                number += 1
                if len(line) == LONGEST_BYTES:
                    raise DamagedSource(
                        f"{place}, line {number}: longer than {LONGEST_BYTES} bytes. {TODO}"
                    )
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line.strip():
                    yield number, line
    except OSError as error:
        raise DamagedSource(
            f"{place} cannot be read: {error.strerror or error}. Make it readable."
        ) from error


def _object(place: str, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DamagedSource(
            f"{place}, line {number}: it is no text in UTF-8 ({error.reason}). Save it as UTF-8."
        ) from error
    except (ValueError, RecursionError) as error:
        raise DamagedSource(f"{place}, line {number}: no JSON ({error}). {TODO}") from error
    if not isinstance(value, dict):
        raise DamagedSource(
            f"{place}, line {number}: an object is expected, not {str(value)[:40]!r}. {TODO}"
        )
    return value


def _types(path: Path, place: str, wanted: Sequence[str]) -> dict[str, Any]:
    """The Arrow type of each column, by its first value that is not null."""
    import pyarrow as pa

    found: dict[str, Any] = {}
    for number, line in _lines(path, place):
        values = _object(place, number, line)
        for name in wanted:
            value = values.get(name)
            if name not in found and value is not None and value != []:
                found[name] = _type(value)
                if found[name] is None:
                    raise DamagedSource(
                        f"{place}, line {number}: {name!r} is {str(value)[:40]!r}, and a text, a "
                        f"number, a truth value or a list of numbers is expected. {TODO}"
                    )
        if len(found) == len(wanted):
            break
    return {name: found.get(name, pa.string()) for name in wanted}


def _type(value: Any) -> Any:
    import pyarrow as pa

    simple = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    if not isinstance(value, list):
        return simple.get(type(value))
    inner = next((one for one in value if one is not None), 0.0)
    if isinstance(inner, list):
        return pa.list_(pa.list_(pa.float64()))
    return pa.list_(pa.float64()) if type(inner) in {int, float} else None


def _parsed(file: Any, schema: Any, block_size: int) -> Any:
    """All objects in an Arrow file; keys that the schema lacks are passed over."""
    from pyarrow import json as arrow_json

    table = arrow_json.read_json(
        file,
        read_options=arrow_json.ReadOptions(block_size=block_size),
        parse_options=arrow_json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="ignore"
        ),
    )
    table.validate(full=True)  # whether all text is UTF-8
    return table


def _fault(path: Path, place: str, schema: Any, error: Exception) -> DamagedSource:
    """What is wrong in a table that pyarrow refused: the first line that it refuses alone."""

    def refused(lines: list[tuple[int, bytes]]) -> Exception | None:
        joined = b"".join(line for _, line in lines)
        try:
            _parsed(io.BytesIO(joined), schema, len(joined) + 1)
        except Exception as cause:  # noqa: BLE001 - pyarrow's own, to be shown with its line
            return cause
        return None

    def first_of(lines: list[tuple[int, bytes]]) -> DamagedSource | None:
        if refused(lines):
            for number, line in lines:
                if cause := refused([(number, line)]):
                    why = str(cause).removeprefix("JSON parse error: ").removesuffix(" in row 0")
                    return DamagedSource(f"{place}, line {number}: {why.rstrip('.')}. {TODO}")
        return None

    chunk: list[tuple[int, bytes]] = []
    for numbered in _lines(path, place):
        chunk.append(numbered)
        if len(chunk) == CHUNK_LINES:
            if found := first_of(chunk):
                return found
            chunk = []
    return first_of(chunk) or DamagedSource(f"{place} cannot be read: {error}. {TODO}")
