"""Runs hostile folders through processes of their own, and judges what came of each."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hostile.folders import Case, rehash
from likewise.errors import DamagedModel

TESTS = Path(__file__).parent.parent
SECONDS = 90.0
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


class Worker:
    """A process that uses model folders; see `use_folder`."""

    def __init__(self, fence: Path, allowed: Path, *, pages: bool) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "LIKEWISE_CHECK_SHAPES"}
        environment["PYTHONPATH"] = str(TESTS)
        arguments = [str(fence), str(allowed), "pages" if pages else "-"]
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "hostile.use_folder", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=allowed,
        )
        self.said = b""

    def ask(self, folder: Path, kind: str) -> dict | str:
        """The answer for one folder, or what became of the process instead."""
        self.process.stdin.write(json.dumps({"folder": str(folder), "kind": kind}).encode() + b"\n")
        self.process.stdin.flush()
        end = time.monotonic() + SECONDS
        out = self.process.stdout.fileno()
        while b"\n" not in self.said or not self.said.lstrip().startswith(b"{"):
            ready, _, _ = select.select([out], [], [], max(0.0, end - time.monotonic()))
            part = os.read(out, 2**20) if ready else b""
            if not part:
                self.process.kill()
                self.process.wait()
                ended = "did not answer in time" if not ready else "died"
                return f"the process {ended} ({self.process.returncode}): {self.said[-2000:]!r}"
            self.said += part
            # What a library prints stands before the answer, in lines of its own.
            lines = self.said.split(b"\n")
            at = next((i for i, line in enumerate(lines[:-1]) if line.startswith(b'{"done"')), -1)
            if at >= 0:
                printed = [line for line in lines[:at] if line.strip()]
                self.said = b"\n".join(lines[at + 1 :])
                answer = json.loads(lines[at])
                answer["printed"] = [line.decode(errors="replace") for line in printed]
                return answer
        raise AssertionError(self.said)

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


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
    kinds = {name: "sequence" if name == "series" else "image" for name in intact}
    outcomes: list[Outcome] = []
    worker: Worker | None = None
    references: dict[str, dict] = {}
    for number, case in enumerate(cases):
        folder = place / f"case{number}"
        shutil.copytree(intact[case.base], folder)
        case.make(folder)
        if case.rehashed:
            try:
                rehash(folder)
            except (DamagedModel, OSError):
                pass  # a manifest that names no file of the folder was sealed by whoever made it
        if worker is None:
            # What stands outside of the folder that a process is given may not be touched.
            worker = Worker(world / "outside", place, pages=pages)
            references = {}
        if case.base not in references:
            references[case.base] = worker.ask(intact[case.base], kinds[case.base])
        before = snapshot(folder)
        answer = worker.ask(folder, kinds[case.base])
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
    came = "refused" if errors else "equal" if same else "another"
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
