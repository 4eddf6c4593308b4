"""The folder of research data that the user keeps, named by `LIKEWISE_DATA`."""

import os
from pathlib import Path

from likewise.errors import SourceNotFound

VARIABLE = "LIKEWISE_DATA"


def find_data(what: str, *names: str) -> Path:
    """The first of these files or folders that is in the folder of data.

    Args:
        what: What is looked for, as an error calls it.
        names: Paths relative to the folder, the preferred first.

    Raises:
        SourceNotFound: If the variable is not set or none of them is there.
    """
    root = os.environ.get(VARIABLE, "")
    if not root:
        raise SourceNotFound(
            f"{what} is looked for in the folder that {VARIABLE} names, and {VARIABLE} is not set. "
            f"Set it to a folder that holds {' or '.join(names)}."
        )
    for name in names:
        if (found := Path(root) / name).exists():
            return found
    raise SourceNotFound(
        f"{what}: the folder {root}, which {VARIABLE} names, holds no {' and no '.join(names)}. "
        f"Put it there, or set {VARIABLE} to the folder that holds it."
    )
