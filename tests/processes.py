"""Runs a program in a process of its own, where nothing has been imported yet."""

import json
import os
import subprocess
import sys
from typing import Any


def answer_of(program: str, **environment: str) -> Any:
    """What a Python program prints as JSON; these environment variables are set on top."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
