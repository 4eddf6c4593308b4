"""Names from elsewhere, as they may be shown: in one line, and with nothing a terminal obeys."""

import re

_HIDDEN = re.compile(
    # controls; letters without width; marks that turn the direction of writing; line ends of
    # Unicode; halves of letters; marks of interlinear notes; tags, and selectors of variants
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SECRETS = re.compile(r"(?<=://)([^\s/@:]*):[^\s]*@|(\bpassword=)('(?:[^'\\]|\\.)*'|[^\s&#'\"]*)")
_ADDRESS = re.compile(r"\s*postgres(?:ql)?(?:\+\w+)?:/*", re.IGNORECASE)
_SETTING = re.compile(
    r"\b(?:password|passfile|sslpassword|host|hostaddr|dbname|user|service)\s*=", re.IGNORECASE
)
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

    So is what follows `password=`. What a person gave as a whole is shown by `shown_place`, which
    takes away more: where a password is not written as it should be, nobody knows where it ends.
    """
    return _SECRETS.sub(lambda found: f"{found[2]}***" if found[2] else f"{found[1]}:***@", text)


def is_address(text: str) -> bool:
    """Whether a text is, or was meant to be, the address of a database and no path."""
    return _ADDRESS.match(text) is not None or _SETTING.search(text) is not None


def shown_place(given: object) -> str:
    """What was given as a gallery, as it may be printed: a path, or an address with no password."""
    text = str(given)
    if not is_address(text):
        return printable(text)
    found = _ADDRESS.match(text)
    if found is None:
        return "a PostgreSQL connection string"
    before, _, query = text[found.end() :].partition("?")
    user, _, place = before.rpartition("@")
    if "@" in query or _SETTING.search(before):
        return "postgresql://***"
    if not user:
        # A password that holds a slash, or has lost its @, would be taken for a port.
        named = re.fullmatch(r"[\w.-]*(:\d*)?(/[\w.-]*)?(#\w*)?", place)
        return "postgresql://" + (printable(place) if named else "***")
    name, colon, _ = user.partition(":")
    return printable(f"postgresql://{name}{':***' if colon else ''}@{place}")
