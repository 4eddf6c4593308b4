"""Labeled Faces in the Wild: photographs of 5,749 people, with the lists of its two views."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TypeAlias, final

import numpy as np

from likewise.errors import BadArgument, DamagedSource, EmptySource
from likewise.io.display import printable, shortened
from likewise.shapes import Array, Shaped
from likewise.sources.base import Source
from likewise.sources.data_folder import find_data
from likewise.sources.files import FileOfRow, Files, open_files
from likewise.sources.tabular.pair_graph import components
from likewise.types import Items, Pairs

NAMES = ("lfw_deepfunneled_96.zip", "lfw-deepfunneled.zip", "lfw-deepfunneled", "lfw")
IMAGE = re.compile(r"(?:^|/)([^/]+)/\1_(\d{4,})\.jpe?g$")
FOLDS = 10
SHOWN = 10

Pair: TypeAlias = tuple[str, int, str, int]


@final
class Lfw(Source):
    """Photographs of 5,749 people found in the news, with the official lists of pairs and people.

    They are read from `lfw_deepfunneled_96.zip` (or a folder or .zip `lfw-deepfunneled`) in the
    folder that LIKEWISE_DATA names; the lists (`pairs`, `people`, ... as .txt or .csv) stand beside
    the folders of the people. Without a view, and in view 1, an identity is a person, the group is
    the set of view 2 (`1` to `10`) that holds the person, and view 1 says which people train and
    which test. View 2 is a protocol of listed pairs: 300 same and 300 different ones a fold.

    Args:
        view: 0 for all people; 1, which parts them into train and test; 2 for the listed pairs.
        fold: Of view 2, 1 to 10: the 600 pairs of one set; 0 for all 6,000.

    Raises:
        BadArgument: If there is no such view or fold.

    References:
        Huang, Ramesh, Berg, Learned-Miller, "Labeled Faces in the Wild: A Database for Studying
        Face Recognition in Unconstrained Environments", 2007. Huang, Mattar, Lee, Learned-Miller,
        "Learning to Align from Scratch", 2012, for the deep-funneled images.
    """

    def __init__(self, view: int = 0, fold: int = 0) -> None:
        if view not in {0, 1, 2} or not 0 <= fold <= FOLDS or (fold and view != 2):
            raise BadArgument(
                f"lfw: view is {view} and fold {fold}. Expected is the view 0, 1 or 2, and of view "
                f"2 a fold from 1 to {FOLDS}, or 0 for all."
            )
        self.view = view
        self.fold = fold

    def items(self) -> Items:
        """The table of the photographs that the view names.

        Raises:
            SourceNotFound: If LIKEWISE_DATA is not set or does not hold them.
            EmptySource: If there are no photographs in it.
            DamagedSource: If the archive is broken, a list is not there or broken, or a list names
                photographs that are not there.
        """
        files = open_files(str(find_data("LFW", *NAMES)))
        photographs = {
            (match[1], int(match[2])): name for name in files.names if (match := IMAGE.search(name))
        }
        if not photographs:
            raise EmptySource(
                f"{files.place} holds no photographs like Abel_Pacheco/Abel_Pacheco_0001.jpg. "
                "Put the folder of the deep-funneled images there."
            )
        if self.view == 2:
            return _of_pairs(files, photographs, self.fold)
        return _of_people(files, photographs, parts=self.view == 1)


def _of_people(files: Files, photographs: dict[tuple[str, int], str], *, parts: bool) -> Items:
    people = [person for person, _ in photographs]
    sets = {
        person: str(number)
        for number, section in enumerate(_people(files, "people"), 1)
        for person in section
    }
    part: dict[str, str] = {}
    if parts:
        lists = {"train": ("peopleDevTrain", "peopleDevTraining"), "test": ("peopleDevTest",)}
        for role, called in lists.items():
            part |= {person: role for one in _people(files, *called) for person in one}
    for told, what in ((sets, "people"), (part, "peopleDevTrain and peopleDevTest")):
        if told and (absent := sorted(set(told) - set(people))):
            raise _absent(files, what, absent)
        if told and (extra := sorted(set(people) - set(told))):
            raise DamagedSource(
                f"{files.place}: the list {what} names {len(extra)} of its people not: "
                f"{_some(extra)}. Fetch the lists again."
            )
    names = list(photographs.values())
    return Items.build(
        "lfw",
        [printable(person) for person in people],
        "image",
        [files.place_of(name) for name in names],
        FileOfRow(files, names),
        groups=[sets[person] for person in people],
        parts=[part[person] for person in people] if parts else None,
    )


def _of_pairs(files: Files, photographs: dict[tuple[str, int], str], fold: int) -> Items:
    listed = _pairs(files)
    number = np.repeat(np.arange(1, FOLDS + 1), len(listed) // FOLDS)
    chosen = np.flatnonzero(number == fold) if fold else np.arange(len(listed))
    rows: dict[tuple[str, int], int] = {}
    groups: list[str] = []
    ends, same = [], []
    for at in chosen.tolist():
        one, first, other, second = listed[at]
        for photograph in ((one, first), (other, second)):
            if photograph not in rows:
                rows[photograph] = len(rows)
                groups.append(str(number[at]))
        ends.append((rows[one, first], rows[other, second]))
        same.append(int(one == other))
    if absent := [f"{who}_{n:04}" for who, n in rows if (who, n) not in photographs]:
        raise _absent(files, "pairs", absent)
    first_row, second_row = np.array(ends, dtype=np.int64).T
    names = [photographs[photograph] for photograph in rows]
    keys: Shaped[Array, "n"] = np.array([printable(f"{who}_{n:04}") for who, n in rows])
    return Items.build(
        "lfw",
        keys[components(len(rows), first_row, second_row)].tolist(),
        "image",
        [files.place_of(name) for name in names],
        FileOfRow(files, names),
        groups=groups,
        pairs=Pairs(first_row, second_row, np.array(same)),
    )


def _rows(files: Files, *names: str) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """The place of a list, and the cells of each of its lines with the line's number."""
    wanted = {f"{name}{end}" for name in names for end in (".txt", ".csv")}
    there = [name for name in files.names if PurePosixPath(name).name in wanted]
    if not there:
        raise DamagedSource(
            f"{files.place} holds no list {' or '.join(sorted(wanted))}. Put the official lists of "
            "LFW beside the folders of the people."
        )
    place = files.place_of(there[0])
    try:
        lines = files.read(there[0]).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DamagedSource(f"{place} is no text ({error}). Fetch it again.") from error
    cells = (
        (number, [cell.strip() for cell in re.split(r"[,\t]", line)])
        for number, line in enumerate(lines, 1)
    )
    return place, cells


