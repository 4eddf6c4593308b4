"""Runs hostile folders through processes of their own, and judges what came of each."""

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from likewise.errors import DamagedModel
from tests.hostile.folders import Case, rehash
from tests.hostile.worker import Worker

GROWN_MEGABYTES = 1500
BATCH = 60


@dataclass
class Outcome:
    """What came of one case.

    Attributes:
        case: Which.
        came: `refused`, `equal` (all that was asked for is as the intact model gives it) or
            `another` (a model that loads, and is not the intact one).
        problems: Why it fails the test; empty if it passes.
        messages: What the errors said.
    """

    case: Case
    came: str
    problems: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def snapshot(folder: Path) -> dict[str, object]:
    """Every file below a folder, with its content if it is plain and small."""
    found: dict[str, object] = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place) / name
            status = path.lstat()
            small = path.is_file() and not path.is_symlink() and status.st_size < 2**20
            found[str(path)] = path.read_bytes() if small else (status.st_mode, status.st_size)
    return found


def run(
    cases: Iterable[Case], intact: dict[str, Path], world: Path, *, pages: bool = False
) -> list[Outcome]:
    """Make each folder, let a process use it, and judge what came of it.

    Args:
        cases: What to make.
        intact: The intact models by name.
        world: Holds `secret.bin`; the folders are made in `world / "folders"`.
        pages: Whether the report is made, too.
    """
    place = world / "folders"
    place.mkdir()
    # Processes run here, where ONNX Runtime looks for files that a graph names.
    shutil.copy(world / "secret.bin", place)
    kinds = {name: "series" if name == "series" else "image" for name in intact}
    outcomes: list[Outcome] = []
    worker: Worker | None = None
    references: dict[str, dict] = {}
    for number, case in enumerate(cases):
        folder = place / f"case{number}"
        shutil.copytree(intact[case.base], folder)
        case.make(folder)
        if case.rehashed:
            # A manifest that names no file of the folder was sealed by whoever made it.
            with contextlib.suppress(DamagedModel, OSError):
                rehash(folder)
        if worker is None:
            # What stands outside of the folder that a process is given may not be touched.
            fence = world / "outside"
            worker = Worker("tests.hostile.use_folder", fence, place, "pages" if pages else "-")
            references = {}
        if case.base not in references:
            references[case.base] = worker.ask(
                {"folder": str(intact[case.base]), "kind": kinds[case.base]}
            )
        before = snapshot(folder)
        answer = worker.ask({"folder": str(folder), "kind": kinds[case.base]})
        outcome = _judge(case, answer, references[case.base])
        outcomes.append(outcome)
        if snapshot(folder) != before:
            outcome.problems.append("reading the folder changed it")
        if isinstance(answer, str) or (number + 1) % BATCH == 0 or "giant" in case.sort:
            worker.close()
            worker = None
        shutil.rmtree(folder)
    if worker is not None:
        worker.close()
    return outcomes


def _judge(case: Case, answer: dict | str, reference: dict) -> Outcome:
    if isinstance(answer, str):
        return Outcome(case, "crashed", [answer])
    done, expected = answer["done"], reference["done"]
    problems = [f"{name}: {one['crash']}" for name, one in done.items() if "crash" in one]
    problems += [f"it {what}" for what in answer["seen"]]
    problems += [f"it printed {line!r}" for line in answer["printed"]]
    problems += [f"{name}: {one['sensible']}" for name, one in done.items() if one.get("sensible")]
    if answer["grown_mb"] > GROWN_MEGABYTES:
        problems.append(f"it took {answer['grown_mb']} MB")
    errors = {name: one["error"] for name, one in done.items() if "error" in one}
    same = all(
        done.get(name, {}).get("value") == one.get("value") for name, one in expected.items()
    )
    came = "crashed" if problems else "refused" if errors else "equal" if same else "another"
    if case.expected is not None and came not in case.expected and not problems:
        problems.append(f"it is {came}, and {sorted(case.expected)} was expected")
    messages = [f"{name}: {': '.join(error)}" for name, error in errors.items()]
    return Outcome(case, came, problems, messages)


def table(outcomes: list[Outcome]) -> str:
    """How many of each sort came to what."""
    came = ("refused", "equal", "another", "crashed")
    sorts = dict.fromkeys(outcome.case.sort for outcome in outcomes)
    counts = Counter((outcome.case.sort, outcome.came) for outcome in outcomes)
    lines = [f"{'':32}{'folders':>9}{'rehashed':>10}" + "".join(f"{word:>10}" for word in came)]
    for sort in (*sorts, "all"):
        own = [o for o in outcomes if sort in (o.case.sort, "all")]
        row = [sum(counts[s, word] for s in sorts if sort in (s, "all")) for word in came]
        hashes = sum(outcome.case.rehashed for outcome in own)
        lines.append(f"{sort:32}{len(own):>9}{hashes:>10}" + "".join(f"{n:>10}" for n in row))
    return "\n".join(lines)
