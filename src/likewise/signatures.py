"""What a component takes, read from its source file: nothing is imported.

An argument's annotation is also what a literal is checked against, as far as it is simple: `int`,
`float`, `str`, `bool`, `None`, `Literal['a', 'b']`, `tuple[float, float]`, a `dict` whose keys are
words (`dict[str, Any]`), and `|` between them. One that is not simple takes everything, and the
constructor decides.
"""

import ast
import importlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from likewise.errors import UnknownName


@dataclass(frozen=True)
class Argument:
    """One argument of a component, as its source file declares it."""

    name: str
    annotation: str
    default: str | None

    def __str__(self) -> str:
        default = "" if self.default is None else f" = {self.default}"
        return f"{self.name}: {self.annotation}{default}"


@dataclass(frozen=True)
class Component:
    """What is known of a component without importing it."""

    name: str
    target: str
    summary: str
    arguments: tuple[Argument, ...]

    @property
    def signature(self) -> str:
        """Its name with its arguments, as a person would write them."""
        return f"{self.name}({', '.join(str(argument) for argument in self.arguments)})"


def component_of(name: str, target: str, context: tuple[str, ...] = ()) -> Component:
    """Read a component's arguments and first sentence.

    Args:
        name: What a spec calls it.
        target: Its `module:Class`.
        context: Arguments that a spec never gives and that are therefore left out.

    Raises:
        UnknownName: If there is no such class to read.
    """
    node = _class_node(target)
    summary = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
    return Component(name, target, summary, _arguments(node, context))


@cache
def _class_node(target: str) -> ast.ClassDef:
    module, _, name = target.partition(":")
    path = _file_of(module)
    if path is None:
        raise UnknownName(f"{target!r} names a module that is not there. Reinstall its package.")
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise UnknownName(
            f"{target!r} is in {path}, which is no Python that can be read: {error}. "
            "Reinstall its package."
        ) from error
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise UnknownName(f"{module} holds no class {name!r}. Mend the table that names it.")


def _file_of(module: str) -> Path | None:
    """The source file of a module; `importlib.util.find_spec` alone would import its parents."""
    top, *inner = module.split(".")
    spec = importlib.util.find_spec(top)
    for word in inner:
        if spec is None:
            return None
        spec = PathFinder.find_spec(f"{spec.name}.{word}", spec.submodule_search_locations or [])
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _arguments(node: ast.ClassDef, context: tuple[str, ...]) -> tuple[Argument, ...]:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            break
    else:
        return ()
    plain = item.args.args[1:]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(item.args.defaults))
    defaults += item.args.defaults
    pairs = [*zip(plain, defaults, strict=True)]
    pairs += [*zip(item.args.kwonlyargs, item.args.kw_defaults, strict=True)]
    return tuple(
        Argument(
            argument.arg,
            _words(argument.annotation),
            None if default is None else ast.unparse(default),
        )
        for argument, default in pairs
        if argument.arg not in context
    )


def _words(annotation: ast.expr | None) -> str:
    """An annotation as it is written, without the quotes that only defer it."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation) if annotation else "Any"


_SIMPLE = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}


def fits(value: Any, annotation: str) -> bool:
    """Whether a literal is of a declared type, as far as that type is simple."""
    return _fits(value, ast.parse(annotation, mode="eval").body)


def _fits(value: Any, node: ast.expr) -> bool:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            fit = _fits(value, left) or _fits(value, right)
        case ast.Constant(value=None):
            fit = value is None
        case ast.Name(id=name) if name in _SIMPLE:
            # True is an int to Python, and nobody who writes it means 1.
            fit = isinstance(value, _SIMPLE[name]) and (name == "bool") == isinstance(value, bool)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inside):
            options = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            fit = repr(value) in [repr(ast.literal_eval(option)) for option in options]
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=kinds)):
            if isinstance(kinds[-1], ast.Constant) and kinds[-1].value is ...:
                kinds = kinds[:1] * (len(value) if isinstance(value, tuple) else 0)
            fit = isinstance(value, tuple) and len(value) == len(kinds)
            fit = fit and all(map(_fits, value, kinds))
        case ast.Subscript(value=ast.Name(id="dict")):
            fit = isinstance(value, dict) and all(isinstance(key, str) for key in value)
        case _:
            fit = True
    return fit
