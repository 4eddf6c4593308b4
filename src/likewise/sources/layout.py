"""Which folders above a file name who it shows, and which name an occasion only."""

import re
from collections.abc import Sequence
from pathlib import PurePath

from likewise.errors import DamagedSource
from likewise.io.display import printable
from likewise.sources.files import Files, parts_of

# Dates and times, and what people call a second time with the same person.
_OCCASION = re.compile(
    r"(19|20)\d\d([-_. ]?\d\d([-_. ]?\d\d)?)?([-_T ]\d[-\d:.hms]*)?"
    r"|\d{1,2}[-_.]\d{1,2}[-_.](19|20)?\d\d"
    r"|(session|sess|ses|visit|day|week|month|year|take|trial|run|seq|sequence|clip|video|shot"
    r"|cam|camera|view|recording|rec|round|batch|attempt|acquisition)s?[-_ ]?\d*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,4}")
_FORGED = re.compile(r"(.+?)[-_ ]?(forg|forged|forgery|forgeries|fake|fakes)", re.IGNORECASE)
_SHOWN = 3


def identity_folders(
    files: Files, names: Sequence[str], level: int = 0
) -> tuple[list[tuple[str, ...]], str]:
    """Return the folders that name the identity of each file.

    Args:
        files: What holds them.
        names: Of the files.
        level: How many folders from the top name an identity; 0 to find it out.

    Returns:
        The folders of each file, and in words which layout was found; empty where there is one
        level, or none.

    Raises:
        DamagedSource: If files lie beside the sub-folders, if there are fewer levels than that, or
            if nobody can tell whether the lowest folders are identities.
    """
    folders = [parts_of(name)[:-1] for name in names]
    tops = {parts[:1] for parts in folders}
    # Who packs a folder packs its name, too.
    packed = files.place.lower().endswith(".zip") and tops == {(PurePath(files.place).stem,)}
    cut = ""
    if packed and any(len(parts) > 1 for parts in folders):
        cut = f", below {printable(folders[0][0])}"
        folders = [parts[1:] for parts in folders]
    # A single folder at the top holds sub-folders, or files, as the root does.
    alone = len({parts[:1] for parts in folders}) == 1 and any(len(parts) > 1 for parts in folders)
    least = max(level, 2 if alone else 1)
    loose = [name for name, parts in zip(names, folders, strict=True) if len(parts) < least]
    if loose and (level or len(loose) < len(names)):
        beside = "beside the sub-folders" if level < 2 else f"in less than {level} folders"
        raise DamagedSource(
            f"{files.place}: {len(loose)} files lie {beside}, such as "
            f"{printable(loose[0])}, so nobody knows which identity they show. Move each into the "
            "sub-folder of its identity, or out of the folder."
        )
    depth = max(map(len, folders))
    found = [parts[:level] for parts in folders] if level else _found(files, folders)
    if depth < 2:
        return found, _forged(found)
    levels = sorted({len(parts) for parts in found})
    which = " or ".join(f"levels 1 to {one}" if one > 1 else "the 1st level" for one in levels)
    note = (
        f"{len(set(folders)):,} folders, {depth} levels{cut}: identity = {which}, as in "
        f"{printable('/'.join(found[0]))}; --identity-level N (identity_level=N) to change"
    )
    return found, note + _forged(found)


def _found(files: Files, folders: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The folders without those at the end that name an occasion."""
    found = list(folders)
    while True:
        deep = [parts for parts in found if len(parts) > 1]
        if not deep or not all(_OCCASION.fullmatch(parts[-1]) for parts in deep):
            break
        found = [parts[:-1] if len(parts) > 1 else parts for parts in found]
    deep = [parts for parts in set(found) if len(parts) > 1]
    above = {parts[:-1] for parts in deep}
    last = {parts[-1] for parts in deep}
    if len(above) > 1 and len(last) < len(deep) and all(map(_NUMBER.fullmatch, last)):
        one = "/".join(min(deep))
        level = len(min(deep))
        raise DamagedSource(
            f"{files.place}: does {printable(one)}/ hold one identity, or one occasion of "
            f"{printable('/'.join(min(deep)[:-1]))}? The same numbers recur in {len(above)} "
            f"folders. Say which level names an identity: --identity-level {level} or "
            f"--identity-level {level - 1} (folder(path, identity_level={level}))."
        )
    return found


def _forged(found: Sequence[tuple[str, ...]]) -> str:
    """A hint where one folder seems to hold forgeries of another."""
    known = {parts[-1].lower() for parts in found if parts}
    pairs = []
    for name in sorted(known):
        match = _FORGED.fullmatch(name)
        if match and match[1] in known:
            pairs.append(f"{match[1]} and {name}")
    if not pairs:
        return ""
    more = ", ..." if len(pairs) > _SHOWN else ""
    return (
        f". If the second of {printable(', '.join(pairs[:_SHOWN]))}{more} holds forgeries of the "
        "first, they are two identities now: rename the files, and name a pattern "
        "(folder(path, pattern='{identity}_{origin}_{}.png'))"
    )
