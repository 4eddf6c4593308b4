"""Results as dicts, lists, strings and numbers, as files and `--json` hold them."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from likewise.results.points import Criterion


def to_plain(result: object) -> object:
    """Turn a result into dicts and lists by its fields; an operating point keeps its name.

    Args:
        result: A result, or anything within one.

    Returns:
        Dicts by the names of the fields, with `name` and `target` in a criterion's place; what is
        neither a result nor a mapping, list or tuple comes back as it is.
    """
    if is_dataclass(result) and not isinstance(result, type):
        found: dict[object, object] = {}
        for field in fields(result):
            value = getattr(result, field.name)
            if isinstance(value, Criterion):
                found |= {"name": str(value), "target": value.target}
            else:
                found[field.name] = to_plain(value)
        return found
    if isinstance(result, Mapping):
        return {key: to_plain(value) for key, value in result.items()}
    if isinstance(result, list | tuple):
        return [to_plain(one) for one in result]
    return result


def to_json_values(result: object) -> dict[str, Any]:
    """Turn a result into what JSON can hold: as `to_plain`, with lists for arrays and no objects.

    Args:
        result: A result, which is a dataclass.
    """
    plain = _held(to_plain(result))
    assert isinstance(plain, dict)  # noqa: S101 - a dataclass becomes a dict
    return plain


def _held(value: object) -> object:
    if isinstance(value, Mapping):
        return {_key(key): _held(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_held(one) for one in value]
    # An enum is its word before it is the string that it resembles.
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | bool | int | float | None):
        return value
    tolist = getattr(value, "tolist", None)
    return str(value) if tolist is None else tolist()


def _key(key: object) -> str:
    """A key as JSON writes it."""
    return key if isinstance(key, str) else str(key)
