"""A pattern of file names, and what stands in the places that it leaves open.

It is literal text with named gaps, no regular expression: it is followed from left to right without
going back, so that no pattern and no name can make it slow.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from likewise.errors import BadArgument
from likewise.io.display import shortened
from likewise.sources.files import parts_of

FIELDS = ("identity", "origin", "group")
MOST_FIELDS = 20
_GAP = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Pattern:
    """Literal texts with named gaps between them, such as `{origin}_{identity}_{}.png`.

    Attributes:
        text: As it was written.
        folders: For each folder of the path and its file, the literal texts and the names of the
            gaps between them, one fewer.
    """

    text: str
    folders: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read a pattern.

        Raises:
            BadArgument: If it names no identity, names something twice or something unknown, or
                two gaps touch.
        """
        parts = parts_of(text)
        folders = []
        for part in parts:
            pieces = _GAP.split(part)
            literals, names = tuple(pieces[::2]), tuple(pieces[1::2])
            if any("{" in literal or "}" in literal for literal in literals):
                raise _bad(text, "a bracket is left open")
            if any(not literal for literal in literals[1:-1]):
                raise _bad(text, "nothing stands between two of its gaps")
            folders.append((literals, names))
        every = [name for _, names in folders for name in names]
        told = [name for name in every if name]
        if foreign := sorted(set(told) - set(FIELDS)):
            raise _bad(text, f"{{{shortened(foreign[0], 40)}}} is no name that it can have")
        if "identity" not in told or len(set(told)) < len(told) or len(every) > MOST_FIELDS:
            raise _bad(text, "it needs {identity}, each name once")
        return cls(text, tuple(folders))

    def match(self, name: str) -> Mapping[str, str] | None:
        """What stands in the named gaps of a path; None if the path does not follow the pattern.

        The last parts of the path are looked at, as many as the pattern has. A gap holds one
        character or more, and ends where the text behind it comes for the first time; the last gap
        of a part goes on to the text at its end.
        """
        parts = parts_of(name)[-len(self.folders) :]
        if len(parts) < len(self.folders):
            return None
        found: dict[str, str] = {}
        for part, (literals, names) in zip(parts, self.folders, strict=True):
            values = _between(part, literals)
            if values is None:
                return None
            found |= {name: value for name, value in zip(names, values, strict=True) if name}
        return found


def _between(part: str, literals: tuple[str, ...]) -> list[str] | None:
    """What stands between these texts, which must come in this order from end to end."""
    if len(literals) == 1:
        return [] if part == literals[0] else None
    first, *middle, last = literals
    end = len(part) - len(last)
    if not part.startswith(first) or not part.endswith(last) or end <= len(first):
        return None
    values, at = [], len(first)
    for literal in middle:
        found = part.find(literal, at + 1, end)
        if found < 0:
            return None
        values.append(part[at:found])
        at = found + len(literal)
    if at >= end:
        return None
    return [*values, part[at:end]]


def _bad(text: str, why: str) -> BadArgument:
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    return BadArgument(
        f"folder: the pattern is {shortened(repr(text), 300)}, and {why}. Write the names of the "
        f"files with {known} in the places where these stand, and {{}} for what says nothing, as "
        "in '{origin}_{identity}_{}.png'."
    )
