"""Time series of the UCR and UEA archives."""

import difflib
import os
from pathlib import Path, PurePosixPath
from typing import final

from likewise.errors import BadArgument, DamagedSource, SourceNotFound
from likewise.io.bounded import LARGEST_ITEM_BYTES, read_plain
from likewise.io.display import printable, shortened
from likewise.sources.base import Source
from likewise.sources.data_folder import find_data
from likewise.sources.files import open_files
from likewise.sources.ts import TsSeries, parse_ts
from likewise.types import Items

PARTS = {"_TRAIN": "train", "_TEST": "test"}


@final
class Ucr(Source):
    """A set of labelled time series of the UCR or UEA archive, in `.ts` files.

    A name such as `GunPoint` is looked for as `GunPoint_TRAIN.ts` and `GunPoint_TEST.ts` in
    `ucr_uea.zip` (or the folder `ucr_uea`) in the folder that LIKEWISE_DATA names; both files are
    read, in their original, possibly unequal lengths. A path that ends in `.ts` is that file alone.

    Args:
        name: Of the set, or the path of a `.ts` file.

    Raises:
        BadArgument: If the name is empty.

    References:
        Dau et al., "The UCR Time Series Archive", 2019. Bagnall et al., "The UEA multivariate time
        series classification archive", 2018.
    """

    def __init__(self, name: str) -> None:
        if not name:
            raise BadArgument("ucr: the name is empty. Give one such as 'GunPoint'.")
        self.name = name

    def items(self) -> Items:
        """The table of all series; the identities are the class labels, items float32 [t d].

        Raises:
            SourceNotFound: If LIKEWISE_DATA is not set or holds no such set, or there is no file.
            EmptySource: If a file holds no series.
            DamagedSource: If a file departs from the format, with the line.
        """
        rows: list[tuple[TsSeries, str, str]] = []
        for file, data in self._files():
            part = next((PARTS[end] for end in PARTS if file.endswith(f"{end}.ts")), "")
            series = parse_ts(data, file)
            channels = series[0].values.shape[1]
            if rows and rows[0][0].values.shape[1] != channels:
                raise DamagedSource(
                    f"{file}:{series[0].line}: {channels} channels, and "
                    f"{rows[0][0].values.shape[1]} in {rows[0][1]}. Fetch both files again."
                )
            rows += [(one, f"{file}:{one.line}", part) for one in series]
        namespace = PurePosixPath(self.name.replace("\\", "/")).name.removesuffix(".ts")
        for end in PARTS:
            namespace = namespace.removesuffix(end)
        return Items.build(
            namespace,
            [printable(one.label) for one, _, _ in rows],
            "series",
            [place for _, place, _ in rows],
            [one.values for one, _, _ in rows].__getitem__,
            parts=[part for _, _, part in rows],
        )

    def _files(self) -> list[tuple[str, bytes]]:
        """Name and content of each file to read, the training part first."""
        if self.name.endswith(".ts"):
            path = Path(os.path.expanduser(self.name))  # noqa: PTH111 - a missing home is no error
            try:
                return [(printable(path.name), read_plain(path, LARGEST_ITEM_BYTES))]
            except (OSError, ValueError) as error:  # ValueError: a NUL in the name
                why = getattr(error, "strerror", None) or error
                raise SourceNotFound(
                    f"{shortened(self.name, 300)} cannot be read: {why}. "
                    "Give the path of a .ts file, or the name of a set such as 'GunPoint'."
                ) from error
        files = open_files(str(find_data("UCR and UEA series", "ucr_uea.zip", "ucr_uea")))
        held = {PurePosixPath(name).name: name for name in files.names}
        wanted = [f"{self.name}{end}.ts" for end in PARTS]
        if not all(file in held for file in wanted):
            sets = sorted(
                {file[: -len("_TRAIN.ts")] for file in held if file.endswith("_TRAIN.ts")}
            )
            sets = [name for name in sets if not name.endswith("_eq")]
            near = difflib.get_close_matches(self.name, sets, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise SourceNotFound(
                f"{files.place} holds no {' and '.join(wanted)}.{hint} "
                f"It holds: {', '.join(sets) or 'no sets'}."
            )
        return [(file, files.read(held[file])) for file in wanted]
