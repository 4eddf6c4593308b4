"""Recipes by kind of data and amount of time: the table `presets.toml`, and which row is taken.

A row fills fields that nobody gave. What a person or a recipe file says always holds.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from likewise.errors import RecipeError, SourceError
from likewise.kinds import FAMILY as KINDS
from likewise.recipe.names import field_name
from likewise.recipe.recipe import Recipe
from likewise.registry import Spec, families, unknown
from likewise.shapes import Array
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.types import Items, Raw

PLAIN = "plain"
"""What `--recipe` calls the recipe without a row."""

NOT_OF_ROWS = (
    "source",
    "calibrator",
    "impostors",
    "claim",
    "split_by",
    "fractions",
    "budget_seconds",
    "steps",
    "seed",
)
"""Fields that say what is wanted of whom, and never how it is learned best."""

_LENGTHS = {"epochs", "budget_seconds", "steps"}
# What means nothing, or is refused, beside another choice than the row's own.
_BELONGS = {
    "encoder": {"update_bn_batches"},
    "loss": {"memory", "memory_start"},
    "matcher": {"memory", "memory_start", "whiten"},
    "ema_decay": {"swa_fraction"},
    "epochs": _LENGTHS,
    "budget_seconds": _LENGTHS,
    "steps": _LENGTHS,
}
_LOOKED_AT = 16


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        name: What `--recipe` calls it.
        suits: What it is for, in words.
        kind: The sort of data, as a kind of item parts it: `drawings`, `photographs`, `series`;
            empty for a row that is taken by name alone.
        minutes: Of training, at most; 0 for any time.
        identities: How many, at least and at most; 0 for no limit.
        fields: Of the recipe.
        measured: The figure, with its command.
    """

    name: str
    suits: str
    kind: str
    minutes: float
    identities: tuple[int, int]
    fields: Mapping[str, Any]
    measured: str

    @property
    def time(self) -> str:
        """How long, in words."""
        return f"up to {self.minutes:g} min" if self.minutes else "any"

    def fits(self, sort: str, seconds: float | None, identities: int) -> bool:
        """Whether it is for such data and so much time; None is a time that nobody said."""
        low, high = self.identities
        timely = seconds is None or not self.minutes or seconds <= 60 * self.minutes
        return sort == self.kind and timely and low <= identities <= (high or identities)


@cache
def rows() -> tuple[Row, ...]:
    """The table, in the order in which rows are tried."""
    text = files("likewise.recipe").joinpath("presets.toml").read_text(encoding="utf-8")
    return parse_presets(text)


def parse_presets(text: str) -> tuple[Row, ...]:
    """A table from its TOML, every row checked.

    Raises:
        RecipeError: If a row lacks something, or has what no row can have.
        UnknownName: If a field is none of a recipe.
        SpecError: If a component of a row cannot be followed.
    """
    found: list[Row] = []
    for plain in tomllib.loads(text)["recipe"]:
        known = {"name", "for", "kind", "minutes", "identities", "measured", "fields"}
        for key in plain:
            if key not in known:
                raise unknown("no part of a row is named", key, known)
        if missing := [key for key in ("name", "for", "measured", "fields") if key not in plain]:
            raise RecipeError(f"A row of the recipes lacks {', '.join(missing)}: {plain}.")
        name, kind = plain["name"], plain.get("kind", "")
        if name == PLAIN or name in {row.name for row in found}:
            raise RecipeError(f"Two recipes are named {name!r}. Name one of them otherwise.")
        if kind and kind not in sorts():
            raise unknown("no kind of data is named", kind, sorts())
        if fixed := [key for key in plain["fields"] if key in NOT_OF_ROWS]:
            raise RecipeError(f"The recipe {name!r} sets {fixed[0]}, which is the user's to say.")
        Recipe().with_fields(plain["fields"]).checked()
        low, high = plain.get("identities", [0, 0])
        minutes = float(plain.get("minutes", 0))
        found.append(
            Row(name, plain["for"], kind, minutes, (low, high), plain["fields"], plain["measured"])
        )
    return tuple(found)


@cache
def sorts() -> tuple[str, ...]:
    """The sorts of data that the kinds of items tell apart."""
    return tuple(sort for name in KINDS.names() for sort in KINDS.build(name).sorts)


def preset_named(name: str) -> Row:
    """The row of that name.

    Raises:
        UnknownName: If there is none; names the nearest.
    """
    for row in rows():
        if row.name == name:
            return row
    raise unknown("no recipe is named", name, [PLAIN, *(row.name for row in rows())])


def pick(items: Items, seconds: float | None = None) -> tuple[Row | None, str]:
    """The row that is tried first for these items, and why.

    Args:
        items: Some of which are looked at, if they are images.
        seconds: Of training; None takes the first row of the kind.

    Returns:
        None where no row fits: where the source gives pairs, the table has none.
    """
    if items.pairs is not None:
        return None, "the source gives pairs"
    kind, why = data_kind(items)
    count = len(set(items.identities.tolist()))
    for row in rows():
        if row.fits(kind, seconds, count):
            spent = "no time said" if seconds is None else f"{seconds:g} s"
            return row, f"{why}, {count} identities, {spent}"
    return None, why


def data_kind(items: Items) -> tuple[str, str]:
    """The sort of some items as the table has it, and why."""
    return KINDS.build(items.kind).sort(looked_at(items))


def looked_at(items: Items) -> Iterator[Array]:
    """Some of the items as they are; those that cannot be read are left out."""
    plain = TRANSFORMS.build(KINDS.build(items.kind).plain, state=None)
    for raw in raws(items):
        try:
            yield plain.original(raw, items.namespace)
        except SourceError:
            continue  # training tells of it


def raws(items: Items) -> Iterator[Raw]:
    """Some of the items as their source gives them; those that cannot be read are left out."""
    rows = np.linspace(0, len(items) - 1, _LOOKED_AT).round().astype(int)
    for row in np.unique(rows).tolist():
        try:
            yield items.read(row)
        except SourceError:
            continue


def filled(row: Row, given: Collection[str], settings: Sequence[str] = ()) -> Mapping[str, Any]:
    """The fields of a row that nobody gave, and that go with what was given.

    Args:
        row: Of the table.
        given: Fields that were given.
        settings: As in `loss.margin=0.3`; of a component that has no such argument the row's is
            left out.
    """
    out = {one for field in map(field_name, given) for one in {field, *_BELONGS.get(field, ())}}
    sized = set()
    for setting in settings:
        name, dot, argument = setting.partition("=")[0].strip().partition(".")
        field = field_name(name)
        if not dot or not isinstance(row.fields.get(field), str):
            out |= {field, *_BELONGS.get(field, ())}
            continue
        family = families()["losses" if field == "loss" else f"{field}s"]
        name = Spec.parse(row.fields[field]).name
        argument = family.argument_name(name, argument)
        if argument not in {one.name for one in family.describe(name).arguments}:
            out |= {field, *_BELONGS.get(field, ())}
        sized.add(field)
    kept = {key: value for key, value in row.fields.items() if key not in out}
    for field in sized & set(kept):
        spec = Spec.parse(kept[field])
        if spec.kwargs.get("allow_fewer"):
            # A row takes fewer where data have fewer; what a person asks for is met or refused.
            kept[field] = spec.name
    return kept


def complete(given: Collection[str]) -> bool:
    """Whether these are all fields that a row could fill."""
    return {one.name for one in fields(Recipe)} - set(NOT_OF_ROWS) <= {*map(field_name, given)}
