"""Where sources find research data: in the folder that `LIKEWISE_DATA` names, then in the cache."""

import contextlib
import os
from pathlib import Path

from likewise.errors import SourceNotFound

VARIABLE = "LIKEWISE_DATA"


def named_folder() -> Path | None:
    """The folder that the variable names; None where it is not set."""
    root = os.environ.get(VARIABLE, "")
    return Path(root) if root else None


def cache_folder() -> Path | None:
    """The platform's folder for what was downloaded; None without pooch, which knows it."""
    try:
        from pooch import os_cache
    except ImportError:
        return None
    return Path(os_cache("likewise")).expanduser()


def first_in(root: Path | None, *names: str) -> Path | None:
    """The first of these files or folders that is below this folder."""
    if root is None:
        return None
    for name in names:
        with contextlib.suppress(OSError):  # a folder that may not be looked into holds nothing
            if (path := root / name).exists():
                return path
    return None


def find_data(what: str, *names: str, download: str = "") -> Path:
    """The first of these files or folders that is in the folder of data, or in the cache.

    Args:
        what: What is looked for, as an error calls it.
        names: Paths relative to the folder, the preferred first.
        download: The name under which `likewise data` fetches it; empty where it does not, and
            then the cache is not looked into.

    Raises:
        SourceNotFound: If none of them is there.
    """
    root = named_folder()
    found = first_in(root, *names)
    if found is None and download:
        found = first_in(cache_folder(), *names)
    if found is not None:
        return found
    missing = f"holds no {' and no '.join(names)}"
    looked = (
        f"{VARIABLE} is not set"
        if root is None
        else f"the folder {root}, which {VARIABLE} names, {missing}"
    )
    if not download:
        raise SourceNotFound(
            f"{what}: {looked}. Set {VARIABLE} to a folder that holds {' or '.join(names)}; "
            "`likewise data` says where to get it."
        )
    cache = cache_folder()
    advice = f"Run: likewise data {download}"
    if cache is None:
        advice = f"Run: pip install 'likewise[data]', and then: likewise data {download}"
    else:
        looked += f", and the cache {cache} {missing}"
    raise SourceNotFound(
        f"{what}: {looked}. {advice}. Or set {VARIABLE} to a folder that holds it."
    )
