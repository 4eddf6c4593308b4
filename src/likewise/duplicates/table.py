"""The pairs that were found, as a CSV."""

import csv
import io
from pathlib import Path

from likewise.duplicates.result import COLUMNS, Duplicates
from likewise.errors import BadArgument
from likewise.io import atomic


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
        writer.writerows(found.rows())
        text.detach()
