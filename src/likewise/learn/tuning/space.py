"""What a search may change of a recipe: ranges of numbers, and choices, each in one string.

`learning_rate=1e-4..1e-2:log` is a range, `loss=supcon|triplet` a choice. `loss.temperature` is
that argument of whatever loss a trial has, where the loss has one, and `loss.supcon.temperature`
that of this loss alone.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

from likewise.errors import RecipeError
from likewise.recipe import Recipe, field_name, literal
from likewise.registry import Family, Spec, families, unknown

Value: TypeAlias = float | int | str
"""A number of a range, or a choice as it is written."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(:\s*log)?")
_EARLY = "it decides who has which part, and trials are compared on the same. Use --set"
_LENGTH = "every trial trains as long as its share of the budget"
_LATER = "it plays no part in the validation error. Use --set"
FIXED = {
    "source": _EARLY,
    "claim": _EARLY,
    "split_by": _EARLY,
    "fractions": _EARLY,
    "seed": _EARLY,
    "transform": "the items are decoded once, for all trials. Use --set",
    "epochs": _LENGTH,
    "budget_seconds": _LENGTH,
    "steps": _LENGTH,
    "calibrator": _LATER,
    "impostors": _LATER,
    "precision": "what is fastest is found out once, for all trials. Use --set",
}
"""Fields that no search changes, and why."""


@dataclass(frozen=True)
class Dimension:
    """One thing that a search may change.

    Attributes:
        name: As it was written, and as the study calls it: `loss.temperature`.
        field: Of the recipe.
        component: The one that must be named there; empty for any.
        argument: Of the component; empty for the field itself.
        values: To choose from, as they are written; empty for a range.
        low: Lower end of the range.
        high: Upper end.
        log: Whether its logarithm is drawn evenly.
        whole: Whether only whole numbers are meant.
    """

    name: str
    field: str
    component: str
    argument: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    def __str__(self) -> str:
        if self.values:
            return f"{self.name}={'|'.join(self.values)}"
        low, high = _ends(self)
        return f"{self.name}={low}..{high}{':log' if self.log else ''}"

    def applies(self, recipe: Recipe) -> bool:
        """Whether this recipe has what it changes."""
        if not self.argument:
            return True
        if not (text := getattr(recipe, self.field)):
            return False
        name = Spec.parse(text).name
        if self.component not in {"", name}:
            return False
        return self.argument in _arguments(_family(self.field), name)

    def setting(self, value: Value) -> str:
        """What sets it, as `Recipe.with_settings` takes it."""
        text = value if isinstance(value, str) else shortest(value)
        return f"{self.field}{'.' if self.argument else ''}{self.argument}={text}"

    def of(self, recipe: Recipe) -> Value | None:
        """Its value in a recipe; None where that is none that the search could draw."""
        if not self.applies(recipe):
            return None
        value: Any = getattr(recipe, self.field)
        if self.argument:
            spec = Spec.parse(getattr(recipe, self.field))
            family = _family(self.field)
            declared = _arguments(family, spec.name)[self.argument]
            given = family.named(spec).kwargs
            value = given.get(self.argument, literal(declared or ""))
        if not self.values:
            numeric = isinstance(value, int | float) and self.low <= value <= self.high
            return None if not numeric else int(value) if self.whole else float(value)
        for text in self.values:
            if recipe.with_settings([self.setting(text)]) == recipe or literal(text) == value:
                return text
        return None


def parse_space(texts: Sequence[str], recipe: Recipe) -> tuple[Dimension, ...]:
    """Read what is to be searched; components come first, then their arguments.

    Args:
        texts: As in `learning_rate=1e-4..1e-2:log` and `loss=supcon|triplet`.
        recipe: What is changed.

    Raises:
        UnknownName: If there is no such field, component or argument; names the nearest.
        RecipeError: If one is no range and no choice, is given twice, or cannot be searched.
        SpecError: If a choice cannot be followed.
    """
    found = [_parsed(text) for text in texts]
    # By what they change, since a field may be called by a name that it had before.
    changed = [(one.field, one.component, one.argument) for one in found]
    for one in found:
        if changed.count((one.field, one.component, one.argument)) > 1:
            raise RecipeError(f"{one.name} is to be searched twice. Give it once.")
    found.sort(key=lambda one: bool(one.argument))
    chosen = {one.field: one.values for one in found if not one.argument}
    return tuple(_checked(one, recipe, chosen.get(one.field, ())) for one in found)


