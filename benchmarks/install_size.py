"""Size and number of packages of the base install and of [learn], each in a fresh environment.

python -m benchmarks.install_size
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import results

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print the table."""
    for extra in ("", "[learn]"):
        with tempfile.TemporaryDirectory() as place:
            environment = Path(place) / "venv"
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
            python = str(environment / "bin" / "python")
            site = next(environment.glob("lib/python*/site-packages"))
            before = {p.name for p in site.glob("*.dist-info")}
            size_before = _size(site)
            started = time.perf_counter()
            subprocess.run(
                [
                    python,
                    "-m",
                    "pip",
                    "install",
                    "-q",
                    "--disable-pip-version-check",
                    "-c",
                    str(HERE / "constraints.txt"),
                    f"{HERE}{extra}",
                ],
                check=True,
            )
            seconds = time.perf_counter() - started
            packages = {p.name for p in site.glob("*.dist-info")} - before
            told = {"packages": len(packages), "MB": round((_size(site) - size_before) / 1e6)}
            results.row("", {"": f"likewise{extra}", **told, "installed in s": round(seconds)})


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


if __name__ == "__main__":
    results.run("install_size", main)
