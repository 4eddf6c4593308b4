"""Arrays that are in memory already, or in one .npz file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np

from likewise.errors import (
    BadArgument,
    DamagedSource,
    EmptySource,
    SourceNotFound,
    UnknownName,
)
from likewise.io.display import printable, shortened
from likewise.kinds import FAMILY as KINDS
from likewise.kinds.base import Kind
from likewise.shapes import Array
from likewise.sources.base import Source
from likewise.sources.npz import read_npz
from likewise.types import Items, Raw

KEYS = ("items", "identities", "groups", "kind", "lengths")
GUESSED = ("image", "series")
"""What arrays are taken for; a vector is floats too, and is asked for by name."""
Names: TypeAlias = Sequence[str] | Sequence[int] | Array


@final
class Arrays(Source):
    """Items in one .npz file, or numpy arrays given to `Arrays.of`.

    The file holds `items` (images [n h w] or [n h w c], uint8 or any numbers in 0 to 1 or 0 to
    255; series [n t] or [n t d]; or vectors [n d]) and `identities` [n]; if wanted `groups` [n],
    `kind` (`image`, `series`, or `vector`, which is never guessed) and, for padded series, their
    `lengths` [n].

    Args:
        path: Of the .npz file.
        kind: What the items are, when the file does not say it; guessed where both say nothing.

    Raises:
        BadArgument: If the path is empty.
        UnknownName: If there is no such kind.
    """

    def __init__(self, path: str, kind: str = "") -> None:
        if not path:
            raise BadArgument("arrays: the path is empty. Give that of an .npz file.")
        self.path = path
        self.kind = KINDS.canonical(kind) if kind else ""
        self.note = ""
        self._table: Items | None = None

    @classmethod
    def of(
        cls,
        items: Array | Sequence[Any],
        identities: Names | None = None,
        kind: str | None = None,
        groups: Names | None = None,
        namespace: str = "arrays",
    ) -> "Arrays":
        """A source of arrays that are in memory already.

        Args:
            items: One array of all items as in the file, or a list of arrays of unequal size.
            identities: Who or what each shows; None where nobody knows.
            kind: `image`, `series` or `vector`; None guesses it by shape and values, and `note`
                says what was guessed.
            groups: Alphabet, family or site of each.
            namespace: The name of the collection.

        Raises:
            EmptySource: If there are no items.
            DamagedSource: If a shape or type is not as above, with the argument's name.
        """
        source = cls(namespace or "arrays")
        named = [""] * len(items) if identities is None and np.ndim(items[:1]) else identities
        source._table, source.note = _table(
            source.path,
            source.path,
            items,
            named if named is not None else (),
            kind,
            groups,
            None,
        )
        return source

    def items(self) -> Items:
        """The table of all items.

        Raises:
            SourceNotFound: If there is no such file.
            EmptySource: If it holds no items.
            DamagedSource: If it is no .npz, or a key's shape or type is not as above.
        """
        if self._table is not None:
            return self._table
        loaded = _load(self.path)
        kind = loaded.get("kind")
        if kind is not None and (kind.ndim != 0 or kind.dtype.kind != "U"):
            raise DamagedSource(
                f"{self.path}: 'kind' is {kind.dtype} {list(kind.shape)}, and one string, "
                f"one of {', '.join(map(repr, KINDS.names()))}, is expected."
            )
        said = str(kind) if kind is not None else self.kind or None
        table, self.note = _table(
            self.path,
            printable(Path(self.path).stem),
            loaded["items"],
            loaded["identities"],
            said,
            loaded.get("groups"),
            loaded.get("lengths"),
        )
        return table


def _load(path: str) -> dict[str, Array]:
    file = Path(os.path.expanduser(path))  # noqa: PTH111 - a missing home is no error here
    try:
        there = file.is_file()
    except (
        OSError,
        ValueError,
    ):  # a name that is too long, or a folder that may not be looked into
        there = False
    if not there:
        raise SourceNotFound(
            f"there is no file {shortened(repr(path), 300)}. Give the path of an .npz that exists."
        )
    return read_npz(file, path, KEYS[:2], KEYS)


def _table(
    path: str,
    namespace: str,
    items: Array | Sequence[Any],
    identities: Names,
    kind: str | None,
    groups: Names | None,
    lengths: Array | None,
) -> tuple[Items, str]:
    """Return the table of arrays, and in words what they were taken for if nobody said it."""
    stacked = isinstance(items, np.ndarray) and items.dtype != object
    if isinstance(items, np.ndarray) and items.ndim == 0:
        raise DamagedSource(f"{path}: 'items' is a single value. {_expectation()}.")
    count = len(items)
    if count == 0:
        raise EmptySource(f"{path}: 'items' is empty. Give at least two items of two identities.")
    first = np.asarray(items[0])
    what = _kind(path, first, kind)
    items, note = _adopted(path, items, what, stacked=stacked)
    if kind is None and (note or not what.recognises(first)):
        note = f"{first.dtype} {list(first.shape)} taken for {what.one}; {note}".rstrip("; ")
    _check_rows(path, items, what, stacked=stacked)
    names = _column(path, "identities", identities, count)
    if "" in names and any(names):
        raise DamagedSource(
            f"{path}: 'identities' is empty at row {names.index('')} and filled elsewhere. "
            "Name every item, or none."
        )
    ends = None if lengths is None else _lengths(path, items, lengths, what)

    table = Items.build(
        namespace,
        names,
        what.name,
        [f"{path}[{row}]" for row in range(count)],
        _RowReader(items, what, ends),
        groups=None if groups is None else _column(path, "groups", groups, count),
    )
    return table, note


@dataclass(frozen=True)
class _RowReader:
    """Gives the items of an array, or of a list of arrays, by row; without their padding."""

    items: Array | Sequence[Any]
    kind: Kind
    ends: list[int] | None

    def __call__(self, row: int) -> Raw:
        value = np.asarray(self.items[row])
        return self.kind.of_row(value if self.ends is None else value[: self.ends[row]])


def _expectation(*kinds: Kind) -> str:
    wanted = " or ".join(kind.expected for kind in kinds or map(KINDS.build, GUESSED))
    return f"Expected is {wanted}"


def _kind(path: str, first: Array, given: str | None) -> Kind:
    if given is not None:
        try:
            return KINDS.build(KINDS.canonical(given))
        except UnknownName as error:
            raise DamagedSource(f"{path}: 'kind' is {given!r}: {error}") from None
    foreign = [name for name in KINDS.names() if name not in (*GUESSED, "vector")]
    for kind in map(KINDS.build, (*GUESSED, *foreign)):
        if kind.recognises(first) or kind.resembles(first):
            return kind
    raise DamagedSource(
        f"{path}: 'items' are {first.dtype} {list(first.shape)} each. {_expectation()}."
    )


def _adopted(
    path: str, items: Array | Sequence[Any], kind: Kind, *, stacked: bool
) -> tuple[Array | Sequence[Any], str]:
    """Return the items as their kind hands them over, and in words what was done to them."""
    rows = [np.asarray(item) for item in (items[:1] if stacked else items)]
    if all(kind.recognises(row) for row in rows):
        return items, ""
    try:
        return kind.adopt([np.asarray(item) for item in items])
    except BadArgument as error:
        raise DamagedSource(f"{path}: {error}") from error


def _check_rows(path: str, items: Array | Sequence[Any], kind: Kind, *, stacked: bool) -> None:
    expected = None
    for row in range(1 if stacked else len(items)):
        item = np.asarray(items[row])
        where = "'items' are" if stacked else f"'items' at row {row} is"
        each = " each" if stacked else ""
        if not kind.recognises(item):
            raise DamagedSource(
                f"{path}: {where} {item.dtype} {list(item.shape)}{each}. {_expectation(kind)}, "
                f"not empty, since the kind is {kind.name}."
            )
        own = kind.of_row(item).shape[-1]
        if kind.width and expected not in {None, own}:
            raise DamagedSource(
                f"{path}: {where} {kind.one} of {own} {kind.width}, and those before it have "
                f"{expected}. Give all {kind.many} the same {kind.width}."
            )
        expected = own


def _column(path: str, key: str, values: Names, count: int) -> list[str]:
    column = np.asarray(values)
    if column.dtype.kind not in "USiu" or column.shape != (count,):
        raise DamagedSource(
            f"{path}: {key!r} is {column.dtype} {list(column.shape)}, and {count} strings or "
            "whole numbers, one for each item, are expected."
        )
    if column.dtype.kind == "S":
        try:
            column = np.char.decode(column, "utf-8")
        except UnicodeDecodeError as error:
            raise DamagedSource(
                f"{path}: {key!r} holds bytes that are no UTF-8 ({error}). Save it as strings."
            ) from error
    return [printable(str(value)) for value in column.tolist()]


def _lengths(path: str, items: Array | Sequence[Any], lengths: Array, kind: Kind) -> list[int]:
    if not kind.timed:
        raise DamagedSource(f"{path}: 'lengths' is for series, and these are {kind.many}. Drop it.")
    if lengths.dtype.kind not in "iu" or lengths.shape != (len(items),):
        raise DamagedSource(
            f"{path}: 'lengths' is {lengths.dtype} {list(lengths.shape)}, and {len(items)} whole "
            "numbers, one for each item, are expected."
        )
    longest = len(items[0])
    for row, length in enumerate(lengths.tolist()):
        if not 1 <= length <= longest:
            raise DamagedSource(
                f"{path}: 'lengths' is {length} at row {row}, and 1 to {longest} is expected, "
                "the time axis of 'items'."
            )
    return [int(length) for length in lengths]