def _parsed(text: str) -> Dimension:
    key, equals, said = (part.strip() for part in text.partition("="))
    if not equals:
        raise RecipeError(
            f"{text!r} searches nothing. Write a range, as in learning_rate=1e-4..1e-2:log, or "
            "choices, as in loss=supcon|triplet."
        )
    name, *rest = key.split(".")
    field = field_name(name)
    if field in FIXED:
        raise RecipeError(f"{field} is not searched: {FIXED[field]}.")
    known = [one.name for one in fields(Recipe) if one.name not in FIXED]
    if field not in known:
        raise unknown("no field that can be searched is named", field, known)
    if len(rest) > 2 or (rest and field not in _component_fields()):
        raise RecipeError(
            f"{key!r} names an argument of no single component. Arguments can be searched of "
            f"{', '.join(_component_fields())}, as in loss.margin or loss.triplet.margin."
        )
    component, argument = ("", *rest) if len(rest) == 1 else rest or ("", "")
    if argument:
        argument = _argument_name(field, component, argument)
    if found := _RANGE.fullmatch(said):
        low, high = float(found[1]), float(found[2])
        if not low < high or (found[3] and low <= 0):
            wrong = (
                "a logarithm needs ends above 0" if low < high else "the smaller end comes first"
            )
            raise RecipeError(f"{text!r} is no range that can be searched: {wrong}.")
        whole = isinstance(literal(found[1]), int) and isinstance(literal(found[2]), int)
        return Dimension(key, field, component, argument, (), low, high, bool(found[3]), whole)
    values = tuple(_choices(said))
    if not all(values) or len(values) < 2 or len(set(values)) < len(values):
        raise RecipeError(
            f"{text!r} leaves nothing to choose. Write a range, as in {key}=1..10, two choices or "
            f"more, as in {key}=A|B, or keep it the same in all trials with --set {key}=VALUE."
        )
    return Dimension(key, field, component, argument, values)


def _choices(said: str) -> Iterator[str]:
    """The parts between the bars that stand in no brackets and no quotes."""
    depth, quote, start = 0, "", 0
    for at, letter in enumerate(said):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "|" and not depth:
            yield said[start:at].strip()
            start = at + 1
    yield said[start:].strip()


def _checked(one: Dimension, recipe: Recipe, choices: Sequence[str]) -> Dimension:
    """The same, once each of its ends or choices is one that the recipe can take."""
    if not one.argument:
        whole = one.whole and isinstance(getattr(recipe, one.field), int)
        one = replace(one, whole=whole)
        for value in _ends(one):
            recipe.with_settings([one.setting(value)])
        return one
    family = _family(one.field)
    specs = [str(literal(text)) for text in choices]
    specs = specs or [text for text in [getattr(recipe, one.field)] if text]
    names = [Spec.parse(text).name for text in specs]
    if one.component and one.component not in names:
        raise unknown(f"no {family.noun} that a trial may have is named", one.component, names)
    meant = {s: n for s, n in zip(specs, names, strict=True) if one.component in {"", n}}
    known = {name: _arguments(family, name) for name in meant.values()}
    if not any(one.argument in arguments for arguments in known.values()):
        listed = dict.fromkeys(name for arguments in known.values() for name in arguments)
        what = f"{family.noun} {' or '.join(map(repr, known)) or 'that is not there'}"
        raise unknown(f"{what} has no argument", one.argument, listed)
    for text, name in meant.items():
        for argument in family.describe(name).arguments:
            if argument.name != one.argument:
                continue
            kinds = {kind.strip() for kind in argument.annotation.split("|")}
            if not one.values and not kinds & {"int", "float"}:
                raise RecipeError(
                    f"{one} is a range, and {argument.name} of {name} takes {argument.annotation}. "
                    "Write choices between bars."
                )
            one = replace(one, whole=one.whole and "int" in kinds)
            for value in _ends(one):
                recipe.with_settings([f"{one.field}={text}", one.setting(value)])
    return one


def _ends(one: Dimension) -> tuple[Value, ...]:
    return one.values or tuple(int(end) if one.whole else end for end in (one.low, one.high))


def shortest(value: float) -> str:
    """A number as short as it can be written to four digits."""
    return str(value) if isinstance(value, int) else repr(float(f"{value:.4g}"))


def _component_fields() -> tuple[str, ...]:
    return ("encoder", "distance", "matcher", "loss", "sampler")


def _family(field: str) -> Family[Any]:
    return families()["losses" if field == "loss" else f"{field}s"]


def _argument_name(field: str, component: str, argument: str) -> str:
    """The name that an argument has now, of this component or, where none is named, of any."""
    for old, new in _family(field).aliases.items():
        of, dot, name = old.partition(".")
        if dot and name == argument and component in {"", of}:
            return new
    return argument


def _arguments(family: Family[Any], name: str) -> dict[str, str | None]:
    """The arguments of a component, with their defaults as they are written."""
    return {one.name: one.default for one in family.describe(name).arguments}
