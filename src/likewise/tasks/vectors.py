"""Vectors in a file: kept on the disk as they come, then written whole in one of three forms.

========== ====================================================================================
`.npz`     Arrays `vectors`, `identities`, `places`, `groups`, `fingerprint`; and `failed_places`
           and `failed_reasons` for what could not be read.
`.npy`     The vectors alone; beside it `.rows.csv` (place, identity, group and fingerprint, row
           for row) and `.failed.csv` (place and reason).
`.parquet` Columns `place`, `identity`, `group` and `vector` (float32, of fixed length); in the
           schema's metadata `likewise.fingerprint`, and `likewise.failed` as JSON.
========== ====================================================================================
"""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeAlias, final

import numpy as np

from likewise.errors import BadArgument, MissingExtra
from likewise.io import atomic
from likewise.results import SCHEMA, Result
from likewise.shapes import Array, Float, Shaped
from likewise.types import Items

FORMATS = (".npz", ".npy", ".parquet")
SLICE_ROWS = 4096

Failed: TypeAlias = Sequence[tuple[str, str]]


@dataclass(frozen=True, repr=False)
class WrittenVectors(Result):
    """What was written.

    Attributes:
        paths: The file asked for, and those beside it.
        items: How many vectors.
        dim: How many numbers each has.
        failed: Place and reason of each item that could not be read.
    """

    paths: tuple[Path, ...]
    items: int
    dim: int
    failed: tuple[tuple[str, str], ...]

    def summary(self) -> str:
        """Return how many vectors were written, and where."""
        return f"{self.items:,} x {self.dim} in {', '.join(map(str, self.paths))}"

    def to_dict(self) -> dict[str, Any]:
        """Return what was written as `--json` prints it."""
        files = [str(path) for path in self.paths]
        told = {"schema": SCHEMA, "out": files[0], "files": files, "items": self.items}
        return {**told, "dim": self.dim, "failed": [list(one) for one in self.failed]}


def check_vectors_path(path: Path) -> None:
    """Refuse a path that could not be written, before any work is done.

    Raises:
        BadArgument: If it does not name one of the formats, or its folder is not there.
        MissingExtra: If Parquet is asked for and pyarrow is not installed.
        SaveFailed: If nothing can be written in its folder.
    """
    if path.suffix not in FORMATS:
        raise BadArgument(
            f"{path} does not end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, the formats "
            "written. Name it so."
        )
    if not path.parent.is_dir():
        raise BadArgument(f"{path.parent} is no folder. Make it first.")
    if path.is_dir():
        raise BadArgument(f"{path} is a folder. Name a file.")
    if path.suffix == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            raise MissingExtra(
                "Parquet files are written by pyarrow. pip install 'likewise[evaluate]', or write "
                "an .npz."
            ) from error
    atomic.probe_folder(path.parent)


@final
class Spool:
    """Vectors on the disk, in a file that has no name, so that not even a kill leaves it behind.

    Args:
        path: What will be written of them at last; the file is made in its folder.
        dim: Length of a vector.

    Raises:
        SaveFailed: If the disk refuses; by any method.
    """

    def __init__(self, path: Path, dim: int) -> None:
        self.path = path
        self.dim = dim
        self.count = 0
        with atomic.saving(path):
            self._file = tempfile.TemporaryFile(  # noqa: SIM115
                prefix=".likewise-", dir=path.parent
            )

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *failure: object) -> None:
        with suppress(OSError):  # what is not flushed yet is not wanted any more
            self._file.close()

    def add(self, vectors: Float[Array, "n dim"]) -> None:
        """Put vectors behind those that are there."""
        with atomic.saving(self.path):
            self._file.write(np.ascontiguousarray(vectors, dtype="<f4").data)
        self.count += len(vectors)

    def slices(self, rows: int = SLICE_ROWS) -> Iterator[Float[Array, "n dim"]]:
        """All vectors, some at a time."""
        with atomic.saving(self.path):
            self._file.seek(0)
            while data := self._file.read(4 * self.dim * rows):
                yield np.frombuffer(data, dtype="<f4").reshape(-1, self.dim)


