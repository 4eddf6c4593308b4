"""How far a long piece of work is: a bar in a terminal or a notebook, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich import progress
    from rich.console import Console

Told: TypeAlias = Callable[[int, int], None]
"""Called with how many items are done, of how many."""
Watch: TypeAlias = bool | Told | None
"""What a person says of progress: True shows it, False does not, None where somebody looks at it;
or what is called with how many items are done, of how many."""

SECONDS_BETWEEN_LINES = 10.0


def console() -> "Console":
    """Return the console of standard error, or of the notebook."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)


def takes_bars(place: "Console") -> bool:
    """Whether a bar can move there: a notebook, or a real terminal, whatever is asked for."""
    return place.is_jupyter or (sys.stderr.isatty() and place.is_interactive)


def is_watched(wanted: "bool | None") -> bool:
    """Return whether progress is to be shown: as asked, else where a bar can move."""
    return takes_bars(console()) if wanted is None else wanted


@contextmanager
def watched(wanted: Watch, verb: str) -> Iterator[Told | None]:
    """Show how many items are done of one piece of work.

    Args:
        wanted: What a person said of progress.
        verb: What is done to the items: `embedding`.

    Yields:
        What is to be called with how many items are done, of how many; None where nobody looks.
    """
    if callable(wanted):
        yield wanted
    elif is_watched(wanted):
        with Counter(verb, quiet=False) as count:
            yield count.show
    else:
        yield None


@contextmanager
def watched_parts(
    wanted: "Callable[[str, int, int], None] | bool | None",
) -> "Iterator[Callable[[str, int, int], None] | None]":
    """Show how far each part of the work is, as `watched` does of one.

    Args:
        wanted: What a person said of progress.

    Yields:
        What is to be called with what is done, and how many items it is done to, of how many.
    """
    if callable(wanted):
        yield wanted
    elif is_watched(wanted):
        with Counting(quiet=False) as count:
            yield count.show
    else:
        yield None


class Counter:
    """Shows how many items are done, on standard error.

    Args:
        verb: What is done to them: `embedding`.
        quiet: Show nothing.
    """

    def __init__(self, verb: str, *, quiet: bool) -> None:
        self.verb = verb
        self.quiet = quiet
        self.console = console()
        self.bar: "progress.Progress | None" = None
        if takes_bars(self.console) and not quiet:
            from rich import progress

            self.bar = progress.Progress(
                progress.TextColumn(verb),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn("{task.fields[rate]}"),
                progress.TimeRemainingColumn(),
                console=self.console,
                transient=True,
            )
            self.task = self.bar.add_task(verb, total=None, rate="")
        self.started = self.last_line = time.monotonic()

    def __enter__(self) -> "Counter":  # noqa: PYI034 - beartype cannot check Self
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def show(self, done: int, total: int) -> None:
        """Show how far it is: at every call on the bar, as a line in ten seconds and at the end."""
        now = time.monotonic()
        rate = f"{done / max(now - self.started, 1e-9):.0f} items/s"
        if self.bar is not None:
            self.bar.update(self.task, completed=done, total=total, rate=rate)
        elif not self.quiet and (done == total or now - self.last_line >= SECONDS_BETWEEN_LINES):
            self.last_line = now
            line = f"{self.verb}: {done} of {total} items, {rate}"
            self.console.print(line, markup=False, soft_wrap=True)


class Counting:
    """Shows how far each part of the work is, one after the other.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.counter: Counter | None = None

    def __enter__(self) -> "Counting":  # noqa: PYI034 - beartype cannot check Self
        return self

    def __exit__(self, *failure: object) -> None:
        self._end()

    def show(self, verb: str, done: int, total: int) -> None:
        """Show how many items are done of the part of this name."""
        if self.counter is None or self.counter.verb != verb:
            self._end()
            self.counter = Counter(verb, quiet=self.quiet)
            self.counter.__enter__()
        self.counter.show(done, total)

    def _end(self) -> None:
        if self.counter is not None:
            self.counter.__exit__(None, None, None)
            self.counter = None
