"""Conditions as SQL for PostgreSQL: names and literals are bound, never written into it."""

import json
import math

from psycopg import sql

from likewise.errors import BadCondition
from likewise.io.display import shortened
from likewise.stores.keepable import FIELDS, whole
from likewise.stores.postgres.wire import id_digest
from likewise.stores.where import Comparison, Condition, Joined, Literal, Opposite, value_kind

# Only signs that the parser knows come here.
_SIGNS = {
    "=": sql.SQL("="),
    "!=": sql.SQL("!="),
    "<": sql.SQL("<"),
    "<=": sql.SQL("<="),
    ">": sql.SQL(">"),
    ">=": sql.SQL(">="),
}
_WORDS = {"and": sql.SQL(" AND "), "or": sql.SQL(" OR ")}
_NEVER = sql.SQL("FALSE")
_EQUAL = sql.SQL("(fields @> %s::jsonb)")
_UNEQUAL = sql.SQL(
    "(coalesce(jsonb_typeof(fields -> %s::text) = %s, FALSE) AND NOT fields @> %s::jsonb)"
)
# The order of AND is not that of evaluation; that of CASE is.
_TEXT = sql.SQL(
    "(CASE WHEN jsonb_typeof(fields -> %s::text) = 'string' "
    'THEN (fields ->> %s::text) COLLATE "C" {} %s::text ELSE FALSE END)'
)
_NUMBER = sql.SQL(
    "(CASE WHEN jsonb_typeof(fields -> %s::text) = 'number' "
    "THEN (fields ->> %s::text)::numeric {} %s::numeric ELSE FALSE END)"
)
_TYPES = {"text": "string", "number": "number", "boolean": "boolean"}

Bound = list[str | bytes]


def postgres_condition(condition: Condition) -> tuple[sql.Composable, Bound]:
    """An SQL expression that is true or false, never NULL, and what is bound to it.

    `where.holds` defines what it means. Numbers are compared as decimals: those of two different
    floats differ, and in the same order.

    Raises:
        BadCondition: If a literal is one that PostgreSQL cannot take.
    """
    if isinstance(condition, Opposite):
        inside, bound = postgres_condition(condition.part)
        return sql.SQL("(NOT {})").format(inside), bound
    if isinstance(condition, Joined):
        found = [postgres_condition(part) for part in condition.parts]
        joined = _WORDS[condition.word].join([part for part, _ in found])
        return sql.SQL("({})").format(joined), [one for _, some in found for one in some]
    return _comparison(condition)


def _comparison(condition: Comparison) -> tuple[sql.Composable, Bound]:
    name, value, kind = condition.name, condition.value, value_kind(condition.value)
    sign = _SIGNS[condition.sign]
    _check(value)
    if name in FIELDS:
        if not isinstance(value, str):
            return _NEVER, []
        if name == "id" and condition.sign == "=":
            return sql.SQL("(digest = %s)"), [id_digest(value)]
        return sql.SQL("({} {} %s::text)").format(sql.Identifier(name), sign), [value]
    pair = json.dumps({name: value}, ensure_ascii=False)
    if condition.sign == "=":
        return _EQUAL, [pair]
    if condition.sign == "!=":
        return _UNEQUAL, [name, _TYPES[kind], pair]
    form = _TEXT if isinstance(value, str) else _NUMBER
    return form.format(sign), [name, name, value if isinstance(value, str) else repr(value)]


def _check(value: Literal) -> None:
    if not (whole(value) if isinstance(value, str) else math.isfinite(value)):
        raise BadCondition(
            f"The condition holds {shortened(repr(value), 100)}, and no row can: a text without a "
            "NUL or a finite number is expected. Compare with another."
        )
