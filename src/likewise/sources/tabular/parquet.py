"""Tables in Parquet files, read by pyarrow."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from likewise.errors import DamagedSource, EmptySource
from likewise.io.display import shortened
from likewise.sources.tabular.sheet import Sheet

BATCH_ROWS = 2**16
LARGEST_BYTES = 16 * 2**30
TODO = "Write it again, by pyarrow or pandas."


def open_parquet(path: Path, place: str) -> Sheet:
    """Open a .parquet.

    Args:
        path: Of the file.
        place: What errors call it.

    Raises:
        EmptySource: If it has no rows.
        DamagedSource: If it is none; `read` raises the same for columns that cannot be read, or
            that would unpack to more than 16 GiB.
    """
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            names, count = tuple(file.schema_arrow.names), file.metadata.num_rows
    except Exception as error:
        raise _broken(place, error) from error
    if count == 0:
        raise EmptySource(f"{place} has no rows. Add the items or pairs.")

    def read(wanted: Sequence[str]) -> dict[str, Any]:
        import pyarrow as pa

        try:
            table = pa.Table.from_batches(list(_batches(path, place, wanted)))
        except DamagedSource:
            raise
        except Exception as error:
            raise _broken(place, error) from error
        return {name: table.column(name) for name in wanted}

    return Sheet(place, names, read, lambda _: [])


def _batches(path: Path, place: str, wanted: Sequence[str]) -> Iterator[Any]:
    from pyarrow import parquet

    held = 0
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(wanted)):
            # A few bytes can declare any number of equal values.
            held += batch.nbytes
            if held > LARGEST_BYTES:
                raise DamagedSource(
                    f"{place} unpacks to more than {LARGEST_BYTES} bytes. Part it into smaller "
                    "tables."
                )
            batch.validate(full=True)
            yield batch


def _broken(place: str, error: Exception) -> DamagedSource:
    why = shortened(error, 300).rstrip(". ")
    return DamagedSource(f"{place} is no Parquet file that can be read: {why}. {TODO}")