def write_vectors(spool: Spool, items: Items, failed: Failed, fingerprint: str) -> WrittenVectors:
    """Write spooled vectors to the path that the spool was made for.

    Args:
        spool: The vectors.
        items: Their table, row for row.
        failed: Place and reason of what could not be read.
        fingerprint: Of the model that made them.

    Raises:
        SaveFailed: If it cannot be written; what was there before still stands.
    """
    path = spool.path
    paths: tuple[Path, ...] = (path,)
    if path.suffix == ".npy":
        paths = (path, path.with_suffix(".rows.csv"), path.with_suffix(".failed.csv"))
    # The file that was asked for is named last: where it is new, so are those beside it.
    with atomic.replacing(*paths[1:], path) as files:
        if path.suffix == ".npz":
            _npz(files[0], spool, items, failed, fingerprint)
        elif path.suffix == ".parquet":
            _parquet(files[0], spool, items, failed, fingerprint)
        else:
            _csv(files[0], ("place", "identity", "group", "fingerprint"), _rows(items, fingerprint))
            _csv(files[1], ("place", "reason"), failed)
            _npy(files[2], (spool.count, spool.dim), np.dtype("<f4"), spool.slices())
    return WrittenVectors(paths, spool.count, spool.dim, tuple(failed))


def _npy(
    file: IO[bytes] | io.BufferedIOBase,
    shape: tuple[int, ...],
    dtype: np.dtype[np.generic],
    parts: Iterator[Array],
) -> None:
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.writelines(part.tobytes() for part in parts)


def _npz(file: BinaryIO, spool: Spool, items: Items, failed: Failed, fingerprint: str) -> None:
    columns = {
        "identities": items.identities,
        "places": items.places,
        "groups": items.groups,
        "fingerprint": np.asarray(fingerprint),
        "failed_places": np.asarray([place for place, _ in failed], dtype=np.str_),
        "failed_reasons": np.asarray([why for _, why in failed], dtype=np.str_),
    }
    with zipfile.ZipFile(file, "w") as archive:
        with archive.open("vectors.npy", "w", force_zip64=True) as member:
            _npy(member, (spool.count, spool.dim), np.dtype("<f4"), spool.slices())
        for name, column in columns.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                _npy(member, column.shape, column.dtype, _slices(column))


def _slices(column: Shaped[Array, "..."]) -> Iterator[Array]:
    if not column.ndim:
        yield column[None]
        return
    for start in range(0, len(column), SLICE_ROWS):
        yield column[start : start + SLICE_ROWS]


def _rows(items: Items, fingerprint: str) -> Iterator[tuple[str, str, str, str]]:
    for row in range(len(items)):
        place, identity, group = (
            str(column[row]) for column in (items.places, items.identities, items.groups)
        )
        yield place, identity, group, fingerprint


def _csv(file: BinaryIO, names: Sequence[str], rows: Iterator[Sequence[str]] | Failed) -> None:
    # A file's name may hold bytes that are no text.
    text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(rows)
    text.detach()


def _parquet(file: BinaryIO, spool: Spool, items: Items, failed: Failed, fingerprint: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"place": items.places, "identity": items.identities, "group": items.groups}
    fields = [(name, pa.string()) for name in columns]
    schema = pa.schema(
        [*fields, ("vector", pa.list_(pa.float32(), spool.dim))],
        metadata={
            "likewise.fingerprint": fingerprint,
            "likewise.failed": json.dumps([list(one) for one in failed]),
        },
    )
    start = 0
    with parquet.ParquetWriter(file, schema, use_dictionary=["identity", "group"]) as writer:
        for vectors in spool.slices(16 * SLICE_ROWS):
            rows = slice(start, start + len(vectors))
            arrays = [pa.array(_texts(column[rows]), pa.string()) for column in columns.values()]
            flat = pa.array(vectors.reshape(-1))
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, spool.dim))
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            start += len(vectors)


def _texts(column: Shaped[Array, "n"]) -> list[str]:
    """Strings that are text throughout, as Parquet wants them."""
    return [value.encode("utf-8", "backslashreplace").decode("utf-8") for value in column.tolist()]