def _people(files: Files, *names: str) -> list[list[str]]:
    """The people of a list, section by section."""
    place, rows = _rows(files, *names)
    sections: list[list[str]] = [[]]
    for line, cells in rows:
        filled = [cell for cell in cells if cell]
        # A list begins with its heading or the number of its sections, each of these with a count.
        if filled == ["name", "images"] or len(filled) < 2:
            if sections[-1]:
                sections.append([])
            continue
        if len(filled) != 2 or not filled[1].isdecimal():
            raise _broken(place, line, "a name and a number of images")
        sections[-1].append(filled[0])
    if not sections[0]:
        raise DamagedSource(f"{place} names nobody. Fetch it again.")
    return [section for section in sections if section]


def _pairs(files: Files) -> list[Pair]:
    """The pairs of view 2, fold by fold."""
    place, rows = _rows(files, "pairs")
    listed: list[Pair] = []
    for line, cells in rows:
        filled = [cell for cell in cells if cell]
        if line == 1 or not filled:
            continue
        numbers = [cell.isdecimal() for cell in filled]
        if numbers == [False, True, True]:
            listed.append((filled[0], int(filled[1]), filled[0], int(filled[2])))
        elif numbers == [False, True, False, True]:
            listed.append((filled[0], int(filled[1]), filled[2], int(filled[3])))
        else:
            raise _broken(place, line, "a name and two numbers, or two names with a number each")
        one, first, other, second = listed[-1]
        if (one, first) == (other, second):
            raise _broken(place, line, "two photographs, not one and itself,")
    if not listed or len(listed) % FOLDS:
        raise DamagedSource(
            f"{place} lists {len(listed)} pairs, and {FOLDS} sets of equal size are expected. "
            "Fetch it again."
        )
    return listed


def _broken(place: str, line: int, expected: str) -> DamagedSource:
    return DamagedSource(f"{place}, line {line}: {expected} are expected. Fetch the list again.")


def _absent(files: Files, what: str, names: list[str]) -> DamagedSource:
    return DamagedSource(
        f"{files.place}: the list {what} names {len(names)} that are not there: {_some(names)}. "
        "Fetch the images again."
    )


def _some(names: list[str]) -> str:
    more = ", ..." if len(names) > SHOWN else ""
    return shortened(", ".join(names[:SHOWN]), 1000) + more
