"""From what a person gave to a source's spec, and to the recipe that is started from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def started_from(
    source: str,
    fields: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    *,
    recipe: str = "",
) -> "tuple[Recipe, str]":
    """The recipe to follow, and in a line which row of the table filled what nobody gave.

    Args:
        source: A recipe.toml, or what stands for a source.
        fields: That were given, which hold over those of a recipe.toml.
        settings: As `--set` takes them, which hold over both.
        recipe: The name of a row, `plain` for none, empty for the one that fits the items.

    Raises:
        SourceNotFound: If there is no such file or source.
        UnknownName: If no row has that name.
        BadArgument: If the row of that name has nothing left to fill.
    """
    from likewise.errors import SourceNotFound
    from likewise.recipe import PLAIN, Recipe, complete, filled, pick, preset_named
    from likewise.sources import FAMILY

    if not source:
        raise SourceNotFound(
            "No source was given. Name a folder, a file, a source's spec or a recipe.toml to learn "
            "from; only --resume does without."
        )
    row = preset_named(recipe) if recipe not in {"", PLAIN} else None
    if source.endswith(".toml"):
        started, given = _of_file(source)
        items = None
    else:
        from likewise.cli.text.evaluation import source_spec

        spec = source_spec(source)
        items = FAMILY.build(spec).items()
        started = Recipe.for_kind(items.kind, pairs=items.pairs is not None)
        started, given = started.with_fields({"source": spec}), {"source"}
    given |= {*(fields or {})}
    wanted = started.with_fields(fields or {})
    whole = [one for one in settings if "." not in one.partition("=")[0]]
    given |= {one.partition("=")[0].strip() for one in whole}
    why = "as asked"
    if not recipe and not complete(given):
        asked = wanted.with_settings(whole)
        if items is None and asked.source:
            items = FAMILY.build(asked.source).items()
        if items is not None:
            row, why = pick(items, asked.budget_seconds or None)
    taken = {} if row is None else filled(row, given, settings)
    if recipe and row is not None and not taken:
        raise BadArgument(
            f"--recipe {recipe} says {', '.join(row.fields)}, and nothing of that is left to say "
            "beside what was given. Leave it out."
        )
    line = ""
    if row is not None and taken:
        line = (
            f"{row.name} ({row.suits}; {why}) says {', '.join(taken)}; likewise list recipes shows "
            "it, --recipe plain leaves it out"
        )
    return started.with_fields(taken).with_fields(fields or {}).with_settings(settings), line


def resumed_from(
    out: str, fields: Mapping[str, Any], settings: Sequence[str], recipe: str
) -> "tuple[Recipe, str]":
    """The recipe of the stopped run on its way to a folder, and no line about it.

    Raises:
        BadArgument: If another recipe was named.
        NothingToResume: If there is no such run.
    """
    from likewise.learn.loop import checkpoint
    from likewise.recipe import Recipe

    if recipe:
        raise BadArgument(
            f"--recipe {recipe} fills what nobody gave, and the run that is gone on with has all "
            "of its recipe. Leave it out."
        )
    begun = Recipe.from_toml(
        checkpoint.read_checkpoint(checkpoint.checkpoint_path(Path(out))).recipe
    )
    return begun.with_fields(fields).with_settings(settings), ""


def _of_file(path: str) -> "tuple[Recipe, set[str]]":
    """The recipe in a file, and the fields that it names."""
    import tomllib

    from likewise.errors import SourceNotFound
    from likewise.recipe import Recipe

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceNotFound(f"The recipe {path!r} cannot be read ({error}).") from error
    return Recipe.from_toml(text), set(tomllib.loads(text))
