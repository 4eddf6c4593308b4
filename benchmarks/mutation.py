"""Which small changes of the code the tests notice.

    python -m benchmarks.mutation
    python -m benchmarks.mutation --count 60
    python -m benchmarks.mutation --again

A mutant is one small change of one line: a comparison, an operator, a number, a condition turned
round, two arguments or two words of a sentence exchanged, a call left out. So many are drawn by a
fixed seed from what decides and what is said of it: calibration, evaluation, gallery, and the
words. Each is run with the tests that import the changed module, the nearest first, until one
fails. One that no test notices is alive, unless it is listed here as equivalent with the reason:
no input could tell it from what was written. One that runs five minutes has lost its way, and
counts as noticed.

`--again` runs only those that were alive in the last run, after tests were written.

References:
    DeMillo, Lipton, Sayward, "Hints on Test Data Selection: Help for the Practicing Programmer",
    1978: tests that tell a program from all that differ from it by one small fault.
"""

import argparse
import ast
import csv
import hashlib
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import results

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "likewise"
MUTATED = (
    *(f"{package}/*.py" for package in ("calibration", "evaluation", "gallery", "cli/text")),
    "report/wording.py",
)
SEED = 20
LONGEST_SECONDS = 300
LISTED = ROOT / "benchmarks" / "mutants.csv"
"""Every mutant of the last run, and what noticed it."""
COPIED = ("src", "tests", "docs", "benchmarks", "examples", "pyproject.toml", "README.md")
Place = Callable[[ast.expr], tuple[int, int]]
"""Gives where an expression begins and ends in the text of its file."""
SWAPPED = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.And: "or",
    ast.Or: "and",
}
NOT_RUN = "not run"
EQUIVALENT: dict[str, str] = {
    "calibration-ab1f4961": "a point at exactly the preferred rate was returned two lines above",
    "calibration-7f97e093": "math.isclose is the same for its two arguments exchanged",
    "open_set-4647f0da": "max is the same for its two arguments exchanged",
    "pooled-8106f7cb": "both sequences have one entry a level; strict only guards that",
}
"""By the name of a mutant, why no input could tell it from what was written."""


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        file: Below `src/likewise`.
        line: From 1.
        before: What stood there.
        after: What stands there now.
        start: Where that begins in the file.
        end: Where it ends.
    """

    file: str
    line: int
    before: str
    after: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """What it is called: it stays the same when lines above it change."""
        told = f"{self.file} {self.before} -> {self.after}"
        return f"{Path(self.file).stem}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"

    def applied(self, text: str) -> str:
        """The file with the change."""
        return text[: self.start] + self.after + text[self.end :]


def mutants_of(file: str, text: str) -> Iterator[Mutant]:
    """Every change of a file that is known to be one, in the order of its lines."""
    tree = ast.parse(text)
    starts = [0]
    for line in text.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    encoded = text.encode()

    def place(node: ast.expr | ast.stmt) -> tuple[int, int]:
        ends = (
            starts[node.lineno - 1] + node.col_offset,
            starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0),
        )
        begin, end = (len(encoded[:one].decode()) for one in ends)
        return begin, end

    for node in _code(tree):
        if not isinstance(node, ast.expr | ast.stmt):
            continue
        begin, end = place(node)
        written = text[begin:end]
        for after in _changes(node, text, place):
            if after != written:
                yield Mutant(file, node.lineno, written, after, begin, end)


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run: no annotations, decorators, docstrings, imports or sentences."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or isinstance(node, ast.Import | ast.ImportFrom):
                continue
            typed = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            said = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if not typed and not said:
                yield node
                yield from _code(node)


def _changes(node: ast.AST, text: str, place: Place) -> Iterator[str]:
    """What may stand in the place of a node."""

    def source(one: ast.expr) -> str:
        begin, end = place(one)
        return text[begin:end]

    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in SWAPPED:
            yield f"{source(left)} {SWAPPED[type(op)]} {source(right)}"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in SWAPPED:
            if "str" not in (_type(left), _type(right)):
                yield f"{source(left)} {SWAPPED[type(op)]} {source(right)}"
        case ast.BoolOp(op=op, values=values):
            yield f"({f' {SWAPPED[type(op)]} '.join(map(source, values))})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"bool({source(operand)})"
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield str(value + 1)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield f"{source(body)} if not ({source(test)}) else {source(orelse)}"
        case ast.Call(func=func, args=[first, second, *rest], keywords=keywords):
            others = [
                *map(source, rest),
                *(f"{k.arg}={source(k.value)}" for k in keywords if k.arg),
            ]
            if all(k.arg for k in keywords) and not isinstance(first, ast.Starred):
                yield f"{source(func)}({', '.join([source(second), source(first), *others])})"
        case ast.JoinedStr(values=parts) if "\n" not in source(node):
            shown = [one for one in parts if isinstance(one, ast.FormattedValue)]
            if len(shown) > 1:
                (a, b), (c, d) = place(shown[0].value), place(shown[1].value)
                begin, end = place(node)
                yield text[begin:a] + text[c:d] + text[b:c] + text[a:b] + text[d:end]
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield "pass"
        case _:
            return


def _type(node: ast.expr) -> str:
    return "str" if isinstance(node, ast.JoinedStr) else type(getattr(node, "value", None)).__name__


def drawn(count: int) -> list[Mutant]:
    """So many mutants, drawn by the seed."""
    files = sorted(path for pattern in MUTATED for path in SOURCE.glob(pattern))
    every = [
        mutant
        for path in files
        for mutant in mutants_of(
            path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8")
        )
    ]
    chosen = random.Random(SEED).sample(every, min(count, len(every)))  # noqa: S311 - it guards nothing
    return sorted(chosen, key=lambda one: (one.file, one.line, one.after))


def tests_of(file: str) -> list[str]:
    """The files of tests that reach a module, the nearest first."""
    path = Path(file)
    package, name = path.parent.as_posix(), path.stem
    tests = ROOT / "tests"
    texts = {one: one.read_text(encoding="utf-8") for one in sorted(tests.rglob("test_*.py"))}
    defined = {
        node.name
        for node in ast.parse((SOURCE / file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
    }
    dotted = f"likewise.{package.replace('/', '.')}"
    named = f"test_{name}.py"
    spoken = package in ("cli/text", "report")
    ranks = (
        {one for one in texts if one == tests / package / named},
        {one for one, text in texts.items() if f"{dotted}.{name} import" in text},
        {one for one in texts if one.parent == tests / package},
        {
            one
            for one, text in texts.items()
            if f"{dotted} import" in text and any(word in text for word in defined)
        },
        {one for one in texts if spoken and one.parent == tests / "cli"},
        {one for one, text in texts.items() if f"from {dotted}" in text},
        {tests / "cli" / f"test_{package}.py", tests / "tasks" / f"test_{package}.py"} & set(texts),
    )
    nearest: list[Path] = []
    for found in ranks:
        nearest += sorted(found - set(nearest))
    skipped = ("hostile", "golden", "contracts")
    return [str(one.relative_to(ROOT)) for one in nearest if one.parent.name not in skipped][:20]


def judged(mutant: Mutant, place: Path, shared: Path) -> str:
    """What became of a mutant: what noticed it, or `alive`."""
    path = place / "src" / "likewise" / mutant.file
    before = path.read_text(encoding="utf-8")
    path.write_text(mutant.applied(before), encoding="utf-8")
    tests = tests_of(mutant.file)
    until = time.monotonic() + LONGEST_SECONDS
    try:
        # Most are noticed by the nearest tests, and the others need not be collected then.
        for part in (tests[:1], tests[1:4], tests[4:]):
            if part and (noticed := _noticed(part, place, shared, until - time.monotonic())):
                return noticed
    except subprocess.TimeoutExpired:
        return "it never ends"
    finally:
        path.write_text(before, encoding="utf-8")
    return "alive"


def _noticed(tests: list[str], place: Path, shared: Path, seconds: float) -> str:
    """The test of these files that fails; empty where none does."""
    environment = {**os.environ, "PYTHONPATH": str(place / "src"), "LIKEWISE_SHARED": str(shared)}
    environment |= {"OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    words = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
    words += ["-m", "not slow and not documents and not exported_anew"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *tests],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=max(1.0, seconds),
    )
    if done.returncode in (0, 5):  # 5: none of them is quick
        return ""
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if done.returncode not in (1, 2, 4) or not failed:
        raise SystemExit(f"pytest ended with {done.returncode}\n{done.stdout[-3000:]}")
    return failed[0].split(" - ")[0].partition(" ")[2]


def run_all(mutants: list[Mutant], workers: int, seconds: float) -> dict[Mutant, str]:
    """What became of each, by so many workers, each in a copy of the project.

    Those that are not begun within these seconds are left out.
    """
    until = time.monotonic() + seconds
    found: dict[Mutant, str] = {}
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    # In any order, so that those that were run before the time was up are a fair sample.
    for mutant in random.Random(SEED).sample(mutants, len(mutants)):  # noqa: S311 - as above
        waiting.put(mutant)
    with tempfile.TemporaryDirectory(prefix="likewise-mutants-") as folder:
        shared = Path(folder) / "shared"
        shared.mkdir()

        def work(place: Path) -> None:
            for name in COPIED:
                if (ROOT / name).is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(ROOT / name, place / name, ignore=ignored)
                else:
                    shutil.copy(ROOT / name, place / name)
            while time.monotonic() < until:
                try:
                    mutant = waiting.get_nowait()
                except queue.Empty:
                    return
                found[mutant] = judged(mutant, place, shared)
                said = f"{mutant.file}:{mutant.line} {mutant.before!r} -> {mutant.after!r}"
                print(f"{len(found)} of {len(mutants)}: {said}: {found[mutant]}", flush=True)

        places = [Path(folder) / str(number) for number in range(workers)]
        for place in places:
            place.mkdir()
        threads = [threading.Thread(target=work, args=(place,)) for place in places]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return found


def main() -> None:
    """Draw mutants, run them, and say which were noticed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--again", action="store_true", help="those alive before, or not run")
    asked = parser.parse_args()
    mutants = drawn(asked.count)
    known: dict[str, str] = {}
    if asked.again:
        with LISTED.open(encoding="utf-8", newline="") as file:
            known = {row["name"]: row["what became of it"] for row in csv.DictReader(file)}
    left = [one for one in mutants if known.get(one.name, "alive") in ("alive", NOT_RUN)]
    left = [one for one in left if one.name not in EQUIVALENT]
    became = {one: known.get(one.name, NOT_RUN) for one in mutants}
    became |= dict.fromkeys(left, NOT_RUN)
    became |= run_all(left, asked.workers, 60 * asked.minutes)
    became |= {one: "equivalent" for one in mutants if one.name in EQUIVALENT}
    with LISTED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "file", "line", "before", "after", "what became of it"])
        for one, said in became.items():
            writer.writerow([one.name, one.file, one.line, one.before, one.after, said])
    rooms = sorted({str(Path(one.file).parent) for one in mutants})
    for room in [*rooms, "all"]:
        own = [said for one, said in became.items() if room in ("all", str(Path(one.file).parent))]
        equal, alive, not_run = map(own.count, ("equivalent", "alive", NOT_RUN))
        results.row(
            "",
            {
                "package": room,
                "mutants": len(own),
                "not run": not_run,
                "noticed": len(own) - equal - alive - not_run,
                "equivalent": equal,
                "alive": alive,
                "share alive": round(alive / max(1, len(own) - equal - not_run), 4),
            },
        )
    for one, said in became.items():
        if said in ("alive", "equivalent"):
            results.row(
                "not noticed",
                {
                    "mutant": one.name,
                    "line": f"{one.file}:{one.line}",
                    "before": f"`{one.before[:60]}`".replace("|", "\\|").replace("\n", " "),
                    "after": f"`{one.after[:60]}`".replace("|", "\\|").replace("\n", " "),
                    "why": EQUIVALENT.get(one.name, "alive"),
                },
            )


if __name__ == "__main__":
    results.run("mutation", main)
