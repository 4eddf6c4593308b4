"""Omniglot: handwritten characters of fifty alphabets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from likewise.errors import BadArgument, DamagedSource, EmptySource
from likewise.sources.base import Source
from likewise.sources.data_folder import find_data
from likewise.sources.files import Files, open_files, parts_of
from likewise.types import Items

ARCHIVES = {
    "all": ("images_background", "images_evaluation"),
    "background": ("images_background",),
    "evaluation": ("images_evaluation",),
    "small1": ("images_background_small1",),
    "small2": ("images_background_small2",),
}
PARTS = {"images_background": "train", "images_evaluation": "test"}
DRAWING = re.compile(r"(?:^|/)\d+_(\d+)\.png$")
RUNS = 20
WAYS = 20


@final
class Omniglot(Source):
    """Handwritten characters of fifty alphabets, each drawn by 20 people.

    The archives (or folders of their names) are read from `omniglot/` in the folder that the
    variable LIKEWISE_DATA names, else from the cache, which `likewise data omniglot` fills. The
    source's own protocol trains on `background` and tests on `evaluation`.

    Args:
        part: `all` (background and evaluation, 32,460 drawings), one of the two, or one of the
            small background sets of five alphabets.

    Raises:
        BadArgument: If there is no such part.

    References:
        Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program
        induction", Science 350, 2015.
    """

    def __init__(
        self, part: Literal["all", "background", "evaluation", "small1", "small2"] = "all"
    ) -> None:
        if part not in ARCHIVES:
            raise BadArgument(
                f"omniglot: part is {part!r}, and one of {', '.join(ARCHIVES)} is expected."
            )
        self.part = part

    def items(self) -> Items:
        """The table of all drawings; the identities are like `Balinese/character01`.

        Raises:
            SourceNotFound: If neither LIKEWISE_DATA nor the cache holds the archive.
            EmptySource: If the archive holds no drawings.
            DamagedSource: If the archive is broken.
        """
        rows: list[tuple[Files, str, str]] = []
        for archive in ARCHIVES[self.part]:
            files = _open(archive)
            drawings = [name for name in files.names if DRAWING.search(name)]
            drawings = [name for name in drawings if len(parts_of(name)) >= 3]
            if not drawings:
                raise EmptySource(
                    f"{files.place} holds no drawings like Greek/character01/0394_01.png. "
                    "Put the archive of the Omniglot project there."
                )
            rows += [(files, name, PARTS.get(archive, "")) for name in drawings]
        paths = [parts_of(name)[-3:-1] for _, name, _ in rows]

        return Items.build(
            "omniglot",
            ["/".join(path) for path in paths],
            "image",
            [files.place_of(name) for files, name, _ in rows],
            _Drawings([(files, name) for files, name, _ in rows]),
            groups=[path[0] for path in paths],
            parts=[part for _, _, part in rows],
        )


@dataclass(frozen=True)
class _Drawings:
    """Reads the drawing of each row of the table."""

    rows: Sequence[tuple[Files, str]]

    def __call__(self, row: int) -> bytes:
        files, name = self.rows[row]
        return files.read(name)


def _open(archive: str) -> Files:
    names = (f"omniglot/{archive}.zip", f"omniglot/{archive}")
    found = find_data("Omniglot", *names, download="omniglot")
    return open_files(str(found))


def drawer_of(place: str) -> int:
    """Which of the 20 people drew the item at this place; 7 for `0108_07.png`.

    Raises:
        BadArgument: If the place is not that of a drawing of Omniglot.
    """
    match = DRAWING.search(place)
    if match is None:
        raise BadArgument(
            f"{place!r} is no place of an Omniglot drawing, which ends like 0108_07.png."
        )
    return int(match[1])


@dataclass(frozen=True)
class OfficialRun:
    """One official one-shot run: each test drawing is classified on its own among the training.

    Attributes:
        training: One encoded drawing of each of the 20 classes.
        test: The 20 encoded drawings to classify.
        answers: For each of them the index of its class in `training`.
    """

    training: tuple[bytes, ...]
    test: tuple[bytes, ...]
    answers: tuple[int, ...]


def official_runs() -> list[OfficialRun]:
    """The 20 official one-shot runs, from `all_runs.zip`.

    Raises:
        SourceNotFound: If neither LIKEWISE_DATA nor the cache holds the archive.
        DamagedSource: If the archive does not hold 20 complete runs.
    """
    files = _open("all_runs")
    names = {"/".join(parts_of(name)[-3:]): name for name in files.names}
    labels = {"/".join(parts_of(name)[-2:]): name for name in files.names}
    runs = []
    for number in range(1, RUNS + 1):
        run = f"run{number:02}"
        training = [f"{run}/training/class{way:02}.png" for way in range(1, WAYS + 1)]
        try:
            text = files.read(labels[f"{run}/class_labels.txt"]).decode()
            pairs = [line.split() for line in text.splitlines() if line.strip()]
            if len(pairs) != WAYS:
                raise ValueError(f"class_labels.txt has {len(pairs)} lines")  # noqa: TRY301
            runs.append(
                OfficialRun(
                    training=tuple(files.read(names[name]) for name in training),
                    test=tuple(files.read(names[test]) for test, _ in pairs),
                    answers=tuple(training.index(answer) for _, answer in pairs),
                )
            )
        except (KeyError, ValueError) as error:
            raise DamagedSource(
                f"{files.place}: {run} is not complete ({error}). Expected are {WAYS} training "
                "and test drawings and class_labels.txt. Fetch the archive again."
            ) from error
    return runs
