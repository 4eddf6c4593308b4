"""What every store takes: which texts, names and values of a row, how long to wait."""

import math
import re

from likewise.errors import BadArgument
from likewise.io.display import shortened
from likewise.stores.where import WORDS

LONGEST_NAME = 1000
# Every integer up to here is the same number in every engine.
LARGEST_INTEGER = 2**53
FIELDS = ("id", "identity")
"""What a condition may name beside the metadata."""
_NAME = re.compile(r"[^\W\d]\w{0,63}")
_BROKEN = re.compile(r"[\x00\ud800-\udfff]")


def can_be_asked(name: str) -> bool:
    """Whether metadata can have this name."""
    return _NAME.fullmatch(name) is not None and name.lower() not in WORDS and name not in FIELDS


def check_text(what: str, text: object) -> None:
    """Refuse an id or an identity that cannot be kept.

    Raises:
        BadArgument: If it cannot.
    """
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_NAME or not whole(text):
        raise BadArgument(
            f"The {what} is {shortened(repr(text), 100)}, and 1 to {LONGEST_NAME} characters of "
            "text, without a NUL, are expected. Give it another."
        )


def check_field(name: object) -> None:
    """Refuse a name that metadata cannot have.

    Raises:
        BadArgument: If they cannot.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.lower() in WORDS:
        raise BadArgument(
            f"The metadata name {shortened(repr(name), 100)} cannot be asked for in a condition: "
            "letters, digits and underscores, 64 at most, no digit first, and no word of the "
            "conditions are expected. Name it otherwise."
        )
    if name in FIELDS:
        raise BadArgument(f"Every row has its {name}; metadata cannot have that name, too.")


def check_value(name: str, value: object) -> None:
    """Refuse a value that metadata cannot have.

    Raises:
        BadArgument: If they cannot.
    """
    if isinstance(value, bool):
        return
    if isinstance(value, int) and abs(value) <= LARGEST_INTEGER:
        return
    if isinstance(value, float) and math.isfinite(value):
        return
    if isinstance(value, str) and whole(value):
        return
    raise BadArgument(
        f"The metadata {name!r} is {shortened(repr(value), 100)}, and a text, a boolean, a finite "
        "number or an integer within 2^53 is expected. Give one of these, or leave it out."
    )


def whole(text: str) -> bool:
    """Whether every engine keeps it: no NUL, no half of a letter."""
    return _BROKEN.search(text) is None


def check_timeout(timeout_seconds: float) -> None:
    """Refuse a time to wait for others that is none.

    Raises:
        BadArgument: If it is not above 0.
    """
    if not timeout_seconds > 0:
        raise BadArgument(f"timeout_seconds is {timeout_seconds}, and a time above 0 is expected.")
