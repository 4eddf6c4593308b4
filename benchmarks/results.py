"""What a benchmark measured, printed and kept: one file a run, `benchmarks/results/NAME.json`.

A benchmark prints its tables through `row`, its sentences through `note`, and is started by `run`,
which writes the file when it ends, with the command, the commit, the date and the machine. The same
command writes the same file again; another command writes another. `python -m benchmarks.page`
makes docs/benchmarks.md of all these files. LIKEWISE_RESULTS names another folder for them, so that
something may be tried without changing what the page shows.
"""

import hashlib
import json
import math
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from benchmarks.machine import machine

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks" / "results"
Cell = str | int | float | None


class Table(TypedDict):
    """Figures in rows and columns; `title` is empty where a file holds one table."""

    title: str
    columns: list[str]
    rows: list[list[Cell]]


class Result(TypedDict):
    """One file. What is not known is null.

    `caveats` say where figures are of an earlier version, or of an hour when the machine was busy.
    `written_by` is the benchmark, or says where figures that are older than these files came from.
    """

    title: str
    benchmark: str | None
    command: list[str]
    commit: str | None
    changed: bool | None
    date: str | None
    seconds: float | None
    machine: dict[str, str | int | None]
    words: list[str]
    caveats: list[str]
    figures: list[Table]
    written_by: str


_tables: list[Table] = []
_notes: list[str] = []


def row(title: str, cells: Mapping[str, Cell]) -> None:
    """Print a row of a table, its header before the first, and keep it.

    Args:
        title: Of the table; rows of one title make one table.
        cells: By the names of their columns. A column that comes later is empty in earlier rows.
    """
    table = next((one for one in _tables if one["title"] == title), None)
    if table is None:
        table = Table(title=title, columns=[], rows=[])
        _tables.append(table)
    new = [name for name in cells if name not in table["columns"]]
    table["columns"] += new
    for earlier in table["rows"]:
        earlier.extend([None] * len(new))
    found = [known(cells.get(name)) for name in table["columns"]]
    table["rows"].append(found)
    if new:
        print("\n".join(["", *([title] if title else []), *header(table["columns"])]))
    print(line(found), flush=True)


def note(words: str) -> None:
    """Print a sentence that belongs to the figures, and keep it."""
    _notes.append(words)
    print(words, flush=True)


def run(benchmark: str, main: Callable[[], object], **about: str) -> None:
    """Run a benchmark and write what it found, unless it failed or found nothing.

    Args:
        benchmark: The name of its module in `benchmarks`.
        main: What measures.
        about: `title`, if it shall not be the first sentence of the module.
    """
    # At the start: the code may change while a benchmark runs, and some give themselves words.
    started, words, (commit, changed) = time.perf_counter(), sys.argv[1:], version_of_code()
    code: object = None
    try:
        main()
    except SystemExit as stop:
        code = stop.code
    if (_tables or _notes) and code in {None, 0, 1}:
        title = about.get("title") or (sys.modules["__main__"].__doc__ or "").split("\n")[0]
        place = write(
            name_of(benchmark, words),
            _tables,
            title=title.rstrip("."),
            benchmark=benchmark,
            command=command_line(benchmark, words),
            commit=commit,
            changed=changed,
            seconds=round(time.perf_counter() - started, 1),
            words=_notes,
        )
        print(f"written: {place}")
    if code is not None:
        raise SystemExit(code)


def write(
    name: str,
    figures: Sequence[Table],
    *,
    title: str,
    benchmark: str,
    command: str,
    commit: str | None,
    changed: bool | None,
    seconds: float,
    words: Sequence[str] = (),
    folder: Path | None = None,
) -> Path:
    """Write what one run of a benchmark measured, with the date and the machine.

    Args:
        name: Of the file, without its ending.
        figures: The tables.
        title: What was measured, for a heading.
        benchmark: The name of its module.
        command: That was run.
        commit: Of the code that ran.
        changed: Whether files that git knows differed from that commit.
        seconds: How long it took.
        words: Sentences that belong to the figures.
        folder: Where files lie; LIKEWISE_RESULTS or benchmarks/results if None.

    Returns:
        The file.
    """
    folder = folder or Path(os.environ.get("LIKEWISE_RESULTS") or FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    found = Result(
        title=title,
        benchmark=benchmark,
        command=[command],
        commit=commit,
        changed=changed,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=seconds,
        machine=machine(),
        words=list(words),
        caveats=[],
        figures=list(figures),
        written_by=f"benchmarks.{benchmark}",
    )
    place = folder / f"{name}.json"
    place.write_text(as_json(found), encoding="utf-8")
    return place


def as_json(found: Result) -> str:
    """The text of a file."""
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read(folder: Path = FOLDER) -> dict[str, Result]:
    """Every result by its name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }


def header(columns: Sequence[str]) -> list[str]:
    """The two lines above the rows of a table in Markdown."""
    return [line(columns), f"|{'---|' * len(columns)}"]


def known(cell: Cell) -> Cell:
    """The same; nothing for a number that is none, which JSON cannot hold."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def line(cells: Sequence[Cell]) -> str:
    """One row of a table in Markdown."""
    return f"| {' | '.join(shown(cell) for cell in cells)} |"


def shown(cell: Cell) -> str:
    """A cell as it is read: numbers with four digits, nothing where there is nothing."""
    if cell is None:
        return ""
    if isinstance(cell, float) and abs(cell) < 1000:
        return f"{cell:.4g}"
    return f"{cell:,.0f}" if isinstance(cell, int | float) else cell


def version_of_code() -> tuple[str | None, bool | None]:
    """The commit, and whether what git knows was changed since; None outside of a clone."""
    ask = ["git", "-C", str(ROOT)]
    commit = subprocess.run(
        [*ask, "rev-parse", "HEAD"], check=False, capture_output=True, text=True
    )
    if commit.returncode:
        return None, None
    # Results and the pages made of them change with every run, and measure nothing.
    paths = ["--", ".", ":!benchmarks/results", ":!docs"]
    state = subprocess.run(
        [*ask, "status", "--porcelain", "--untracked-files=no", *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    return commit.stdout.strip(), bool(state.stdout.strip())


def command_line(benchmark: str, words: Sequence[str]) -> str:
    """What was typed; of a path that begins at the root, its last part."""
    told = [Path(word).name if word.startswith("/") else word for word in words]
    return shlex.join(["python", "-m", f"benchmarks.{benchmark}", *told])


def name_of(benchmark: str, words: Sequence[str]) -> str:
    """The name of the file of a command: its words, cut and told apart where they are long."""
    told = " ".join(Path(word).name if word.startswith("/") else word for word in words)
    name = "-".join([benchmark, *re.findall(r"[a-z0-9.]+", told.lower())])
    if len(name) <= 60:
        return name
    return f"{name[:50].rstrip('-.')}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
