"""The one way from what a person gave to the recipe that is started from."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from likewise.data import source_spec
from likewise.errors import BadArgument, SourceNotFound
from likewise.recipe.presets import PLAIN, complete, filled, pick, preset_named
from likewise.recipe.recipe import Recipe
from likewise.sources import FAMILY


def started_from(
    source: str,
    fields: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    *,
    recipe: str = "",
) -> tuple[Recipe, str]:
    """Return the recipe to follow, and a line: which row of the table filled what nobody gave.

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


def _of_file(path: str) -> tuple[Recipe, set[str]]:
    """Return the recipe in a file, and the fields that it names."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceNotFound(f"The recipe {path!r} cannot be read ({error}).") from error
    return Recipe.from_toml(text), set(tomllib.loads(text))
