"""Embeddings and comparisons in files.

=========== =====================================================================================
`.npz`      `vectors` and `identities`, as `likewise embed` writes them; or `embeddings` for the
            one, `labels` for the other. Other keys are passed over.
`.csv`      And `.tsv`, `.parquet`, `.jsonl`: columns `id1`, `id2`, `same` (or `grade`) and
            `distance`, or other names for them. Other columns are passed over.
=========== =====================================================================================
"""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from likewise.errors import (
    BadArgument,
    DamagedSource,
    LikewiseError,
    MissingExtra,
    SourceNotFound,
)
from likewise.io.bounded import memory_bytes
from likewise.io.display import printable, shortened
from likewise.precomputed.columns import Columns, check_names, lacking
from likewise.precomputed.protocol import Precomputed
from likewise.precomputed.raw import RawComparisons, RawEmbeddings
from likewise.sources.npz import keys_of, read_npz
from likewise.sources.table import FORMS
from likewise.sources.tabular import cells
from likewise.sources.tabular.json_lines import open_json_lines

VECTORS = ("vectors", "embeddings")
LABELS = ("identities", "labels")
ENDINGS = (".npz", *FORMS)
MEMORY_SHARE = 0.5


def read_precomputed(
    path: str, *, distance: str = "", columns: Columns | None = None
) -> Precomputed:
    """Read embeddings with labels, or a table of comparisons, by the file's ending.

    Args:
        path: Of the file.
        distance: The spec of what compares embeddings; cosine if empty.
        columns: What the columns of a table are called.

    Raises:
        SourceNotFound: If there is no such file.
        BadArgument: If it has another ending, or is asked for what it does not hold.
        EmptySource: If there is nothing in it.
        DamagedSource: If its form is broken, or it holds something else; with the row.
        SplitError: If it holds no same or no different pair.
        MissingExtra: If pyarrow, which reads tables, is not installed.
    """
    file, ending = _found(path)
    _check_asked(path, ending, distance, columns)
    if ending == ".npz":
        return _vectors(file, path, distance or "cosine").checked()
    return _table(file, path, columns or Columns()).checked()


def _found(path: str) -> tuple[Path, str]:
    """The file and its ending, if it is one that can be read."""
    file = Path(os.path.expanduser(path))  # noqa: PTH111 - a missing home is no error here
    ending = file.suffix.lower()
    if ending not in ENDINGS:
        if path != file.name and not os.path.lexists(file):
            raise SourceNotFound(
                f"there is no file and no folder {shortened(repr(path), 300)}. Check its path."
            )
        raise BadArgument(
            f"{shortened(path, 300)} does not end in {', '.join(ENDINGS)}. Embeddings come in an "
            ".npz, comparisons in a table; anything else needs a model to compare it: likewise "
            "evaluate MODEL SOURCE."
        )
    try:
        size = file.stat().st_size if file.is_file() else -1
    except (OSError, ValueError):  # a name that is too long, or a folder that may not be entered
        size = -1
    if size < 0:
        raise SourceNotFound(f"there is no file {shortened(repr(path), 300)}. Check its path.")
    limit = int(memory_bytes() * MEMORY_SHARE)
    if size > limit:
        raise DamagedSource(
            f"{path} has {size} bytes, and at most {limit}, half of the memory, are read. Part it "
            "into smaller files."
        )
    return file, ending


def read_raw(
    path: str, *, distance: str = "", columns: Columns | None = None
) -> RawEmbeddings | RawComparisons:
    """Read what a file holds, of which only the form is checked: an audit says what is wrong.

    Args:
        path: Of the file.
        distance: The spec of what compares embeddings; cosine if empty.
        columns: What the columns of a table are called.

    Raises:
        LikewiseError: As `read_precomputed`, but not for numbers that are missing or not finite,
        nor for pairs
            that contradict one another.
    """
    file, ending = _found(path)
    _check_asked(path, ending, distance, columns)
    if ending == ".npz":
        return _vectors(file, path, distance or "cosine")
    return _table(file, path, columns or Columns(), loose=True)


