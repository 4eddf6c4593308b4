"""Embeddings and comparisons in files.

=========== =====================================================================================
`.npz`      `vectors` and `identities`, as `likewise embed` writes them; or `embeddings` for the
            one, `labels` for the other. Other keys are passed over.
`.csv`      And `.tsv`, `.parquet`, `.jsonl`: columns `id1`, `id2`, `same` and `distance`, or other
            names for them. Other columns are passed over.
=========== =====================================================================================
"""

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from likewise.bounds import memory_bytes
from likewise.errors import BadArgument, DamagedSource, MissingExtra, SourceNotFound
from likewise.given.embeddings import GivenEmbeddings
from likewise.given.pairs import GivenComparisons, checked
from likewise.given.protocol import Given
from likewise.printable import printable, shortened
from likewise.sources.npz import keys_of, read_npz
from likewise.sources.table import FORMS
from likewise.sources.tabular import cells
from likewise.sources.tabular.json_lines import open_json_lines
from likewise.sources.tabular.sheet import Sheet

VECTORS = ("vectors", "embeddings")
LABELS = ("identities", "labels")
ENDINGS = (".npz", *FORMS)
MEMORY_SHARE = 0.5
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

    Raises:
        BadArgument: If names are missing or the same, or one item alone is named.
    """

    first: str = "id1"
    second: str = "id2"
    same: str = "same"
    distance: str = "distance"
    similarity: str = ""

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
    def wanted(self) -> tuple[str, ...]:
        """Every column."""
        return (self.first, self.second, self.same, self.compared)


def read(path: str, *, distance: str = "", columns: Columns | None = None) -> Given:
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
    file = Path(os.path.expanduser(path))  # noqa: PTH111 - a missing home is no error here
    ending = file.suffix.lower()
    if ending not in ENDINGS:
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
    if ending == ".npz":
        if columns is not None and columns != Columns():
            raise BadArgument(
                f"{path} holds embeddings, which have no columns. Leave --columns and "
                "--similarity out."
            )
        return _embeddings(file, path, distance or "cosine")
    if distance:
        raise BadArgument(
            f"{path} holds comparisons, whose distances are there already, and --distance says "
            f"how embeddings are compared. Leave --distance {distance} out."
        )
    return _comparisons(file, path, columns or Columns())


def _embeddings(file: Path, path: str, distance: str) -> GivenEmbeddings:
    plain = (VECTORS[0], LABELS[0])
    keys = keys_of(file, path, plain)
    vectors, labels = (_one_of(path, keys, names) for names in (VECTORS, LABELS))
    known = (vectors, labels, "fingerprint")
    found = read_npz(file, path, known[:2], known, others=True)
    made = found.get("fingerprint")
    fingerprint = str(made) if made is not None and made.ndim == 0 else ""
    return GivenEmbeddings.of(
        found[vectors],
        found[labels],
        distance,
        place=path,
        fingerprint=printable(fingerprint[:64]),
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
    raise DamagedSource(_lacking(path, "key", names, keys) + hint)


def _lacking(path: str, noun: str, names: Sequence[str], there: Sequence[str]) -> str:
    near = next((n for one in names for n in difflib.get_close_matches(one, there, n=1)), None)
    meant = f" Is it {near!r}? Name it {names[0]!r}." if near and noun == "key" else ""
    meant = f" Did you mean {near!r}?" if near and noun != "key" else meant
    shown = printable(", ".join(map(repr, there[:MOST_NAMES]))) or "none"
    more = ", ..." if len(there) > MOST_NAMES else ""
    wanted = " or ".join(map(repr, names))
    return f"{path} has no {noun} {wanted}.{meant} It has {shown}{more}."


def _comparisons(file: Path, path: str, columns: Columns) -> GivenComparisons:
    try:
        import pyarrow as pa  # noqa: F401 - the modules of the formats need it
    except ImportError as error:
        raise MissingExtra(
            "Tables are read by pyarrow, which is not installed. "
            "Run: pip install 'likewise[evaluate]'"
        ) from error
    ending = file.suffix.lower()
    # The first distance of a .jsonl may be whole where others are not.
    whole = partial(open_json_lines, numbers=(columns.compared,))
    sheet = whole(file, path) if ending == ".jsonl" else FORMS[ending](file, path)
    named = tuple(name for name in columns.wanted if name)
    _check_names(sheet, named, columns)
    found = sheet.read(named)
    same = cells.truths(sheet, columns.same, found[columns.same]).astype(bool)
    numbers = cells.numbers(sheet, columns.compared, found[columns.compared])
    ids = None
    if columns.first:
        one, other = (
            cells.as_strings(cells.texts(sheet, name, found[name]))
            for name in (columns.first, columns.second)
        )
        ids = (one, other)
    return checked(sheet, same, numbers, ids, similarity=bool(columns.similarity))


def _check_names(sheet: Sheet, wanted: Sequence[str], columns: Columns) -> None:
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
        said = _lacking(sheet.place, "column", [name], sheet.names)
        if {"vector", "identity"} <= set(sheet.names):
            todo = " It holds embeddings, which are read from an .npz: write them as one."
        elif name in (columns.first, columns.second):
            todo = (
                " Name the columns of the items with --columns, or say that nobody knows the items "
                f"with --columns ,,{columns.same},{columns.compared}: then every row stands alone."
            )
        elif name == columns.distance and not columns.similarity:
            todo = (
                " Name it with --columns; and if yours is larger when two items are closer, it is "
                "a similarity: name its column with --similarity."
            )
        else:
            todo = " Name it with --columns."
        raise DamagedSource(said + todo)
