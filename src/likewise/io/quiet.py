"""Keeps Pillow's warnings in."""

import threading
import warnings

from PIL import Image


class _Quiet:
    """Keeps Pillow's warnings in while any thread decodes, and makes those of bombs errors.

    `warnings.catch_warnings` changes the whole process, so threads that overlap would restore one
    another's filters: the first to come sets them and the last to go takes them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
                warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
            self._users += 1

    def __exit__(self, *failure: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._caught.__exit__(None, None, None)


quiet = _Quiet()
