"""Ctrl-C and SIGTERM while training: stop after the step, keep what was learned."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from likewise.learn.loop.run import Run

Handler = Callable[[int, FrameType | None], object] | int | None

TERMINATED = 143
"""The exit code of a process that was told to end: 128 + SIGTERM."""


# Windows ends a process without asking it; Ctrl-Break is what it can be asked by there.
_ENDING = {signal.SIGTERM, getattr(signal, "SIGBREAK", signal.SIGTERM)}


class Stopping:
    """While open, the first signal asks the run to stop, and the second ends as signals do.

    Args:
        tell: Called with what is kept, in words.
        ends: Whether SIGTERM is listened for too, and ends the process once the run has stopped: of
            a program of our own.
    """

    def __init__(self, tell: Callable[[str], None], *, ends: bool = False) -> None:
        self.tell = tell
        self.ends = ends
        self.terminated = False
        self._before: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> "Stopping":  # noqa: PYI034 - beartype cannot check Self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def start(self, run: "Run") -> None:
        """Listen for this run; signals come to the main thread alone."""
        if threading.current_thread() is not threading.main_thread():
            return
        handler = self._handler(run)
        for number in (signal.SIGINT, *_ENDING) if self.ends else (signal.SIGINT,):
            self._before[number] = signal.signal(number, handler)

    def _handler(self, run: "Run") -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
            if run.stop_asked:
                self._restore()
                raise KeyboardInterrupt
            self.terminated = number in _ENDING
            run.stop()

        return handle

    def stopped(self, run: "Run") -> None:
        """Say what is kept; when the process was told to end, end it."""
        self._restore()
        self.tell(
            f"Stopped; {run.checkpoint_path} holds all that is needed to go on (--resume, "
            "resume=True)."
        )
        if self.terminated:
            raise SystemExit(TERMINATED)
        self.tell("Saving the best model so far; Ctrl-C again ends without it.")

    def _restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
