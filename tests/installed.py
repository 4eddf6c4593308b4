"""What `make wheel` asks of a wheel that was installed in an environment of its own.

    python -m tests.installed build/wheel

It holds every file that the package reads and nothing of the tests, needs no torch, and decides.
"""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
FILES = (
    "py.typed",
    "recipe/presets.toml",
    "report/page.css",
    "report/page.js",
    "report/audit.css",
    "sources/data/characters.bin",
    "sources/data/NOTICE",
)


def main() -> None:
    """Look into the wheel, and run what it installed."""
    folder = Path(sys.argv[1]).resolve()
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    own = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    wanted = {*own, *(f"likewise/{name}" for name in FILES)}
    _require(wanted <= names, f"{wheel.name} lacks {sorted(wanted - names)}")
    strange = [name for name in names if not name.startswith(("likewise/", "likewise-"))]
    _require(not strange, f"{wheel.name} holds {strange}")

    bin_folder = next(
        one for one in (folder / "empty" / "bin", folder / "empty" / "Scripts") if one.is_dir()
    )
    program = (
        "import importlib.util as u, likewise; print(likewise.__version__, u.find_spec('torch'))"
    )
    said = _answer([str(bin_folder / "python"), "-I", "-c", program])
    _require(said.split()[1] == "None", f"torch is there: {said}")
    items = [str(GOLDEN / "data" / "strangers" / "glyph1050" / f"{at}.png") for at in (0, 1)]
    answer = json.loads(
        _answer([str(bin_folder / "likewise"), "verify", str(GOLDEN / "images"), *items, "--json"])
    )
    _require(answer["verdict"] == "same", f"it decided {answer}")
    told = f"{len(names)} files, version {said.split()[0]}, no torch; it decides"
    sys.stdout.write(f"{wheel.name}: {told}\n")


def _answer(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT.parent)
    _require(done.returncode == 0, f"{words}: {done.stderr}")
    return done.stdout.strip()


def _require(fulfilled: bool, words: str) -> None:
    if not fulfilled:
        raise SystemExit(words)


if __name__ == "__main__":
    main()
