"""Named components, and the one string that builds them.

A **spec** names and configures a component: `triplet` or `triplet(margin=0.2)`. It holds literals
and keywords only and is read by `ast`, so nothing is executed. `folder:faces/` is short for
`folder('faces/')`.

A **family** is a lazy table from names to classes. Listing it and checking a spec read the class's
source file and import nothing; the module is imported when a component is built.
"""

import ast
import difflib
import importlib
import importlib.util
import keyword
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from likewise.errors import BadArgument, BadSpec, UnknownName
from likewise.signatures import Component, component_of, fits

T = TypeVar("T")

ENTRY_POINTS = "likewise.components"
FAMILIES = {
    "kinds": "likewise.kinds",
    "sources": "likewise.sources",
    "transforms": "likewise.transforms",
    "distances": "likewise.distances",
    "calibrators": "likewise.calibrators",
    "stores": "likewise.stores",
    "encoders": "likewise.learn.encoders",
    "matchers": "likewise.learn.matchers",
    "miners": "likewise.learn.miners",
    "losses": "likewise.learn.losses",
    "samplers": "likewise.learn.samplers",
    "augmentations": "likewise.learn.augmentations",
    "views": "likewise.learn.views",
}


def unknown(what: str, given: str, known: Iterable[str]) -> UnknownName:
    """The error for a name that nobody has, with the nearest that somebody has."""
    names = list(known)
    near = difflib.get_close_matches(given, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownName(f"{what} {given!r}.{hint} Known: {', '.join(names) or 'none'}.")


def _literal(node: ast.expr) -> Any:
    """The value of a literal that can be written again; 1e999 would be written `inf`."""
    value = ast.literal_eval(node)
    ast.literal_eval(repr(value))
    return value


LONGEST_SPEC = 10_000
"""More letters than any choice needs; Python's parser would take long over millions."""


@dataclass(frozen=True)
class Spec:
    """A component's name and its literal arguments."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Spec":
        """Read a spec from its string.

        Raises:
            BadSpec: If it is not a name with literal arguments, or has 10,000 letters or more.
        """
        text = text.strip()
        shown = text if len(text) <= 80 else f"{text[:77]}..."
        wrong = BadSpec(
            f"{shown!r} is no spec. Write a name, or a name with literal arguments, "
            "as in triplet(margin=0.2)."
        )
        if len(text) >= LONGEST_SPEC:
            raise BadSpec(f"{wrong} It has {len(text):,} letters; 9,999 are the most.")
        short = re.fullmatch(r"([A-Za-z_]\w*):(.+)", text, flags=re.DOTALL)
        if short and not keyword.iskeyword(short[1]):
            return cls(short[1], (short[2],))
        try:
            with warnings.catch_warnings():
                # A lone backslash, as in 'C:\data', is doubtful Python: refused, not guessed.
                warnings.simplefilter("error")
                node = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise wrong from None
        if isinstance(node, ast.Name):
            return cls(node.id)
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            raise wrong
        try:
            args = tuple(_literal(value) for value in node.args)
            kwargs = {str(k.arg): _literal(k.value) for k in node.keywords if k.arg}
        except (ValueError, TypeError, RecursionError, MemoryError):
            raise wrong from None
        if len(kwargs) != len(node.keywords):
            raise wrong
        return cls(node.func.id, args, kwargs)

    def __str__(self) -> str:
        inside = [repr(value) for value in self.args]
        inside += [f"{key}={value!r}" for key, value in self.kwargs.items()]
        return f"{self.name}({', '.join(inside)})" if inside else self.name

    def replaced(self, **changes: Any) -> "Spec":
        """The same spec with these keyword arguments set."""
        return Spec(self.name, self.args, {**self.kwargs, **changes})


class Family(Generic[T]):
    """A lazy table of the components of one kind.

    Args:
        noun: What one of them is called in an error: `loss`.
        package: The package that holds them.
        table: Name → `module:Class`, the module relative to the package.
        context: Constructor arguments that the house fills in (the shape of the input, say) and
            that a spec therefore never gives. A component declares those that it needs.
        aliases: Old name → name. Old names go on being read, and are listed nowhere. That of an
            argument stands behind its component's: `classes_by_items.fewer` → `allow_fewer`.
    """

    def __init__(
        self,
        noun: str,
        package: str,
        table: Mapping[str, str],
        context: tuple[str, ...] = (),
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.noun = noun
        self.package = package
        self.context = context
        self.aliases = dict(aliases or {})
        self._table = {name: f"{package}.{target}" for name, target in table.items()}
        self._foreign: dict[str, str] | None = None

    @property
    def name(self) -> str:
        """The last word of the package: `losses`."""
        return self.package.rpartition(".")[2]

    def names(self) -> list[str]:
        """All names, the house's own first, then those of other packages."""
        return [*self._table, *self._others()]

    def _others(self) -> dict[str, str]:
        if self._foreign is None:
            from importlib.metadata import entry_points

            found = entry_points(group=ENTRY_POINTS)
            pairs = [(p.name.partition("."), f"{p.module}:{p.attr}") for p in found]
            self._foreign = {
                name: target
                for (family, _, name), target in pairs
                if family == self.name and name not in self._table
            }
        return self._foreign

    def canonical(self, name: str) -> str:
        """The name that a component has today, where `name` may be one that it had before.

        Raises:
            UnknownName: With the nearest known name.
        """
        name = self.aliases.get(name, name)
        self.target(name)
        return name

    def argument_name(self, component: str, argument: str) -> str:
        """The name that an argument has today, where `argument` may be one that it had before."""
        return self.aliases.get(f"{component}.{argument}", argument)

    def present(self, spec: Spec) -> Spec:
        """The same spec with every name as it is today.

        Raises:
            BadArgument: If an argument is given under both of its names.
        """
        name = self.aliases.get(spec.name, spec.name)
        kwargs: dict[str, Any] = {}
        for key, value in spec.kwargs.items():
            argument = self.argument_name(name, key)
            if argument in kwargs:
                raise BadArgument(f"{spec} gives {argument} under two names. Leave one out.")
            kwargs[argument] = value
        return replace(spec, name=name, kwargs=kwargs)

    def target(self, name: str) -> str:
        """The `module:Class` behind a name.

        Raises:
            UnknownName: With the nearest known name.
        """
        name = self.aliases.get(name, name)
        found = self._table.get(name) or self._others().get(name)
        if found is None:
            raise unknown(f"no {self.noun} is named", name, self.names())
        return found

    def describe(self, name: str) -> Component:
        """Read a component's arguments and first sentence from its source file."""
        return component_of(self.canonical(name), self.target(name), self.context)

    def declares(self, spec: str | Spec, argument: str) -> bool:
        """Whether the component of a spec takes an argument, be it filled in by the house."""
        name = (Spec.parse(spec) if isinstance(spec, str) else spec).name
        return argument in [one.name for one in component_of(name, self.target(name)).arguments]

    def check(self, spec: str | Spec) -> Spec:
        """Check a spec, importing nothing; return it under the name that is used today.

        Returns:
            The spec, under the name that the component has today.

        Raises:
            UnknownName: If no component or argument has that name.
            BadArgument: If a value is of another type than declared, or one is missing.
        """
        spec = self.present(Spec.parse(spec) if isinstance(spec, str) else spec)
        component = self.describe(spec.name)
        known = [argument.name for argument in component.arguments]
        if len(spec.args) > len(known):
            raise BadArgument(
                f"{spec} gives {len(spec.args)} arguments; {component.signature} takes "
                f"{len(known)}."
            )
        given = dict(zip(known, spec.args, strict=False))
        for key, value in spec.kwargs.items():
            if key not in known:
                raise unknown(f"{self.noun} {spec.name!r} has no argument", key, known)
            if key in given:
                raise BadArgument(f"{spec} gives {key!r} twice. Give it once.")
            given[key] = value
        for argument in component.arguments:
            if argument.name not in given:
                if argument.default is None:
                    raise BadArgument(
                        f"{spec} lacks {argument.name!r}. Write {component.signature}."
                    )
            elif not fits(given[argument.name], argument.annotation):
                raise BadArgument(
                    f"{self.noun} {spec.name!r}: {argument.name} is {given[argument.name]!r}, "
                    f"and {argument.annotation} is expected."
                )
        return replace(spec, name=component.name)

    def named(self, spec: Spec) -> Spec:
        """The same spec with every argument given by its name."""
        names = (argument.name for argument in self.describe(spec.name).arguments)
        return Spec(spec.name, (), {**dict(zip(names, spec.args, strict=False)), **spec.kwargs})

    def build(self, spec: "str | Spec | T", **context: Any) -> T:
        """Build the component that a spec names; a component is handed back as it is.

        Args:
            spec: What to build.
            context: What the house fills in; of it a component is given what it declares.
        """
        if not isinstance(spec, str | Spec):
            return spec
        checked = self.check(spec)
        declared = component_of(checked.name, self.target(checked.name)).arguments
        filled = {one.name: context[one.name] for one in declared if one.name in context}
        # By name, since a context argument may come first.
        arguments = {**self.named(checked).kwargs, **filled}
        component: T = self.type_of(checked)(**arguments)
        return component

    def type_of(self, spec: "str | Spec") -> Any:
        """The class of the component that a spec names; its module is imported."""
        module, _, name = self.target(self.check(spec).name).partition(":")
        return getattr(importlib.import_module(module), name)


def families() -> dict[str, Family[Any]]:
    """Every family of the house by name; importing them imports no torch."""
    return {name: importlib.import_module(package).FAMILY for name, package in FAMILIES.items()}
