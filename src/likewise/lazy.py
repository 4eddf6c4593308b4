"""Faces of packages, whose names are imported when they are first used.

The `__init__` of a package lists what others import from it, under `if TYPE_CHECKING`, and hands
itself to `lazy_face`. Using one name then loads one module, and a command starts as fast as it did
before there were faces.
"""

import ast
import importlib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def lazy_face(
    package: str, source: str, renamed: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and the `__dir__` of a package.

    Args:
        package: Its `__name__`.
        source: Its `__file__`, whose imports under `if TYPE_CHECKING` say where each name is.
        renamed: The name that something had before → its name; the old one goes on with a
            `DeprecationWarning`.

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
        if renamed and name in renamed:
            warnings.warn(
                f"{package}.{name} is called {renamed[name]} now.", DeprecationWarning, stacklevel=2
            )
            name = renamed[name]
        # A sub-module, or what Python itself asks for, is in no list and need not be looked up.
        if name.startswith("__") or name not in listed():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(listed()[name]), name)

    return get, lambda: sorted(listed())
