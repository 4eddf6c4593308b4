"""JSON Schemas of what `to_dict` and `--json` give, made from the fields of the results."""

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from likewise.results.points import Criterion
from likewise.results.result import SCHEMA

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_PLAIN |= {Path: "string"}


def json_schema(result: type) -> dict[str, Any]:
    """Return the JSON Schema of a result, by the types of its fields.

    Args:
        result: A class of results, whose `to_dict` gives its fields as they are.

    Raises:
        TypeError: If a field is of a type that no JSON stands for.
    """
    parts: dict[str, Any] = {}
    made = _of_fields(result, parts)
    made["properties"] = {"schema": {"const": SCHEMA}, **made["properties"]}
    made["required"] = ["schema", *made["required"]]
    return {"$schema": DRAFT, "title": result.__name__, **made, "$defs": parts}


def _of_fields(result: type, parts: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(result)
    properties: dict[str, Any] = {}
    for one in fields(result):
        if hints[one.name] is Criterion:
            # An operating point is written by the name of what it was fitted for.
            properties["name"] = {"type": "string"}
            properties["target"] = {"type": ["number", "null"]}
        else:
            properties[one.name] = _of_type(hints[one.name], f"{result.__name__}.{one.name}", parts)
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        # A command adds what it did beside the result: the files that it wrote, for example.
        "additionalProperties": True,
    }


def _of_type(hint: Any, where: str, parts: dict[str, Any]) -> dict[str, Any]:
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if hint is Any:
        return {}
    if hint is np.ndarray or hasattr(hint, "array_type"):  # with shapes checked, jaxtyping's
        return {"type": "array"}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [one.value for one in hint]}
    if isinstance(hint, type) and is_dataclass(hint):
        if hint.__name__ not in parts:
            parts[hint.__name__] = {}  # its place, in the order in which parts are met
            parts[hint.__name__] = _of_fields(hint, parts)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return _of_many(hint, where, parts)


def _of_many(hint: Any, where: str, parts: dict[str, Any]) -> dict[str, Any]:
    """The schema of a type that is made of others."""
    origin, given = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return {"enum": list(given)}
    of = [_of_type(one, where, parts) for one in given if one is not Ellipsis]
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": of}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": of[1]}
    if origin is tuple and Ellipsis not in given:
        return {"type": "array", "prefixItems": of, "minItems": len(of)}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return {"type": "array", "items": of[0]}
    raise TypeError(f"{where} is {hint}, for which no JSON is known")
