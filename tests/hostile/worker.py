"""A process of its own for what may be hostile, which may die of it."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 90.0


class Worker:
    """A process that is told what to open, and says what came of it.

    Args:
        module: What it runs.
        arguments: What that is given.
    """

    def __init__(self, module: str, fence: Path, allowed: Path, *arguments: str) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "LIKEWISE_CHECK_SHAPES"}
        environment["PYTHONPATH"] = str(ROOT)
        command = [
            sys.executable,
            "-W",
            "error",
            "-m",
            module,
            str(fence),
            str(allowed),
            *arguments,
        ]
        if os.geteuid() == 0 and (setpriv := shutil.which("setpriv")):
            # Root may read anything, and nobody's rights could be tested.
            command = [setpriv, "--bounding-set=-dac_override,-dac_read_search", *command]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=allowed,
        )
        self.said = b""

    def ask(self, question: dict[str, object]) -> dict | str:
        """The answer, or what became of the process instead."""
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
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
