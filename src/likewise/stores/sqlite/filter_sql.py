"""Conditions as SQL for SQLite: names and literals are bound, never written into it."""

from likewise.stores.keepable import FIELDS
from likewise.stores.where import Comparison, Condition, Joined, Opposite, value_kind

_TYPES = {"text": "'text'", "number": "'integer', 'real'", "boolean": "'true', 'false'"}


def sqlite_condition(condition: Condition) -> tuple[str, list[str | int | float]]:
    """An SQL expression that is 1 or 0, never NULL, and what is bound to it.

    `where.holds` defines what it means.
    """
    if isinstance(condition, Opposite):
        inside, bound = sqlite_condition(condition.part)
        return f"(NOT {inside})", bound
    if isinstance(condition, Joined):
        found = [sqlite_condition(part) for part in condition.parts]
        bound = [one for _, some in found for one in some]
        return _balanced([sql for sql, _ in found], condition.word.upper()), bound
    return _comparison(condition)


def _balanced(parts: list[str], word: str) -> str:
    """Expressions joined two and two, since SQLite bounds the depth of an expression."""
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        odd = parts[-1:] if len(parts) % 2 else []
        parts = [*(f"({first} {word} {second})" for first, second in pairs), *odd]
    return parts[0]


def _comparison(condition: Comparison) -> tuple[str, list[str | int | float]]:
    kind, value = value_kind(condition.value), condition.value
    # Only signs that the parser knows come here, and only names of letters and digits.
    sign = condition.sign
    if condition.name in FIELDS:
        if kind != "text":
            return "0", []
        return f"({condition.name} {sign} ?)", [value]
    path = f'$."{condition.name}"'
    sql = (
        f"coalesce(json_type(metadata, ?) IN ({_TYPES[kind]}) "
        f"AND json_extract(metadata, ?) {sign} ?, 0)"
    )
    return sql, [path, path, int(value) if isinstance(value, bool) else value]
