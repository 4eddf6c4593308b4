"""Arguments by the names that they had before: they go on, with a `DeprecationWarning`."""

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from likewise.errors import BadArgument

P = ParamSpec("P")
R = TypeVar("R")


def renamed_arguments(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a decorator by which a function goes on taking the old names of its arguments.

    Args:
        names: The old name of each argument → its name.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def taking(*args: P.args, **kwargs: P.kwargs) -> R:
            for old in kwargs.keys() & names.keys():
                if names[old] in kwargs:
                    raise BadArgument(
                        f"{old} and {names[old]} are both given, and {old} is only the earlier "
                        f"name of {names[old]}. Leave out {old}."
                    )
                warn_renamed(old, names[old])
                kwargs[names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        return taking

    return decorate


def warn_renamed(old: str, new: str) -> None:
    """Warn the caller of the caller that a name is another now."""
    warnings.warn(f"{old} is called {new} now.", DeprecationWarning, stacklevel=3)
