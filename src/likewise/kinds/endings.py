"""Which kind the name of a file tells of."""

from functools import cache

from likewise.kinds import FAMILY


@cache
def known_endings() -> dict[str, str]:
    """Ending → kind; the house's kinds come first, and keep what is theirs."""
    found: dict[str, str] = {}
    for name in FAMILY.names():
        for ending in FAMILY.build(name).endings:
            found.setdefault(ending, name)
    return found


def kind_of_file(name: str, otherwise: str = "image") -> str:
    """Return the kind that a file's ending tells of.

    Args:
        name: Of the file.
        otherwise: What a file of any other ending is taken for, so that one which is none is named
            when it fails to be read.
    """
    lowered = name.lower()
    return next(
        (kind for ending, kind in known_endings().items() if lowered.endswith(ending)), otherwise
    )
