"""The command line: one file a command; nothing heavy is imported before a command runs."""

import json
import sys

import typer

from likewise import __version__
from likewise.cli import data, embed, evaluate, list_, train, verify
from likewise.errors import LikewiseError

app = typer.Typer(
    name="likewise",
    no_args_is_help=True,
    rich_markup_mode=None,  # the plain help starts in half the time
    pretty_exceptions_enable=False,
    help="Learn from your examples when two things are the same, and decide with a stated error "
    "rate.",
)
app.command("train")(train.train)
app.command("verify")(verify.verify)
app.command("evaluate")(evaluate.evaluate)
app.command("embed")(embed.embed)
app.command("data")(data.data)
app.command("list")(list_.list_components)


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
    """Learn from your examples when two things are the same."""


def main() -> None:
    """Run the command line: exit 0 when the job is done, 2 on bad input."""
    try:
        app()
    except LikewiseError as error:
        if "--json" in sys.argv:
            print(json.dumps({"error": type(error).__name__, "message": str(error)}))
        else:
            print(f"likewise: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("likewise: stopped.", file=sys.stderr)
        sys.exit(130)
