"""Runs hostile items and sources through processes of their own, and judges what came of each."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.hostile.items import Case, Picture, Refused, Series, Table
from tests.hostile.worker import Worker

GROWN_MEGABYTES = 1300
BATCH = 300


@dataclass
class Outcome:
    """What came of one case: `refused`, `as expected`, or `read` where anything is allowed."""

    case: Case
    came: str
    problems: list[str] = field(default_factory=list)
    said: str = ""
    seconds: float = 0.0
    grown: int = 0


def run(cases: Iterable[Case], world: Path) -> list[Outcome]:
    """Make each item or source, let a process read it, and judge what came of it.

    Args:
        cases: What to make.
        world: Holds `secret.bin`; they are made in `world / "items"`.
    """
    place = world / "items"
    place.mkdir()
    outcomes: list[Outcome] = []
    worker: Worker | None = None
    for number, case in enumerate(cases):
        folder = place / f"case{number}"
        folder.mkdir()
        made = case.make(folder)
        what = f"{_source(made)}({str(made)!r})" if _is_path(case, made) else str(made)
        if worker is None:
            worker = Worker("tests.hostile.use_item", world / "outside", place)
        # Tables import what reads them at the first of them.
        first = case.sort == "source: table" and case.name == "whole"
        if first:
            worker.ask({"way": case.way, "what": what, "watched": False})
        answer = worker.ask({"way": case.way, "what": what, "watched": True})
        outcomes.append(_judge(case, answer))
        if isinstance(answer, str) or (number + 1) % BATCH == 0:
            worker.close()
            worker = None
        # Some are deeper than Python can walk, and some are shut.
        subprocess.run(
            ["chmod", "-R", "u+rwX", str(folder)], check=False, stderr=subprocess.DEVNULL
        )
        subprocess.run(["rm", "-rf", str(folder)], check=True)
    if worker is not None:
        worker.close()
    return outcomes


def _is_path(case: Case, made: Path | str) -> bool:
    return case.way == "source" and isinstance(made, Path)


def _source(path: Path | str) -> str:
    return {".ts": "ucr", ".npz": "arrays"}.get(Path(path).suffix, "folder")


def _judge(case: Case, answer: dict | str) -> Outcome:
    if isinstance(answer, str):
        return Outcome(case, "crashed", [answer])
    done = answer["done"]
    outcome = Outcome(case, "read", seconds=done["seconds"], grown=answer["grown_mb"])
    problems = outcome.problems
    if "crash" in done:
        outcome.came = "crashed"
        problems.append(done["crash"])
    problems += [f"it {what}" for what in answer["seen"]]
    problems += [f"it printed {line!r}" for line in answer["printed"]]
    if answer["grown_mb"] > GROWN_MEGABYTES:
        problems.append(f"it took {answer['grown_mb']} MB")
    if "error" in done:
        outcome.came = "refused"
        outcome.said = ": ".join(done["error"])
        if done["sensible"]:
            problems.append(f"{done['sensible']}: {outcome.said!r}")
    expected = case.expected
    if not problems:
        problems += _departs(expected, done)
    if outcome.came == "read" and expected is not None:
        outcome.came = "as expected"
    return outcome


def _departs(expected: object, done: dict) -> list[str]:  # noqa: PLR0911 - a way each
    """Why what came is not what must come."""
    refused = "error" in done
    if isinstance(expected, Refused):
        if not refused:
            return ["it was read, and is to be refused"]
        words = done["error"][1]
        return [] if re.search(expected.words, words) else [f"{words!r} lacks {expected.words!r}"]
    if expected is None:
        return _unclear(done)
    if refused:
        return [f"it was refused, and is to be read: {done['error'][1]}"]
    if isinstance(expected, Picture):
        found = np.array(done["value"]).transpose(1, 2, 0)
        error = float(np.abs(found - expected.pixels).mean())
        return [] if error <= expected.error else [f"its pixels are off by {error:.1f} on the mean"]
    if isinstance(expected, Series):
        same = np.array_equal(np.array(done["value"], np.float32), expected.values)
        return [] if same else [f"it was read as {str(done['value'])[:200]}"]
    assert isinstance(expected, Table)
    found = done["value"]
    came = (found["read"], found["refusals"])
    wrong = _unclear(done)
    if came != (expected.read, expected.refused):
        wrong.append(
            f"{came} were read and refused, not {(expected.read, expected.refused)}: {found}"
        )
    return wrong


def _unclear(done: dict) -> list[str]:
    """Items of a source that are refused in words that help nobody."""
    value = done.get("value")
    found = value["refused"] if isinstance(value, dict) else []
    return [f"{why}: {words!r}" for _, words, why in found if why]


def table(outcomes: list[Outcome]) -> str:
    """How many of each sort came to what."""
    came = ("refused", "as expected", "read", "crashed")
    sorts = dict.fromkeys(outcome.case.sort for outcome in outcomes)
    counts = Counter((outcome.case.sort, outcome.came) for outcome in outcomes)
    lines = [f"{'':24}{'made':>8}" + "".join(f"{word:>13}" for word in came)]
    for sort in (*sorts, "all"):
        row = [sum(counts[s, word] for s in sorts if sort in (s, "all")) for word in came]
        lines.append(f"{sort:24}{sum(row):>8}" + "".join(f"{n:>13}" for n in row))
    slowest = max(outcomes, key=lambda o: o.seconds)
    largest = max(outcomes, key=lambda o: o.grown)
    lines.append(f"slowest: {slowest.seconds:.1f} s, {slowest.case.sort}, {slowest.case.name}")
    lines.append(f"largest: {largest.grown} MB, {largest.case.sort}, {largest.case.name}")
    return "\n".join(lines)
