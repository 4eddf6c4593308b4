"""What every answer is made of: one JSON object, or lines; and the command that gives it again."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from likewise.results import SCHEMA, Result

if TYPE_CHECKING:
    from likewise.sources.tabular.grades import Grading

SHOWN = 10
"""How many of a list are named; the JSON names all."""


def as_json_line(result: Result, **more: object) -> str:
    """Return a result as one JSON object, with more that a command says of it."""
    return json.dumps({**result.to_dict(), **more}, allow_nan=False)


def json_line(found: Mapping[str, object]) -> str:
    """Return named values as one JSON object of the form that results have."""
    return json.dumps({"schema": SCHEMA, **found}, allow_nan=False)


def first_of(lines: Sequence[str], more: str = "") -> list[str]:
    """Return the first lines of a list, and how many more there are.

    Args:
        lines: All of them.
        more: What is said behind that number.
    """
    shown = [f"  {line}" for line in lines[:SHOWN]]
    rest = len(lines) - SHOWN
    return [*shown, f"  and {rest:,} more{more}"] if rest > 0 else shown


def failed_lines(failed: Sequence[tuple[str, str]], more: str = "") -> list[str]:
    """Return which items failed to read and why; none where all were read."""
    if not failed:
        return []
    named = first_of([f"{place}: {reason}" for place, reason in failed], more)
    return [f"{len(failed):,} items failed to read:", *named]


def layout_lines(source: object) -> list[str]:
    """Return which folders of a source were taken for identities; none where that is plain."""
    note = getattr(source, "note", "")
    return [f"layout    {note}"] if note else []


def rerun(command: str, *words: str, options: Mapping[str, object]) -> str:
    """Return the command that gives an answer again.

    Args:
        command: Its name.
        words: Its arguments.
        options: Name → value. What is empty, false or None is left out; of a list, the option is
            written once for each.
    """
    line = ["likewise", command, *words]
    for name, value in options.items():
        if value in ("", None) or value is False:
            continue
        if value is True:
            line.append(name)
            continue
        for one in value if isinstance(value, list) else [value]:
            line += [name, f"{one:g}" if isinstance(one, float) else str(one)]
    return shlex.join(line)


def grading_options(grading: "Grading | None") -> dict[str, object]:
    """Return the options that say again from which grade on two are the same."""
    if grading is None:
        return {}
    return {"--same-from": grading.same_from, "--different-to": grading.different_to}


def say(found: Mapping[str, object], *, as_json: bool) -> None:
    """Print named values: a line each, or one JSON object."""
    if as_json:
        print(json_line(found))
        return
    for name, value in found.items():
        shown = f"{value:,}" if isinstance(value, int) else value
        print(f"{name.replace('_', ' '):<14}{shown}")
