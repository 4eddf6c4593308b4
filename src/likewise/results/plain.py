"""Results as dicts, lists, strings and numbers, as files and `--json` hold them."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

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
