"""What the operating system refused, in one sentence: no room, no memory, no file handle."""

import errno
import re

from likewise.io.display import shortened

_SHORT_OF = {
    errno.ENOSPC: "the disk is full. Free some space",
    errno.EDQUOT: "your quota is used up. Free some space",
    errno.EMFILE: "this process may not open more files (ulimit -n). Allow it more",
    errno.ENFILE: "the system may not open more files. Close some programs",
    errno.ENOMEM: "there is no memory left. Close some programs, or give fewer or smaller items",
    errno.EAGAIN: "the system starts no more threads or processes (ulimit -u). Allow it more",
}
_WORDS = {
    errno.EMFILE: "Too many open files",
    errno.ENOMEM: "annot allocate memory|llocation failed|bad_alloc|failed to map segment",
    errno.EAGAIN: "can't start new thread|esource temporarily unavailable",
    errno.ENOSPC: "o space left on device",
}


def refused(error: BaseException) -> str | None:
    """Return what the system refused, and what to do; None if it is another kind of error."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError):
            return _sentence(errno.ENOMEM, seen)
        if isinstance(seen, OSError) and seen.errno in _SHORT_OF:
            return _sentence(seen.errno, seen)
        for number, words in _WORDS.items():
            if re.search(words, str(seen)):
                return _sentence(number, seen)
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        why = error.strerror or str(error)
        return f"the system refused it: {shortened(why, 200)}{shortened(where, 300)}."
    return None


def _sentence(number: int, error: BaseException) -> str:
    name = getattr(error, "filename", None)
    where = f" ({shortened(name, 300)})" if name else ""
    return f"{_SHORT_OF[number]}, and try again{where}."
