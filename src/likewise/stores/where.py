"""What metadata must be, as a condition: `season = "winter" and price < 20`.

A condition compares a name (of the metadata, or `id` or `identity`) with a literal, by one of
`= != < <= > >=`, or asks whether it is `in (..., ...)`; conditions are joined by `and`, `or`, `not`
and parentheses. A literal is a text in quotes (a quote within is doubled), a number, `true` or
`false`.

A comparison is true or false, never unknown: it is false where the row has no such name, or a value
of another type (text, number, boolean), `!=` included; `not` turns that round.

The text is parsed here, by a grammar that knows nothing else, and every store evaluates the parsed
condition by its own means: literals are bound, and nothing a person wrote is executed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from likewise.errors import BadCondition
from likewise.io.display import shortened

LONGEST = 10_000
DEEPEST = 50
WORDS = frozenset({"and", "or", "not", "in", "true", "false"})
"""What no name can be."""
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\w)"
    r"|(?P<text>\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*')"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<sign><=|>=|!=|==|=|<|>|\(|\)|,))"
)
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}
_EXAMPLE = 'Write something like: season = "winter" and price < 20'

Literal: TypeAlias = str | int | float | bool


@dataclass(frozen=True)
class Comparison:
    """A name against a literal, by one of `= != < <= > >=`."""

    name: str
    sign: str
    value: Literal


@dataclass(frozen=True)
class Joined:
    """Conditions of which all (`and`) or any (`or`) must hold."""

    word: str
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True)
class Opposite:
    """A condition that must not hold."""

    part: "Condition"


Condition: TypeAlias = Comparison | Joined | Opposite


def value_kind(value: Literal) -> str:
    """What a literal can be compared with: `text`, `number` or `boolean`."""
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def condition_holds(condition: Condition, fields: Mapping[str, Literal]) -> bool:
    """Whether fields (the metadata, `id` and `identity`) fulfil a condition.

    This is the definition, which a store's own evaluation agrees with.
    """
    if isinstance(condition, Opposite):
        return not condition_holds(condition.part, fields)
    if isinstance(condition, Joined):
        each = (condition_holds(part, fields) for part in condition.parts)
        return all(each) if condition.word == "and" else any(each)
    value = fields.get(condition.name)
    if value is None or value_kind(value) != value_kind(condition.value):
        return False
    return _SIGNS[condition.sign](value, condition.value)


def parse_condition(text: str) -> Condition:
    """Read a condition from its text.

    Raises:
        BadCondition: If it is none, with what was expected where.
    """
    if len(text) > LONGEST:
        raise BadCondition(
            f"A condition of {len(text):,} characters was given, and at most {LONGEST:,} are read."
        )
    return _Reader(text).whole()


class _Reader:
    """Reads a condition, token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split()
        self.at = 0
        self.depth = 0

    def _split(self) -> list[tuple[str, str, int]]:
        """Sort, text and place of every token."""
        tokens, place, end = [], 0, len(self.text.rstrip())
        while place < end:
            found = _TOKEN.match(self.text, place)
            if found is None:
                rest = self.text[place:].lstrip()
                raise self._wrong(f"{shortened(rest, 20)!r} is not understood", end - len(rest))
            sort = str(found.lastgroup)
            word, start = found[sort], found.start(sort)
            if sort == "name" and word.lower() in WORDS:
                sort, word = "word", word.lower()
            tokens.append((sort, word, start))
            place = found.end()
        return [*tokens, ("end", "", end)]

    def _wrong(self, what: str, place: int) -> BadCondition:
        return BadCondition(
            f"The condition {shortened(self.text, 200)!r} cannot be read: {what}, at character "
            f"{max(0, place) + 1}. {_EXAMPLE}"
        )

    def _expected(self, what: str) -> BadCondition:
        sort, word, place = self.tokens[self.at]
        found = "the end" if sort == "end" else repr(shortened(word, 50))
        return self._wrong(f"{what} is expected and {found} found", place)

    def _take(self, sort: str, *words: str) -> str | None:
        """The next token if it is of this sort and one of these words."""
        kind, word, _ = self.tokens[self.at]
        if kind != sort or (words and word not in words):
            return None
        self.at += 1
        return word

    def whole(self) -> Condition:
        """The condition, which must be all of the text."""
        found = self._joined("or", lambda: self._joined("and", self._factor))
        if self.tokens[self.at][0] != "end":
            raise self._expected("and, or, or the end")
        return found

    def _joined(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._take("word", word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _factor(self) -> Condition:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._wrong(f"it is nested more than {DEEPEST} deep", self.tokens[self.at][2])
        found: Condition
        if self._take("word", "not"):
            found = Opposite(self._factor())
        elif self._take("sign", "("):
            found = self._joined("or", lambda: self._joined("and", self._factor))
            if not self._take("sign", ")"):
                raise self._expected("a closing parenthesis")
        else:
            found = self._comparison()
        self.depth -= 1
        return found

    def _comparison(self) -> Condition:
        name = self._take("name")
        if name is None:
            raise self._expected("a name")
        if self._take("word", "in"):
            return Joined("or", tuple(Comparison(name, "=", value) for value in self._list()))
        sign = self._take("sign", *_SIGNS, "==")
        if sign is None:
            raise self._expected("one of = != < <= > >= in")
        sign = "=" if sign == "==" else sign
        value = self._literal()
        if isinstance(value, bool) and sign not in ("=", "!="):
            raise self._wrong(f"{name} {sign} a boolean has no meaning", self.tokens[self.at][2])
        return Comparison(name, sign, value)

    def _list(self) -> list[Literal]:
        if not self._take("sign", "("):
            raise self._expected("an opening parenthesis")
        values = [self._literal()]
        while self._take("sign", ","):
            values.append(self._literal())
        if not self._take("sign", ")"):
            raise self._expected("a comma or a closing parenthesis")
        return values

    def _literal(self) -> Literal:
        text = self._take("text")
        if text is not None:
            return text[1:-1].replace(text[0] * 2, text[0])
        word = self._take("word", "true", "false")
        if word is not None:
            return word == "true"
        number = self._take("number")
        if number is None:
            raise self._expected("a text in quotes, a number, true or false")
        value = float(number)
        if abs(value) > 1e300:
            raise self._wrong(f"{shortened(number, 30)} is too large", self.tokens[self.at - 1][2])
        return int(value) if value.is_integer() and abs(value) <= 2**53 else value
