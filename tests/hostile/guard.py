"""Bounds for a process that opens hostile files, and a watch over what it does.

A hostile file must not run code, start a program, reach the network, or write where it was not
told to. Python reports all of these as audit events.
"""

import os
import re
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from likewise.errors import LikewiseError

FORBIDDEN = re.compile(
    r"pickle\.find_class|os\.(system|exec|posix_spawn|fork|forkpty|startfile|putenv)"
    r"|subprocess\.Popen|socket\.(connect|bind|sendto)|ctypes\.dlopen|marshal\.load|exec"
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Notes every forbidden event, and every file opened below `fence`, while it is on."""

    def __init__(self, fence: Path, allowed: Path) -> None:
        self.fence = str(fence)
        self.allowed = str(allowed)
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            path, _, flags = arguments
            path = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
            real = os.path.realpath(path) if path.startswith("/") else path
            outside = real.startswith(self.fence)
            written = isinstance(flags, int) and flags & WRITES
            if outside or (written and not real.startswith(self.allowed)):
                self.seen.append(f"open {real}")
        elif event == "exec" and _ours():
            return
        elif FORBIDDEN.fullmatch(event):
            self.seen.append(f"{event} {str(arguments)[:100]}")


def _ours() -> bool:
    """Whether what is executed is a module of an installed package that is imported."""
    frame = sys._getframe(2)
    while frame is not None:
        if "importlib" in frame.f_code.co_filename or frame.f_code.co_name == "namedtuple":
            return True
        frame = frame.f_back
    return False


def bound(megabytes: int) -> None:
    """Let this process take only so much more address space, and leave no core."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limit = now + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def peak_megabytes(*, reset: bool = False) -> int:
    """The most memory that this process had, since it was last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024


def attempt(work: Callable[[], object]) -> dict[str, object]:
    """What came of some work: its value, an error of the house, or something worse."""
    start = time.monotonic()
    done: dict[str, object] = {}
    try:
        done["value"] = work()
    except LikewiseError as error:
        done["error"] = [type(error).__name__, str(error)]
        done["sensible"] = sensible(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what the test reports
        done["crash"] = "".join(traceback.format_exception(error)[-6:])[-3000:]
    done["seconds"] = round(time.monotonic() - start, 3)
    return done


def sensible(error: LikewiseError) -> str:
    """Why an error of the house is not one that a person can use; empty if it is."""
    message = str(error)
    if type(error).__subclasses__():
        return f"{type(error).__name__} is no leaf of the tree"
    if not 20 <= len(message) <= 4000:
        return f"it has {len(message)} characters"
    hidden = re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]", message)
    if hidden or "\n" in message:
        return f"it holds the character {hidden[0] if hidden else chr(10)!r}"
    if "Traceback" in message or "object at 0x" in message:
        return "it shows the inside of Python"
    return "" if message.rstrip().endswith((".", "?", ")")) else "it does not end as a sentence"
