"""The run-time type check of the tests: beartype, in which an int is a float as for mypy.

jaxtyping's hook wraps every function, and its wrapper, which keeps the sizes that axes have been
given, takes longer than most functions do. Those without a shape among their annotations are given
to beartype alone, which checks the same and is several times as fast.
"""

import inspect
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any, get_args

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping._decorator import _destring_annotation

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
_without_shapes = beartype(
    conf=BeartypeConf(is_pep484_tower=True, violation_type=jaxtyping.TypeCheckError)
)
_with_shapes = jaxtyping.jaxtyped


def _has_shape(annotation: Any) -> bool:
    if inspect.isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray):
        return True
    return any(map(_has_shape, get_args(annotation)))


def _checked(typechecker: Callable[..., Any], function: Any) -> Any:
    if not isinstance(function, FunctionType):
        return _with_shapes(function, typechecker=typechecker)
    written = function.__annotations__
    known = {
        name: _destring_annotation(annotation, function.__globals__)
        for name, annotation in written.items()
    }
    if any(map(_has_shape, known.values())):
        return _with_shapes(function, typechecker=typechecker)
    function.__annotations__ = known
    try:
        wrapped = _without_shapes(function)
    finally:
        function.__annotations__ = written
    wrapped.__annotations__ = written
    return wrapped


def checked(*, typechecker: Callable[..., Any]) -> Callable[[Any], Any]:
    """Stand in for `jaxtyping.jaxtyped` as the import hook writes it above every function."""
    return partial(_checked, typechecker)


jaxtyping.jaxtyped = checked
