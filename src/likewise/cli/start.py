"""From what a person gave to a source's spec, and to the recipe that is started from."""

from pathlib import Path
from typing import TYPE_CHECKING

from likewise.errors import BadArgument
from likewise.registry import Spec

if TYPE_CHECKING:
    from likewise.recipe import Recipe


def grouped_spec(spec: str, by: str) -> str:
    """The spec of a source whose groups are those of a column.

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


def started_from(source: str) -> "Recipe":
    """The recipe in a file, or what is tried first for the kind of a source's items.

    Raises:
        SourceNotFound: If there is no such file or source.
    """
    from likewise.cli.words import source_spec
    from likewise.errors import SourceNotFound
    from likewise.recipe import Recipe
    from likewise.sources import FAMILY

    if source.endswith(".toml"):
        try:
            return Recipe.from_toml(Path(source).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise SourceNotFound(f"The recipe {source!r} cannot be read ({error}).") from error
    spec = source_spec(source)
    items = FAMILY.build(spec).items()
    started = Recipe.for_kind(items.kind, pairs=items.pairs is not None)
    return started.with_fields({"source": spec})
