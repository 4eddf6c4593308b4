"""A gallery as a Parquet file, and back: every entry, and what its vectors are of."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from likewise.errors import DamagedSource, MissingExtra, SourceNotFound
from likewise.io import atomic
from likewise.io.display import shortened
from likewise.stores.base import Store
from likewise.stores.rows import Change, Pin, Rows, metadata_texts

_AT_ONCE = 4096
_PIN = "likewise.pin"


def export_rows(store: Store, path: Path) -> int:
    """Write all entries to a Parquet file, which is there whole or not at all.

    The columns are id, identity, metadata (a JSON object), vector and item (the bytes, where they
    were kept).

    Returns:
        How many there were.

    Raises:
        MissingExtra: If pyarrow is not installed.
        SaveFailed: If it cannot be written; what was there before still stands.
    """
    pa, parquet = _pyarrow()
    pin = store.state().pin
    told = json.dumps({"fingerprint": pin.fingerprint, "distance": pin.distance, "dim": pin.dim})
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("identity", pa.string()),
            ("metadata", pa.string()),
            ("vector", pa.list_(pa.float32(), pin.dim)),
            ("item", pa.binary()),
        ],
        metadata={_PIN: told},
    )
    count = 0
    with (
        atomic.replacing(path) as (file,),
        parquet.ParquetWriter(file, schema, use_dictionary=["identity", "metadata"]) as writer,
    ):
        for rows in store.read(items=True):
            columns = [
                pa.array(rows.ids, pa.string()),
                pa.array(rows.identities, pa.string()),
                pa.array(metadata_texts(rows.metadata), pa.string()),
                pa.FixedSizeListArray.from_arrays(pa.array(rows.vectors.reshape(-1)), pin.dim),
                pa.array(rows.items, pa.binary()),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            count += len(rows)
    return count


def pin_of(path: Path) -> Pin:
    """What the vectors in an exported file are of.

    Raises:
        MissingExtra: If pyarrow is not installed.
        SourceNotFound: If there is no such file.
        DamagedSource: If it is none that was exported.
    """
    _, parquet = _pyarrow()
    if not path.is_file():
        raise SourceNotFound(f"There is no file {str(path)!r}. Check its path.")
    try:
        told = json.loads((parquet.read_schema(path).metadata or {})[_PIN.encode()])
        return Pin(str(told["fingerprint"]), str(told["distance"]), int(told["dim"]))
    except Exception as error:
        raise _broken(path, error) from error


def bring_in(
    store: Store, path: Path, progress: Callable[[int], None] | None = None
) -> tuple[int, int]:
    """Put all entries of an exported file into a store; ids that are there stay as they were.

    Args:
        store: Of the same model.
        path: Of the file.
        progress: Called with how many entries are done.

    Returns:
        How many were new, and how many were there already.

    Raises:
        MissingExtra: If pyarrow is not installed.
        DamagedSource: If the file is none that was exported.
        BadArgument: If an entry cannot be kept.
    """
    _, parquet = _pyarrow()
    added = known = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_AT_ONCE):
                put = store.write(Change(_rows(batch, store.state().pin.dim))).put
                added += int(put.sum())
                known += int((~put).sum())
                if progress is not None:
                    progress(added + known)
    except (KeyError, TypeError, ValueError, OSError) as error:
        if type(error).__module__.startswith("likewise."):
            raise
        raise _broken(path, error) from error
    return added, known


def _rows(batch: Any, dim: int) -> Rows:
    batch.validate(full=True)
    columns = {name: batch.column(name) for name in ("id", "identity", "metadata", "item")}
    flat = np.asarray(batch.column("vector").flatten().to_numpy(zero_copy_only=False))
    return Rows.of(
        columns["id"].to_pylist(),
        columns["identity"].to_pylist(),
        flat.reshape(len(batch), dim),
        [json.loads(text) for text in columns["metadata"].to_pylist()],
        columns["item"].to_pylist(),
    )


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra(
            "Galleries are exported as Parquet files, which pyarrow writes. pip install "
            "'likewise[evaluate]'"
        ) from error
    return pa, parquet


def _broken(path: Path, error: Exception) -> DamagedSource:
    return DamagedSource(
        f"{path} is no exported gallery that can be read: {shortened(error, 200)}. Export it "
        "again: likewise gallery export GALLERY FILE."
    )