def is_precomputed(path: str) -> bool:
    """Whether a file holds embeddings or comparisons, and no items that a model compares.

    Args:
        path: Of the file; anything else holds none.
    """
    file = Path(os.path.expanduser(path))  # noqa: PTH111 - a missing home is no error here
    ending = file.suffix.lower()
    try:
        if ending not in ENDINGS or not file.is_file():
            return False
        if ending == ".npz":
            keys = keys_of(file, path, VECTORS[:1])
            return "items" not in keys and any(name in keys for name in VECTORS)
        _need_pyarrow()
        names = FORMS[ending](file, path).names
    except (LikewiseError, OSError, ValueError):
        return False  # whoever reads it says what is wrong
    return {Columns.first, Columns.second} <= set(names) or (
        Columns.distance in names and not {"first", "second"} <= set(names) and "item" not in names
    )


def _check_asked(path: str, ending: str, distance: str, columns: Columns | None) -> None:
    """Refuse what a file of this ending does not hold."""
    if ending == ".npz" and columns is not None and columns != Columns():
        raise BadArgument(
            f"{path} holds embeddings, which have no columns. Leave --columns, --similarity and "
            "--same-from out."
        )
    if ending != ".npz" and distance:
        raise BadArgument(
            f"{path} holds comparisons, whose distances are there already, and --distance says "
            f"how embeddings are compared. Leave --distance {distance} out."
        )


def _vectors(file: Path, path: str, distance: str) -> RawEmbeddings:
    plain = (VECTORS[0], LABELS[0])
    keys = keys_of(file, path, plain)
    vectors, labels = (_one_of(path, keys, names) for names in (VECTORS, LABELS))
    known = (vectors, labels, "fingerprint")
    found = read_npz(file, path, known[:2], known, others=True)
    made = found.get("fingerprint")
    fingerprint = str(made) if made is not None and made.ndim == 0 else ""
    return RawEmbeddings.of(
        path, found[vectors], found[labels], distance, printable(fingerprint[:64])
    )


def _one_of(path: str, keys: Sequence[str], names: Sequence[str]) -> str:
    """Which of these names the file has."""
    there = [name for name in names if name in keys]
    if len(there) == 1:
        return there[0]
    if there:
        raise DamagedSource(
            f"{path} has the keys {' and '.join(map(repr, there))}, so nobody knows which to go "
            "by. Leave one out."
        )
    hint = ""
    if "items" in keys:
        hint = " It holds items, which a model compares: likewise evaluate MODEL SOURCE."
    raise DamagedSource(lacking(path, "key", names, keys) + hint)


def _need_pyarrow() -> None:
    try:
        import pyarrow as pa  # noqa: F401 - the modules of the formats need it
    except ImportError as error:
        raise MissingExtra(
            "Tables are read by pyarrow, which is not installed. "
            "Run: pip install 'likewise[evaluate]'"
        ) from error


def _table(file: Path, path: str, columns: Columns, *, loose: bool = False) -> RawComparisons:
    _need_pyarrow()
    ending = file.suffix.lower()
    # The first number of a .jsonl may be whole where others are not.
    open_ = columns.compared, *((columns.said,) if columns.grading else ())
    whole = partial(open_json_lines, numbers=open_)
    sheet = whole(file, path) if ending == ".jsonl" else FORMS[ending](file, path)
    named = tuple(name for name in columns.wanted if name)
    check_names(sheet, named, columns)
    found = sheet.read(named)
    grades = None
    if columns.grading is None:
        same = cells.truths(sheet, columns.said, found[columns.said]).astype(np.float64)
    else:
        grades = cells.number_cells(sheet, columns.said, found[columns.said])
        same = columns.grading.read(grades)
    cell = found[columns.compared]
    unread: dict[int, str] = {}
    if loose:
        far, unread = cells.loose_numbers(sheet, columns.compared, cell)
    else:
        far = cells.number_cells(sheet, columns.compared, cell)
    ids = None
    if columns.first:
        one, other = (
            cells.as_strings(cells.texts(sheet, name, found[name]))
            for name in (columns.first, columns.second)
        )
        ids = (one, other)
    return RawComparisons(sheet, same, far, ids, bool(columns.similarity), grades, unread)
