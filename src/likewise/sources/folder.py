"""A folder with one sub-folder an identity."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import final

import numpy as np

from likewise.errors import BadArgument, DamagedSource, EmptySource, UnreadableItem
from likewise.io.bounded import LARGEST_ITEM_BYTES
from likewise.io.display import printable
from likewise.io.npy import from_npy
from likewise.kinds import FAMILY as KINDS
from likewise.kinds.endings import kind_of_file
from likewise.shapes import Array, Float
from likewise.sources.base import Source
from likewise.sources.files import Files, open_files
from likewise.sources.layout import identity_folders
from likewise.sources.pattern import Pattern
from likewise.types import Items, Raw

NO_DATA = frozenset(
    {".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml"}
    | {".toml", ".ini", ".html", ".mat", ".db"}
)
ROWS = (".csv", ".tsv")
SHOWN = 10
NO_DATA_NAMES = frozenset({"README", "LICENSE", "LICENCE", "COPYING", "NOTICE"})


@final
class Folder(Source):
    """A directory, or a .zip read in place, with one sub-folder an identity.

    An identity is the whole path of its folder, since `character01` may recur in every alphabet;
    the first part of a longer path is the group. Levels whose folders are named as occasions
    (`2024-01`, `session2`, `cam1`) are no part of it: they are of the person above. Where the
    lowest folders are only numbered, and the same numbers recur, nobody can tell which of the two
    it is, and the level must be named. In a .zip, a folder of the archive's own name that holds all
    others is left out. `note` says which layout was found, once there are several levels. Where
    there are no sub-folders at all, nothing is labelled and the identity is empty.

    A `.npy` file is a series (floats [t] or [t d]), every other file is taken for an image, so
    that one which is none is named when it fails to be read. Left out are hidden files, links to
    folders, and texts and tables that stand beside the data (.txt, .csv, .json, README, ...). Only
    where there is nothing else, `.csv` and `.tsv` files are series, one time step a line. A link to
    a file is followed inside the folder only.

    Where the names of the files say who they show, a pattern reads them: literal text with
    `{identity}`, and if wanted `{origin}` and `{group}`, in the places where these stand, and `{}`
    for what says nothing, as in `{origin}_{identity}_{}.png`. It is held against the last parts of
    each path, as many as it has itself; a gap ends where the text behind it comes for the first
    time. Files that do not follow it are refused by name.

    Args:
        path: Of the directory or of the .zip.
        pattern: Of the names of the files; empty where folders are the identities.
        genuine: The word for a genuine item in the place of `{origin}`.
        forged: The word for a forged one.
        kind: What every file is, where its ending does not tell, as for vectors in `.npy` files;
            `auto` goes by the endings.
        identity_level: How many folders from the top name an identity, as 1 for
            `person/session/file`; 0 finds it out.

    Raises:
        UnknownName: If there is no such kind.
        BadArgument: If the path is empty, the pattern cannot be followed, or the two words are
            the same.
    """

    def __init__(
        self,
        path: str,
        pattern: str = "",
        genuine: str = "genuine",
        forged: str = "forged",
        kind: str = "auto",
        identity_level: int = 0,
    ) -> None:
        if not path:
            raise BadArgument("folder: the path is empty. Give that of a folder or of a .zip.")
        self.path = path
        self._kind = kind if kind == "auto" else KINDS.canonical(kind)
        if identity_level < 0 or (identity_level and pattern):
            raise BadArgument(
                f"folder: identity_level is {identity_level}, and a number of folders, 1 at least, "
                "is expected, or 0 to find it out; beside a pattern it is not needed."
            )
        self.identity_level = identity_level
        self.note = ""
        self._pattern = Pattern.parse(pattern) if pattern else None
        self._origins = {genuine: "genuine", forged: "forged"}
        if len(self._origins) < 2 or not (genuine and forged):
            raise BadArgument(
                f"folder: the words for genuine and forged are {genuine!r} and {forged!r}, and two "
                "different ones are expected."
            )
        if (genuine, forged) != ("genuine", "forged") and "{origin}" not in pattern:
            raise BadArgument(
                f"folder: the words {genuine!r} and {forged!r} were given, and the pattern has no "
                "{origin}, where one of them would stand. Write it, or leave the words out."
            )

    def items(self) -> Items:
        """The table of all files in natural order.

        Raises:
            SourceNotFound: If there is nothing at the path.
            EmptySource: If no file could be an item.
            DamagedSource: If it is no folder and no intact .zip, if files lie beside the
                sub-folders, or if some do not follow the pattern.
        """
        files = open_files(self.path)
        names = [name for name in files.names if _is_data(name)]
        names = names or [name for name in files.names if name.lower().endswith(ROWS)]
        if not names:
            left_out = f" ({len(files.names)} files were left out)" if files.names else ""
            raise EmptySource(
                f"{files.place} holds no file that could be an item{left_out}. "
                "Give a folder with one sub-folder an identity, and its images or series in it."
            )
        auto = self._kind == "auto"
        kinds = [kind_of_file(name) if auto else self._kind for name in names]
        if self._pattern is None:
            folders, self.note = identity_folders(files, names, self.identity_level)
            identities = ["/".join(parts) for parts in folders]
            groups = [parts[0] if len(parts) > 1 else "" for parts in folders]
            origins = [""] * len(names)
        else:
            read = _read_names(files, names, self._pattern, self._origins)
            identities, groups, origins = ([one[i] for one in read] for i in range(3))
        table = Items.build(
            files.namespace,
            [printable(identity) for identity in identities],
            kinds[0],
            [files.place_of(name) for name in names],
            _Reader(files, names, kinds),
            groups=[printable(group) for group in groups],
            origins=origins,
        )
        return replace(table, kinds=np.asarray(kinds, dtype=np.str_))


def _read_names(
    files: Files, names: list[str], pattern: Pattern, words: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Identity, group and origin of each file, as its name says."""
    read: list[tuple[str, str, str]] = []
    wrong: list[str] = []
    strange: list[str] = []
    for name in names:
        found = pattern.match(name)
        if found is None:
            wrong.append(name)
        elif "origin" in found and found["origin"] not in words:
            strange.append(f"{found['origin']!r} in {name}")
        else:
            origin = words[found["origin"]] if "origin" in found else ""
            read.append((found["identity"], found.get("group", ""), origin))
    if wrong:
        raise DamagedSource(
            f"{files.place}: {len(wrong)} of {len(names)} files do not follow the pattern "
            f"{pattern.text!r}: {_some(wrong)}. Mend the pattern, or move them out."
        )
    if strange:
        raise DamagedSource(
            f"{files.place}: the origin of {len(strange)} files is neither of "
            f"{' and '.join(map(repr, words))}: {_some(strange)}. Name the words, as in "
            "folder(path, pattern='...', genuine='original', forged='forgeries')."
        )
    return read


