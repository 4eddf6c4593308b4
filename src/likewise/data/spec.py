"""From what a person named as a source to the spec of it."""

import difflib
import os
import re
from pathlib import Path

from likewise.errors import BadArgument, SourceNotFound
from likewise.io.display import shortened
from likewise.registry import Spec
from likewise.sources import FAMILY
from likewise.sources.tabular.grades import Grading

_TABLES = dict.fromkeys((".csv", ".tsv", ".parquet", ".jsonl"), "table")
_ENDINGS = {".zip": "folder", ".npz": "arrays", ".ts": "ucr", **_TABLES}


def source_spec(given: str | Path) -> str | None:
    """Return the spec of a source: a path that exists stands for its source.

    Args:
        given: A path, the name of a source, or a spec.

    Returns:
        The spec; None where it is the path of a file that is one item.

    Raises:
        SourceNotFound: If it looks like a path, or like a name that no source has.
    """
    text, path = str(given), Path(os.path.expanduser(given))  # noqa: PTH111 - no error without a home
    if path.is_dir():
        return str(Spec("folder", (text,)))
    if path.is_file():
        name = _ENDINGS.get(path.suffix.lower())
        return str(Spec(name, (text,))) if name else None
    if isinstance(given, str) and ("(" in text or re.match(r"[A-Za-z_]\w+:", text)):
        return text
    if isinstance(given, str) and text in (*FAMILY.names(), *FAMILY.aliases):
        return text
    near = difflib.get_close_matches(text, FAMILY.names(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise SourceNotFound(
        f"there is no file or folder {shortened(repr(text), 300)}. (Sources by name: likewise list "
        f"sources{hint})"
    )


def levelled(given: str, level: int) -> str:
    """Return the source that words name, with so many folders naming an identity.

    Args:
        given: A path, the name of a source, or a spec.
        level: How many folders from the top; 0 leaves it as it is.

    Raises:
        BadArgument: If it is no folder.
    """
    if not level:
        return given
    spec = source_spec(given)
    parsed = None if spec is None else Spec.parse(spec)
    if parsed is None or parsed.name != "folder":
        raise BadArgument(
            f"--identity-level {level} was given, and {shortened(repr(given), 200)} is no folder "
            "with one sub-folder an identity. Leave it out."
        )
    return str(parsed.replaced(identity_level=level))


def grouped_spec(spec: str, by: str) -> str:
    """Return the spec of a source whose groups are those of a column.

    Args:
        spec: Of the source.
        by: A column of a table, or `group` for what the source's own groups are; empty for none.

    Raises:
        BadArgument: If the source has no such column.
    """
    if not by:
        return spec
    parsed = Spec.parse(spec)
    if parsed.name == "table" and (by != "group" or "group" not in parsed.kwargs):
        return str(parsed.replaced(group=by))
    if by != "group":
        raise BadArgument(
            f"--by is {by!r}, and {parsed.name} is no table with a column of that name. Write "
            "--by group for the source's own groups."
        )
    return spec


def graded_spec(spec: str, grading: Grading | None) -> str:
    """Return the spec of a source whose pairs are graded.

    Args:
        spec: Of the source.
        grading: From which grade on two are the same; None where pairs are not graded.

    Raises:
        BadArgument: If the source is no table.
    """
    if grading is None:
        return spec
    parsed = Spec.parse(spec)
    if parsed.name != "table":
        raise BadArgument(
            f"--same-from {grading.same_from:g} was given, and {parsed.name} is no table of graded "
            "pairs. Leave it out."
        )
    if grading.different_to is None:
        return str(parsed.replaced(same_from=grading.same_from))
    return str(parsed.replaced(same_from=grading.same_from, different_to=grading.different_to))


def grading_of(same_from: float | None, different_to: float | None) -> Grading | None:
    """Return where the same begins among grades; None where nobody said that there are some.

    Args:
        same_from: From which grade on two are the same.
        different_to: To which grade two are different; None for all below the other.

    Raises:
        BadArgument: If only the other end was given, or one is no number that fits.
    """
    if same_from is not None:
        return Grading(same_from, different_to)
    if different_to is not None:
        raise BadArgument(
            f"--different-to {different_to:g} was given without --same-from. Say from which grade "
            "on two are the same, too."
        )
    return None
