"""What pytorch-metric-learning brings, by name, where it is installed."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, Literal

from likewise.errors import BadArgument, MissingExtra
from likewise.registry import unknown

_BASES = {"losses": "BaseMetricLossFunction", "miners": "BaseMiner"}
_ABSTRACT = {"BaseMetricLossFunction", "BaseMiner", "GenericPairLoss"}

# These are objects, which no spec can hold.
_OBJECTS = {
    "distance",
    "reducer",
    "embedding_regularizer",
    "weight_regularizer",
    "weight_init_func",
    "collect_stats",
}


def pml_names(kind: Literal["losses", "miners"]) -> list[str]:
    """The names of its losses or miners.

    Raises:
        MissingExtra: If it is not installed.
    """
    module = _module(kind)
    base = getattr(module, _BASES[kind])
    return sorted(
        name
        for name, found in vars(module).items()
        if inspect.isclass(found) and issubclass(found, base) and name not in _ABSTRACT
    )


def needed(kind: Literal["losses", "miners"], name: str) -> set[str]:
    """The arguments without a default that a loss or miner takes."""
    empty = inspect.Parameter.empty
    parameters = _parameters(getattr(_module(kind), name))
    return {one for one, parameter in parameters.items() if parameter.default is empty}


def build_pml(
    kind: Literal["losses", "miners"],
    name: str,
    options: Mapping[str, Any],
    filled: Mapping[str, Any],
) -> Any:
    """Build one of its losses or miners.

    Args:
        kind: `losses` or `miners`.
        name: Of its class, one of `pml_names`.
        options: Its arguments, as somebody wrote them.
        filled: Its arguments that the house fills in.

    Raises:
        UnknownName: If it has no such option.
        BadArgument: If it refuses one, or lacks one.
    """
    found = getattr(_module(kind), name)
    known = sorted(_parameters(found).keys() - _OBJECTS - filled.keys())
    for option in options:
        if option not in known:
            raise unknown(f"{name} of pytorch-metric-learning has no option", option, known)
    try:
        return found(**options, **filled)
    except (TypeError, ValueError, AssertionError, AttributeError) as error:
        raise BadArgument(
            f"pml: {name} refuses the options {dict(options)}: {error}. Known: {', '.join(known)}; "
            "its documentation says what they take."
        ) from error


def _module(kind: str) -> Any:
    try:
        return importlib.import_module(f"pytorch_metric_learning.{kind}")
    except ImportError as error:
        raise MissingExtra(
            "pml builds components of pytorch-metric-learning, which is not installed. Run: "
            "pip install 'likewise[pml]'"
        ) from error


def _parameters(found: Any) -> dict[str, inspect.Parameter]:
    """The arguments of a class and, since it hands on what it does not know, of those above it."""
    parameters: dict[str, inspect.Parameter] = {}
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for one in inspect.getmro(found):
        if "__init__" not in vars(one):
            continue
        named = list(inspect.signature(vars(one)["__init__"]).parameters.values())[1:]
        parameters = {p.name: p for p in named if p.kind in plain} | parameters
        if inspect.Parameter.VAR_KEYWORD not in {p.kind for p in named}:
            break
    return parameters