def _some(names: list[str]) -> str:
    more = ", ..." if len(names) > SHOWN else ""
    return ", ".join(printable(name) for name in names[:SHOWN]) + more


class _Reader:
    """Reads the files of a folder by row."""

    def __init__(self, files: Files, names: list[str], kinds: list[str]) -> None:
        self.files = files
        self.names = names
        self.kinds = kinds

    def __call__(self, row: int) -> Raw:
        name = self.names[row]
        data = self.files.read(name)
        if self.kinds[row] == "series" and name.lower().endswith(".npy"):
            return _series(data, self.files.place_of(name))
        return data


def _is_data(name: str) -> bool:
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    return suffix not in NO_DATA and not (not suffix and path.name.upper() in NO_DATA_NAMES)


def _series(data: bytes, place: str) -> Float[Array, "t d"]:
    try:
        array = from_npy(data, LARGEST_ITEM_BYTES)
    except ValueError as error:
        raise UnreadableItem(
            f"{place} is no .npy file that can be read: {error}. Save it again with numpy.save."
        ) from error
    if array.dtype.kind != "f" or array.ndim not in {1, 2} or array.size == 0:
        raise UnreadableItem(
            f"{place} holds {array.dtype} {list(array.shape)}, and floats [t] or [t d], not "
            "empty, are expected. Save it as such with numpy.save."
        )
    series: Array = array[:, None] if array.ndim == 1 else array
    return series
