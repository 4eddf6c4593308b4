"""Values that people type, or a TOML file holds, as the type that is wanted."""

import ast
from collections.abc import Mapping
from typing import Any

from likewise.errors import RecipeError


def literal(text: str) -> Any:
    """What a setting means: a number, a list, true, false; else the words themselves."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        plain = text.strip()
        return {"true": True, "false": False}.get(plain.lower(), plain)


def coerced(key: str, value: Any, like: Any) -> Any:
    """A value as the type of another.

    Args:
        key: What it is for, for the error.
        value: As it was given.
        like: A value of the type that is wanted.

    Raises:
        RecipeError: If it is of another type.
    """
    if isinstance(like, tuple):
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif isinstance(like, Mapping):
        if isinstance(value, Mapping):
            return {str(k): float(coerced(f"{key}.{k}", v, 0.0)) for k, v in value.items()}
    elif isinstance(like, bool) or isinstance(value, bool):
        if isinstance(like, bool) and isinstance(value, bool):
            return value
    elif isinstance(like, float) and isinstance(value, int | float):
        return float(value)
    elif type(value) is type(like):
        return value
    expected = "a list of specs" if isinstance(like, tuple) else f"a {type(like).__name__}"
    raise RecipeError(f"{key} is {value!r}, and {expected} is expected.")
