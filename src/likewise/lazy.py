"""What source text says before anything is imported: the faces of packages, and annotations.

The `__init__` of a package lists what others import from it, under `if TYPE_CHECKING`, and hands
itself to `lazy_face`. Using one name then loads one module, and a command starts as fast as it did
before there were faces.
"""

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any


def lazy_face(package: str, source: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and the `__dir__` of a package.

    Args:
        package: Its `__name__`.
        source: Its `__file__`, whose imports under `if TYPE_CHECKING` say where each name is.

    Returns:
        `__getattr__`, which imports a name's module, and `__dir__`, which lists the names.
    """
    where: dict[str, str] = {}

    def listed() -> dict[str, str]:
        if not where:
            tree = ast.parse(Path(source).read_text(encoding="utf-8"))
            blocks = [node for node in tree.body if isinstance(node, ast.If)]
            imports = [node for block in blocks for node in block.body]
            for node in imports:
                if isinstance(node, ast.ImportFrom) and node.module:
                    where.update({alias.name: node.module for alias in node.names})
        return where

    def get(name: str) -> Any:
        # A sub-module, or what Python itself asks for, is in no list and need not be looked up.
        if name.startswith("__") or name not in listed():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(listed()[name]), name)

    return get, lambda: sorted(listed())


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
