"""The one way from what a person gave to the recipe that is started from."""

import logging
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from likewise.data import as_source, spec_given
from likewise.errors import BadArgument, SourceNotFound
from likewise.kinds import FAMILY as KINDS
from likewise.recipe.presets import PLAIN, complete, filled, looked_at, pick, preset_named, raws
from likewise.recipe.recipe import Recipe
from likewise.registry import Spec
from likewise.sources import FAMILY
from likewise.sources.base import Source
from likewise.types import Items

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """What a run starts from.

    Attributes:
        recipe: To follow.
        source: Where the items come from; None where the recipe names it.
        told: In a line, what filled the choices that nobody made, and what the items were taken
            for; empty where there is nothing to tell.
    """

    recipe: Recipe
    source: Source | None
    told: str


def started_from(
    source: object,
    fields: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    *,
    recipe: str = "",
    kind: str = "",
    columns: Mapping[str, str] | None = None,
) -> Start:
    """Return what a run starts from, as every door asks for it.

    Args:
        source: A recipe.toml, a `Recipe`, or what `as_source` takes.
        fields: That were given, which hold over those of a recipe.toml.
        settings: As `--set` takes them, which hold over both.
        recipe: The name of a preset, `plain` for none, empty for the one that fits the items.
        kind: What the items are, where their form does not tell.
        columns: Of a frame or a table, as `as_source` takes them.

    Raises:
        SourceNotFound: If there is no such file or source.
        UnknownName: If no preset has that name.
        BadArgument: If the preset of that name has nothing left to fill, or the source is nothing
            that holds items.
    """
    if source is None or (isinstance(source, str) and not source):
        raise SourceNotFound(
            "No source was given. Name a folder, a file, a source's spec or a recipe.toml to learn "
            "from; only --resume does without."
        )
    row = preset_named(recipe) if recipe not in {"", PLAIN} else None
    built, items, note = None, None, ""
    if isinstance(source, Recipe):
        started, given = source, {*asdict(source)}
    elif isinstance(source, str | Path) and str(source).endswith(".toml"):
        started, given = _of_file(str(source))
    else:
        built = as_source(source, kind=kind, columns=columns)
        items, note = built.items(), getattr(built, "note", "")
        started = Recipe.for_kind(items.kind, pairs=items.pairs is not None)
        spec = ""
        if isinstance(source, str | Path):
            spec = spec_given(source, kind=kind, columns=columns) or ""
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
    told = []
    if row is not None and taken:
        told.append(
            f"{row.name} ({row.suits}; {why}) says {', '.join(taken)}; likewise list recipes shows "
            "it, --recipe plain leaves it out"
        )
    followed = started.with_fields(taken).with_fields(fields or {}).with_settings(settings)
    followed, fitted = _fitted(followed, items, given, settings)
    told += fitted
    if note:
        told.append(note)
    # Another source that a setting named holds over the one that was looked at.
    source_stays = followed.source == started.source
    if told:
        _LOG.info(". ".join(told))
    return Start(followed, built if source_stays else None, ". ".join(told))


def _fitted(
    recipe: Recipe, items: Items | None, given: Collection[str], settings: Sequence[str]
) -> tuple[Recipe, list[str]]:
    """A recipe with the arguments that these items need where nobody chose, and why."""
    if items is None or not len(items):
        return recipe, []
    kind, why = KINDS.build(items.kind), []
    for field in ("transform", "encoder"):
        if field in given or _says(settings, field):
            continue
        spec = Spec.parse(getattr(recipe, field))
        if field == "transform":
            found, reason = kind.transform_settings(raws(items))
        else:
            found, reason = kind.encoder_settings(spec.name, looked_at(items))
        # What was said of a component holds, as in encoder.stride=2.
        chosen = {name: one for name, one in found.items() if name not in spec.kwargs}
        if chosen:
            recipe = recipe.with_fields({field: str(spec.replaced(**chosen))})
            why.append(reason)
    return recipe, why


def _says(settings: Sequence[str], field: str) -> bool:
    return any(one.partition("=")[0].strip() == field for one in settings)


def _of_file(path: str) -> tuple[Recipe, set[str]]:
    """Return the recipe in a file, and the fields that it names."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceNotFound(f"The recipe {path!r} cannot be read ({error}).") from error
    return Recipe.from_toml(text), set(tomllib.loads(text))
