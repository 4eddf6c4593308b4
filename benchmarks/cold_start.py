"""How long a whole process takes: verify on two images, and --help; and what verify imports.

python -m benchmarks.cold_start model/ a.png b.png
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import results
from benchmarks.machine import machine_line

HEAVY = ("torch", "scipy", "sklearn", "pyarrow", "plotly", "pandas", "onnx", "rich")


def median_seconds(command: list[str], runs: int = 5) -> float:
    """The median wall time of a command, after one run that warms the caches."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def main() -> None:
    """Print the table."""
    likewise = str(Path(sys.executable).with_name("likewise"))
    verify = [likewise, "verify", *sys.argv[1:4]]
    print(machine_line())
    bare = [sys.executable, "-c", "pass"]
    commands = {"likewise verify": verify, "likewise --help": [likewise, "--help"]}
    for name, command in {**commands, "python -c pass": bare}.items():
        took = round(median_seconds(command), 3)
        results.row("", {"command": name, "seconds, median of 5": took})
    code = (
        "import sys\nsys.argv = ['likewise', 'verify', *sys.argv[1:]]\n"
        "from likewise.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules if not m.startswith('_')}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *sys.argv[1:4]], check=True, capture_output=True, text=True
    )
    loaded = eval(done.stdout.splitlines()[-1])  # noqa: S307 - the line printed just above
    outside = [name for name in loaded if name not in sys.stdlib_module_names]
    results.note(f"packages that verify imports: {', '.join(outside)}")
    results.note(f"heavy ones among them: {', '.join(n for n in HEAVY if n in loaded) or 'none'}")


if __name__ == "__main__":
    results.run("cold_start", main)
