"""Items that somebody gave in Python: files by their paths, images, bytes, pairs of any of them."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from likewise.data.item import read_item
from likewise.errors import BadArgument, DamagedSource, SourceNotFound
from likewise.io.display import printable, shortened
from likewise.kinds.endings import kind_of_file
from likewise.shapes import Array, Int
from likewise.sources.base import Source
from likewise.sources.tabular.pair_graph import components, edges
from likewise.types import Items, Pairs, Raw, composed

SHOWN = 10


@final
class Given(Source):
    """A table of items that is there already.

    Args:
        table: The items.
        note: In words, what they were taken for; empty where that is plain.
    """

    def __init__(self, table: Items, note: str = "") -> None:
        self._table = table
        self.note = note

    def items(self) -> Items:
        """The table."""
        return self._table

    def labelled(self, identities: Sequence[str]) -> "Given":
        """The same items, where each shows the identity of its row."""
        return Given(
            replace(self._table, identities=np.asarray([composed(str(one)) for one in identities])),
            self.note,
        )


@dataclass(frozen=True)
class _FileReader:
    """Reads the file of a row."""

    paths: tuple[str, ...]

    def __call__(self, row: int) -> Raw:
        return read_item(self.paths[row])


@dataclass(frozen=True)
class _Held:
    """Gives the raw item of a row, which is in memory."""

    items: Sequence[Raw]

    def __call__(self, row: int) -> Raw:
        return self.items[row]


def files_given(paths: Sequence[str | Path], kind: str = "") -> Given:
    """A source of files by their paths.

    Args:
        paths: Of the files, each an item.
        kind: The name of a kind; empty to go by the ending of each.

    Raises:
        SourceNotFound: If files are not there: how many, and the first ten.
    """
    names = [os.path.expanduser(path) for path in paths]  # noqa: PTH111 - no error without a home
    absent = [name for name in names if not Path(name).is_file()]
    if absent:
        more = ", ..." if len(absent) > SHOWN else ""
        shown = ", ".join(shortened(repr(name), 200) for name in absent[:SHOWN])
        raise SourceNotFound(
            f"there is no file {shown}{more} ({len(absent)} of {len(names)} paths). Check the "
            f"paths; they are relative to {Path.cwd()}."
        )
    kinds = [kind or kind_of_file(name) for name in names]
    table = Items.build(
        printable(_folder_of(names)) or "files",
        [""] * len(names),
        kinds[0],
        [printable(name) for name in names],
        _FileReader(tuple(names)),
    )
    return Given(replace(table, kinds=np.asarray(kinds, dtype=np.str_)))


def _folder_of(names: Sequence[str]) -> str:
    """The name of the folder that holds all files; empty where they lie on several drives."""
    folders = [os.path.abspath(Path(name).parent) for name in names]  # noqa: PTH100 - links stay
    try:
        return Path(os.path.commonpath(folders)).name
    except ValueError:
        return ""


def held(items: Sequence[Raw], kind: str, namespace: str) -> Given:
    """A source of raw items that are in memory, of one kind."""
    places = [f"{namespace}[{row}]" for row in range(len(items))]
    return Given(Items.build(namespace, [""] * len(items), kind, places, _Held(items)))


def pairs_given(source: Source, said: Sequence[object]) -> Given:
    """A source of pairs, from one of their first items and then their second ones.

    An item that is in several pairs is one item: a file by its path, anything else by what is in
    it. What hangs together by pairs is one identity.

    Args:
        source: Of twice as many items as there are pairs.
        said: Of each pair, whether its two are the same: True or False, 1 or 0.

    Raises:
        BadArgument: If something else is said of a pair.
        DamagedSource: If a pair is an item and itself, or two pairs contradict one another.
    """
    table = source.items()
    same = _truths(said)
    keys = _keys(table)
    _, at, which = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(at)
    distinct, cell = table.take(at[order]), np.argsort(order)[which]
    first, second = cell.reshape(2, -1)
    if (rows := np.flatnonzero(first == second)).size:
        raise DamagedSource(
            f"Pair {rows[0]} is an item and itself: {distinct.places[first[rows[0]]]}. Leave it "
            "out."
        )
    kept, of = edges(len(distinct), first, second)
    if (rows := np.flatnonzero(same != same[of])).size:
        raise DamagedSource(
            f"Pairs {of[rows[0]]} and {rows[0]} are the same two items, the same in one and "
            "different in the other. Leave one out."
        )
    roots = components(len(distinct), first[kept], second[kept])
    named = replace(distinct, identities=keys[at[order]][roots], rows=distinct.rows)
    return Given(replace(named, pairs=Pairs(first[kept], second[kept], same[kept])))


def _truths(said: Sequence[object]) -> Int[Array, "m"]:
    values = np.asarray(said)
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise BadArgument(
            f"Of a pair, {shortened(repr(said[0]), 60)} was said, and True or False (1 or 0), "
            "whether its two are the same, is expected. Grades go in a table: likewise train "
            "--help."
        )
    return values.astype(np.int64)


def _keys(table: Items) -> Array:
    """A name of each item that depends on it alone."""
    if isinstance(table.reader, _FileReader):
        return table.places
    return np.array([_digest(table.read(row), table.kind) for row in range(len(table))])


def _digest(raw: Raw, kind: str) -> str:
    digest = hashlib.sha256()
    if isinstance(raw, np.ndarray):
        digest.update(f"{raw.dtype} {raw.shape}".encode())
        digest.update(np.ascontiguousarray(raw).tobytes())
    else:
        digest.update(raw.encode() if isinstance(raw, str) else raw)
    return f"{kind} {digest.hexdigest()[:16]}"
