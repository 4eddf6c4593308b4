"""What was found twice: plain results, which nothing is deleted by."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from likewise.errors import BadArgument
from likewise.io import atomic
from likewise.results import SCHEMA, Cell, Result
from likewise.shapes import Array, Bool, Float, Int, Shaped


@dataclass(frozen=True)
class Threshold:
    """How near two items must be, and how many pairs are that near by chance.

    Attributes:
        value: A pair is found when its distance is at most this.
        how: How it came about: `point`, `given`, `measured` or `extrapolated`.
        words: The same as a person reads it.
        expected_false: How many pairs of different items are expected within it; None where
            nothing is known.
        low: Lower end of the 95% interval of that number; None where there is none.
        high: Upper end; None likewise.
    """

    value: float
    how: str
    words: str
    expected_false: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def expectation(self) -> str:
        """How many false pairs are expected, in words; empty where nothing is known."""
        if self.expected_false is None:
            return ""
        interval = ""
        if self.low is not None and self.high is not None:
            interval = f" (95% interval {self.low:,.3g} to {self.high:,.3g})"
        label = ", an extrapolation" if self.how == "extrapolated" else ""
        return f"{self.expected_false:,.3g} false pairs expected{interval}{label}"


@dataclass(frozen=True, repr=False)
class Duplicates(Result):
    """Pairs that are at most a threshold apart, and the groups that they make.

    Attributes:
        source: Where the items come from.
        places: The file or row of each item.
        read: Which items were compared by what they show; the others by their bytes alone.
        first: Of each pair one item, by its row.
        second: Of each pair the other.
        distances: How far apart they are; 0 for the same bytes.
        same_bytes: Which pairs hold the same bytes; of equal items each is paired with the first.
        probabilities: That a pair is the same, at the prior; NaN where there is no calibration, and
            for the same bytes, which are certain.
        prior: The share of same pairs that the probabilities assume.
        groups: The group of each item; -1 for none.
        grouping: `complete` (all of a group are within the threshold) or `components` (they hang
            together).
        threshold: How near two items must be.
        compared_by: What compared them.
        failed: Place and reason of each item that could not be read.
        embedded: How many items were embedded now.
        remembered: How many were in the cache.
    """

    source: str
    places: Shaped[Array, "n"]
    read: Bool[Array, "n"]
    first: Int[Array, "m"]
    second: Int[Array, "m"]
    distances: Float[Array, "m"]
    same_bytes: Bool[Array, "m"]
    probabilities: Float[Array, "m"]
    prior: float
    groups: Int[Array, "n"]
    grouping: str
    threshold: Threshold
    compared_by: str
    failed: tuple[tuple[str, str], ...]
    embedded: int
    remembered: int

    def __len__(self) -> int:
        return int(self.groups.max(initial=-1)) + 1

    @cached_property
    def pair_groups(self) -> Int[Array, "m"]:
        """The group in which a pair lies; -1 for one that links two."""
        group: Array = self.groups[self.first]
        return np.where(group == self.groups[self.second], group, -1)

    @cached_property
    def members(self) -> list[list[int]]:
        """The rows of the items of each group."""
        found: list[list[int]] = [[] for _ in range(len(self))]
        for row in np.flatnonzero(self.groups >= 0).tolist():
            found[self.groups[row]].append(row)
        return found

    @cached_property
    def pairs_of(self) -> list[list[int]]:
        """The pairs of each group, as they stand in `first` and `second`."""
        found: list[list[int]] = [[] for _ in range(len(self))]
        for at in np.flatnonzero(self.pair_groups >= 0).tolist():
            found[self.pair_groups[at]].append(at)
        return found

    @cached_property
    def surest(self) -> list[int]:
        """The groups, those first whose farthest pair is nearest."""
        far = [float(self.distances[pairs].max()) for pairs in self.pairs_of]
        return sorted(range(len(self)), key=lambda number: far[number])

    @property
    def linking(self) -> int:
        """How many pairs within the threshold lie in no group: their items are in two."""
        return int((self.pair_groups < 0).sum())

    @property
    def alike(self) -> str:
        """What the groups are, in words."""
        if self.grouping == "complete":
            return "all items of a group are within the threshold (complete linkage)"
        return (
            "items of a group hang together, and the ends of a chain may be farther apart "
            "(connected components)"
        )

    def cells(self) -> Iterator[tuple[str, ...]]:
        """Pair by pair what a table holds: see `COLUMNS`."""
        for at in np.lexsort((self.distances, self.pair_groups, self.pair_groups < 0)).tolist():
            yield self._row(at)

    def _row(self, at: int) -> tuple[str, ...]:
        group, likely = int(self.pair_groups[at]), float(self.probabilities[at])
        known = np.isfinite(likely)
        return (
            str(group + 1) if group >= 0 else "",
            str(self.places[self.first[at]]),
            str(self.places[self.second[at]]),
            f"{float(self.distances[at]):.9g}",
            f"{likely:.6g}" if known else "",
            f"{self.prior:g}" if known else "",
            "same bytes" if self.same_bytes[at] else self.compared_by,
        )

    def summary(self) -> str:
        """Return how many pairs and groups there are, among how many items."""
        pairs = len(self.first)
        return f"{pairs:,} pairs in {len(self):,} groups among {len(self.places):,} items"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each pair, group by group."""
        pairs: list[dict[str, Cell]] = []
        for cells in self.cells():
            row: dict[str, Cell] = dict(zip(COLUMNS, cells, strict=True))
            row["group"] = int(cells[0]) if cells[0] else None
            row |= {
                name: float(row[name] or 0) if row[name] else None
                for name in ("distance", "probability", "prior")
            }
            pairs.append(row)
        return pairs

    def to_dict(self) -> dict[str, Any]:
        """Return what was found as `--json` prints it: groups by their places, and pairs."""
        return {
            "schema": SCHEMA,
            "source": self.source,
            "items": len(self.places),
            "compared_by": self.compared_by,
            "threshold": self.threshold.value,
            "threshold_from": self.threshold.how,
            "threshold_words": self.threshold.words,
            "expected_false": self.threshold.expected_false,
            "expected_false_interval": [self.threshold.low, self.threshold.high],
            "grouping": self.grouping,
            "groups": [[str(self.places[row]) for row in rows] for rows in self.members],
            "pairs": self.rows(),
            "embedded": self.embedded,
            "remembered": self.remembered,
            "failed": [list(one) for one in self.failed],
        }


COLUMNS = ("group", "first", "second", "distance", "probability", "prior", "compared_by")
"""Of the table of pairs; a pair without a group links two."""


def check_table_path(path: Path, what: str = "the pairs") -> None:
    """Refuse a path that could not be written, before any work is done.

    Args:
        path: Of the table.
        what: What it is for.

    Raises:
        BadArgument: If it does not end in .csv, or its folder is not there.
        SaveFailed: If nothing can be written in its folder.
    """
    if path.suffix.lower() != ".csv":
        raise BadArgument(f"{path} does not end in .csv, the form of {what}. Name it so.")
    if not path.parent.is_dir():
        raise BadArgument(f"{path.parent} is no folder. Make it first.")
    if path.is_dir():
        raise BadArgument(f"{path} is a folder. Name a file.")
    atomic.probe_folder(path.parent)


def write_pairs(path: Path, found: Duplicates) -> None:
    """Write one line a pair, with its group, distance and probability.

    Args:
        path: Of the table, which is replaced as a whole.
        found: The pairs.

    Raises:
        SaveFailed: If it cannot be written; what was there before still stands.
    """
    with atomic.replacing(path) as (file,):
        # A file's name may hold bytes that are no text.
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(found.cells())
        text.detach()
