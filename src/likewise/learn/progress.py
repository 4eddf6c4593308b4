"""How a training run goes: a bar in a terminal or a notebook, plain lines elsewhere."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from rich import progress

from likewise.io.display import printable
from likewise.io.progress import SECONDS_BETWEEN_LINES, console, takes_bars
from likewise.results import Epoch

if TYPE_CHECKING:
    from likewise.auditing import Audit
    from likewise.learn.loop.run import Run
    from likewise.recipe import Start

_NAMED = 3


class Progress:
    """Shows how training goes, on standard error.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.console = console()
        self.bar: progress.Progress | None = None
        if takes_bars(self.console) and not quiet:
            self.bar = progress.Progress(
                progress.TextColumn("training"),
                progress.BarColumn(),
                progress.TextColumn("{task.percentage:>3.0f}%"),
                progress.TextColumn("{task.fields[words]}"),
                progress.TimeRemainingColumn(),
                console=self.console,
                transient=True,
            )
            self.task = self.bar.add_task("training", total=1.0, words="")
        self.last_line = time.monotonic()
        self.noted = ""

    def __enter__(self) -> "Progress":  # noqa: PYI034 - beartype cannot check Self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def decode(self, done: int, total: int) -> None:
        """Show how many items are decoded: on the bar, or as a line in ten seconds."""
        if self.bar is not None:
            self.bar.start()
            self.bar.update(self.task, completed=done / total, words=f"decoded {done} of {total}")
        elif not self.quiet and time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES:
            self.last_line = time.monotonic()
            self._line(f"decoded {done} of {total} items")

    def stages(self, seconds: Mapping[str, float]) -> None:
        """Say how long each stage took."""
        if not self.quiet:
            told = ", ".join(f"{name} {took:.0f} s" for name, took in seconds.items())
            self._line(f"took      {told}")

    def told(self, words: str) -> None:
        """Say something in a line of its own."""
        if not self.quiet:
            self.end()
            self._line(words)

    def end(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.stop()

    def fold(self, number: int, folds: int) -> None:
        """Say which fold begins."""
        if not self.quiet:
            self._line(f"fold {number} of {folds}")

    def recipe(self, start: "Start") -> None:
        """Say which preset is followed, if one is, and what the items were taken for."""
        if start.told and not self.quiet:
            self._line(f"recipe    {start.told}")

    def start(self, run: "Run") -> None:
        """Say what is learned from what."""
        if self.quiet:
            return
        for role, words in run.data.sentences().items():
            self._line(f"{role:<10}{words}")
        if run.data.failed:
            self._line(f"{len(run.data.failed)} items failed to read:")
            for place, reason in run.data.failed[:10]:
                self._line(f"  {place}: {reason}")
        if self.bar is not None:
            self.bar.start()

    def audit(self, found: "Audit") -> None:
        """Say what is wrong with the data, in a few lines."""
        if self.quiet:
            return
        for one in found.alarms:
            self._line(f"audit     alarm: {printable(one.sentence)}")
            for each in one.evidence[:_NAMED]:
                self._line(f"            {printable(f'{each.place}: {each.detail}')}")
            self._line(f"          {one.advice}")
        best = {one.kind: one for one in reversed(found.findings)}.get("baselines")
        calm = "" if found.alarms else "nothing alarming. "
        if best is not None or calm:
            self._line(f"audit     {calm}{printable(best.sentence) if best else ''}".rstrip())
        self._line("          more, with pictures: likewise audit SOURCE")

    def step(self, share: float, loss: float) -> None:
        """Move the bar."""
        if self.bar is not None:
            self.bar.update(self.task, completed=share, loss=loss)

    def epoch(self, epoch: Epoch) -> None:
        """Show an epoch: every one on the bar, one in ten seconds as a line."""
        figure = "" if epoch.figure is None else f"  validation error {epoch.figure:.4f}"
        words = f"loss {epoch.loss:.4f}{figure}  {epoch.items_per_second:.0f} items/s"
        if epoch.note and epoch.note != self.noted and not self.quiet:
            self.noted = epoch.note
            self._line(f"epoch {epoch.number:>4}  {epoch.note}")
        if self.bar is not None:
            self.bar.update(self.task, words=words)
        elif not self.quiet:
            now = time.monotonic()
            if now - self.last_line >= SECONDS_BETWEEN_LINES or epoch.seconds_left <= 0:
                self.last_line = now
                self._line(f"epoch {epoch.number:>4}  {words}  {epoch.seconds_left:.0f} s left")

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)
