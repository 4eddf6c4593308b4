"""The command line: one file a command; nothing heavy is imported before a command runs."""

import contextlib
import io
import json
import os
import sys
import threading
import warnings
from typing import TYPE_CHECKING, TextIO, cast

import typer

from likewise import __version__
from likewise.cli import (
    audit,
    calibrate,
    data,
    decide,
    dedupe,
    embed,
    enrol,
    evaluate,
    gallery,
    identify,
    list_,
    monitor,
    search,
    train,
    tune,
    verify,
    wrap,
)
from likewise.cli.completion import OPTIONS, complete_in
from likewise.cli.help import INTERRUPTED, Cover, Page
from likewise.cli.options import NOT_ACQUIRED
from likewise.cli.text.refused import refused
from likewise.errors import LikewiseError, UnreadableItem
from likewise.io.display import printable
from likewise.io.warned import LikewiseWarning

if TYPE_CHECKING:
    from typer._click.exceptions import UsageError

app = typer.Typer(
    name="likewise",
    cls=Cover,
    rich_markup_mode=None,  # the plain help starts in half the time
    pretty_exceptions_enable=False,
)
app.command("train", cls=Page)(train.command)
app.command("tune", cls=Page)(tune.command)
app.command("audit", cls=Page)(audit.command)
app.command("verify", cls=Page)(verify.command)
app.command("decide", cls=Page)(decide.command)
app.command("evaluate", cls=Page)(evaluate.command)
app.command("calibrate", cls=Page)(calibrate.command)
app.command("monitor", cls=Page)(monitor.command)
app.command("embed", cls=Page)(embed.command)
app.command("dedupe", cls=Page)(dedupe.command)
app.command("enrol", cls=Page)(enrol.command)
app.command("identify", cls=Page)(identify.command)
app.command("search", cls=Page)(search.command)
app.add_typer(gallery.app, name="gallery")
app.command("wrap", cls=Page)(wrap.command)
app.command("data", cls=Page)(data.command)
app.command("list", cls=Page)(list_.command)

# What is wrong with the words of a command is told by one class, in typer or in click below it.
_BadUsage = cast("type[UsageError]", typer.BadParameter.__base__)


def _version(asked: bool) -> bool:
    if asked:
        print(f"likewise {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Learn from your examples when two things are the same, and decide with a stated error rate.

    Training makes a model, which is a folder of plain files. Every other command uses it, and
    needs no torch. likewise COMMAND --help says everything about a command.

    Examples:
        likewise train faces/ --out model/
        likewise verify model/ a.png b.png
        likewise evaluate model/ others/
        likewise --install-completion bash

    Environment:
        LIKEWISE_DATA  the folder of research data where sources look first

    Exit codes:
        0    the command did its job
        2    bad input; standard error says what is wrong, or with --json one
             JSON object on standard output
        130  stopped by Ctrl-C
        train, tune, verify, identify and monitor have more

    Next:
        likewise train --help
    """


def main() -> None:
    """Run the command line: exit 0 when the job is done, 2 on bad input."""
    # A file opened later would get the number of a stream that is closed, and what some library
    # prints would be written into it.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A console of Windows, and its pipes, have not every letter of a name.
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.showwarning = _show_warning
    if sys.stdout is None:
        _say("standard output is closed, so that no answer can be given there.")
        _leave(2)
    code = _run()
    try:
        sys.stdout.flush()
    except OSError as error:
        code = _cannot_print(error)
    _leave(code)


def _run() -> int:
    """Run the command that the words ask for, and return its exit code."""
    try:
        if len(sys.argv) == 3 and sys.argv[1] in OPTIONS:
            complete_in(*sys.argv[1:])
            return 0
        words = sys.argv[1:] or ["--help"]
        return app(args=words, prog_name="likewise", standalone_mode=False) or 0
    except LikewiseError as error:
        kind, code, said = type(error).__name__, 2, str(error)
        line = f"{kind}: {printable(said)}"
        if isinstance(error, UnreadableItem) and "--exit-code" in sys.argv[1:]:
            code = NOT_ACQUIRED
    except _BadUsage as error:
        kind, code, said = "BadUsage", 2, error.format_message()
        line = f"{said}\n{_usage(error)}"
    except (KeyboardInterrupt, typer.Abort):
        kind, code, said = "Stopped", INTERRUPTED, "It was stopped by Ctrl-C."
        line = "stopped."
    except Exception as error:
        # Anything else is a fault of the house, and is shown whole.
        why = refused(error)
        if why is None:
            raise
        if isinstance(error, BrokenPipeError) or not _prints():
            return _cannot_print(error)
        kind, code, said = "SystemRefused", 2, why
        line = said
    try:
        if "--json" in sys.argv[1:]:
            print(json.dumps({"schema": 1, "error": kind, "message": said}))
            return code
    except OSError as error:
        return _cannot_print(error)
    _say(line)
    return code


def _prints() -> bool:
    """Whether standard output still takes what is written."""
    try:
        sys.stdout.flush()
    except OSError:
        return False
    return True


def _cannot_print(error: Exception) -> int:
    """Say that standard output takes nothing, and return the exit code; no answer has it."""
    # What is left to print would be tried again at the end, and be a traceback.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if not isinstance(error, BrokenPipeError):  # as where `head` has read enough
        why = getattr(error, "strerror", None) or str(error)
        _say(f"standard output could not be written: {why}. No answer was given.")
    return 2


def _say(line: str) -> None:
    """Print a line on standard error, where that is possible."""
    with contextlib.suppress(OSError, ValueError):
        print(f"likewise: {line}", file=sys.stderr)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print what a person must know in a line of its own; what is for programmers as usual."""
    if issubclass(category, LikewiseWarning):
        _say(printable(str(message)))
    else:
        _SHOW(message, category, filename, lineno, file, line)


_SHOW = warnings.showwarning


def _leave(code: int | None) -> None:
    """End the process, also where a run of ONNX Runtime that was given up is still at work."""
    if any(thread.name == "likewise-run" for thread in threading.enumerate()):
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        # Ending in order would destroy what that thread uses, and abort the process.
        os._exit(code or 0)
    sys.exit(code)


def _usage(error: "UsageError") -> str:
    """Where to read how a command is written."""
    command = error.ctx.command_path if error.ctx else "likewise"
    return f"Read: {command} --help"
