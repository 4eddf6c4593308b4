"""Names that are one to the eye: which of them are one for the program too, and which are told.

One rule holds for every source: names are composed (Unicode's NFC, which macOS takes apart in
folders and archives), blanks at their ends go, and every other blank is a plain one. What then
still looks alike, such as a Cyrillic letter among Latin ones, stays two names, and is told.

References:
    Unicode Technical Standard 39, "Unicode Security Mechanisms", section 4: skeletons of names,
    here by NFKC and the letters of Greek and Cyrillic that look as Latin ones do.
"""

import re
import unicodedata
from collections.abc import Iterable

_BLANKS = re.compile(r"\s+")
# What has no width, or only turns the direction of writing.
_UNSEEN = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_ALIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝАВЕЅЗІЈКМНОРСТУХΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρι‐‑‒–—−‘’ʼ´`“”„",  # noqa: RUF001 - which look so
    "aeopcyxijshdqwABES3IJKMHOPCTYXABEZHIKMNOPTYXovpi------'''''\"\"\"",
)


def skeleton(name: str) -> str:
    """What two names share that are one to the eye."""
    if name.isascii():
        return _BLANKS.sub(" ", name).strip().replace("`", "'")
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", name)).translate(_ALIKE)
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", plain)).strip()


def confusable(names: Iterable[str], known: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Pairs of different names that are one to the eye: each name, and one before it.

    Args:
        names: Of which each is looked at.
        known: Names that were there before.
    """
    seen: dict[str, str] = {}
    for name in known:
        seen.setdefault(skeleton(name), name)
    found = []
    for name in dict.fromkeys(names):
        first = seen.setdefault(skeleton(name), name)
        if first != name:
            found.append((name, first))
    return found


def spelt(name: str) -> str:
    r"""The name in ASCII (`\u0430`), which shows how two that look alike differ."""
    return ascii(name)
