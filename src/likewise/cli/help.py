"""The form of the help, which reads like a page of a manual.

A command's docstring is its page. What stands before its first section (a line that ends with a
colon, and indented lines below it) says what the command does; then come its arguments and
options in the groups that `rich_help_panel` names; then the sections, line for line as written.
"""

import os
import re
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from likewise.io.atomic import MODE, file_mode

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 + SIGINT."""

GIVEN, LEARNING, RUNNING, DECIDING, ALONE, OTHER = (
    "Arguments",
    "What it learns, and how",
    "How the run goes",
    "How it decides",
    "Data alone, without a model",
    "Options",
)


class Page(TyperCommand):
    """A command whose help is a page of a manual.

    One that writes files takes `--mode`, too.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if "\nWrites:" in (self.help or ""):
            self.params.append(
                TyperOption(
                    param_decls=["--mode"],
                    metavar="MODE",
                    expose_value=False,
                    callback=_choose_mode,
                    show_default=False,
                    help="Who may read the new files: 600 (the default: only you), 640 or 660.",
                )
            )

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:  # noqa: ARG002 - typer's signature
        """What stands behind the command's name: `[OPTIONS] [SOURCE] --out FOLDER`."""
        pieces = ["[OPTIONS]"]
        for one in self.params:
            if one.param_type_name == "argument":
                pieces.append(f"{one.metavar}" if one.required else f"[{one.metavar}]")
            elif one.required:
                pieces.append(f"{one.opts[0]} {one.metavar}")
        return pieces

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the page."""
        prose, sections = parts(self.help or "")
        self.format_usage(ctx, formatter)
        write_prose(formatter, prose)
        for name, rows in _grouped(self, ctx).items():
            with formatter.section(name):
                formatter.write_dl(rows)
        write_sections(formatter, sections)


def _choose_mode(_: "Context", __: object, mode: str | None) -> None:
    """Let new files have a mode, those of processes that this one starts, too."""
    if mode is not None:
        os.environ[MODE] = mode
        file_mode()


class Cover(TyperGroup):
    """The help that lists the commands; it also says so when Ctrl-C stops one."""

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the page."""
        prose, sections = parts(self.help or "")
        self.format_usage(ctx, formatter)
        write_prose(formatter, prose)
        rows = [(name, one.get_short_help_str(70)) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        for name, options in _grouped(self, ctx).items():
            with formatter.section(name):
                formatter.write_dl(options)
        write_sections(formatter, sections)

    def invoke(self, ctx: "Context") -> object:
        """Run the command. Typer would take Ctrl-C for itself, and say nothing."""
        try:
            return TyperGroup.invoke(self, ctx)
        except KeyboardInterrupt:
            raise typer.Abort from None


def parts(text: str) -> tuple[list[str], list[list[str]]]:
    """A docstring as its paragraphs, and its sections line by line."""
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    start = next((i for i, block in enumerate(blocks) if _is_section(block)), len(blocks))
    return [" ".join(block) for block in blocks[:start]], blocks[start:]


def _is_section(block: list[str]) -> bool:
    return block[0].endswith(":") and len(block) > 1 and block[1].startswith(" ")


def write_prose(formatter: "HelpFormatter", paragraphs: list[str]) -> None:
    """Write paragraphs, each filled to the width of the page."""
    for paragraph in paragraphs:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(paragraph)


def write_sections(formatter: "HelpFormatter", sections: list[list[str]]) -> None:
    """Write sections as they stand, but for the depth of their lines."""
    for heading, *lines in sections:
        formatter.write_paragraph()
        formatter.write(f"{heading}\n")
        for line in lines:
            formatter.write(f"  {line.removeprefix('    ')}\n")


def _grouped(command: "Command", ctx: "Context") -> dict[str, list[tuple[str, str]]]:
    """Name and text of every argument and option by its group, in the order of the command."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        row = parameter.get_help_record(ctx)
        if row is not None:
            default = GIVEN if parameter.param_type_name == "argument" else OTHER
            name = getattr(parameter, "rich_help_panel", None) or default
            # Typer puts brackets about a default that is said in words.
            words = re.sub(r"\[default: \((.*)\)(;.*)?\]$", r"[default: \1\2]", row[1])
            label = (parameter.metavar or row[0]) if default == GIVEN else row[0]
            groups.setdefault(name, []).append((label, words))
    if OTHER in groups:
        groups[OTHER] = groups.pop(OTHER)
    return groups
