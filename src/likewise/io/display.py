"""Names from elsewhere, as they may be shown: in one line, and with nothing a terminal obeys."""

import re

_HIDDEN = re.compile(
    # controls; marks that turn the direction of writing; line ends of Unicode; halves of letters
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
_SECRETS = re.compile(r"(?<=://)([^\s/@:]*):[^\s]*@|(\bpassword=)('(?:[^'\\]|\\.)*'|[^\s&#'\"]*)")
LONGEST = 2000


def printable(text: str) -> str:
    r"""The text with such characters written as in Python (`\n`); others stay as they are."""
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(text: object, most: int = LONGEST) -> str:
    """What another library says, in one printable line of at most so many characters."""
    line = printable(" ".join(str(text).split()))
    return line if len(line) <= most else f"{line[: most - 3]}..."


def without_secrets(text: str) -> str:
    """The text without the passwords in addresses of databases, such as `scheme://user:word@host`.

    So is what follows `password=`.
    """
    return _SECRETS.sub(lambda found: f"{found[2]}***" if found[2] else f"{found[1]}:***@", text)
