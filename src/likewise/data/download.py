"""Fetching research data from where its authors publish it.

A file is held in memory until its SHA-256 is the published one, and then written whole. Whoever is
stopped before leaves nothing, and of two who fetch at once both write the same.
"""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from likewise.data.catalog import DataSet, File, Place, in_own_folder, is_published, places
from likewise.errors import BadArgument, DownloadFailed, MissingExtra, SourceNotFound
from likewise.io.atomic import discard_path, probe_folder, replace, saving
from likewise.sources.data_folder import VARIABLE, cache_folder

if TYPE_CHECKING:
    from requests import RequestException, Response

Tell: TypeAlias = Callable[[File, int], None]
"""Called with a file and how many of its bytes have come; with 0 when an attempt starts."""

_CHUNK_BYTES = 2**16
_PASSING = {408, 425, 429}  # what a server answers when the same may be asked again later


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        timeout_seconds: How long it may be silent.
        attempts: How often each file is tried, where trying again may help.
        pause_seconds: The pause after the first attempt; after the n-th, n times as long.
    """

    timeout_seconds: float = 30.0
    attempts: int = 3
    pause_seconds: float = 1.0


def fetch(
    wanted: DataSet,
    folder: Path | None = None,
    *,
    base: str = "",
    patience: Patience = Patience(),
    tell: Tell | None = None,
) -> tuple[Place, ...]:
    """Fetch what is not there yet of a set, and say where all of it is.

    Args:
        wanted: The set.
        folder: Where its files go. None stands for the cache, and then nothing is fetched that
            the folder named by LIKEWISE_DATA holds.
        base: The address to fetch from instead of the set's own; the checksums stay.
        patience: How long to wait.
        tell: Called as a file arrives.

    Raises:
        BadArgument: If the address is none of the web.
        SourceNotFound: If the set is not there and is not to be fetched, with where to get it.
        MissingExtra: If pooch is not installed.
        DownloadFailed: If a file does not arrive as it was published; nothing of it is kept. Or
            if another one is in its place in the folder.
        SaveFailed: If it cannot be written.
    """
    if base and not re.match(r"https?://[^/]", base, re.IGNORECASE):
        raise BadArgument(
            f"the address to fetch from is {base!r}, and one like https://HOST/FOLDER is expected."
        )
    if not wanted.files:
        there = places(wanted)
        if any(place.where == "missing" for place in there):
            raise SourceNotFound(f"{wanted.name} is not there. {wanted.advice} See {wanted.home}")
        return there
    own = {} if folder else {file: place for file in wanted.files if (place := in_own_folder(file))}
    if len(own) == len(wanted.files):
        return tuple(own.values())
    root = folder or cache_folder()
    if root is None:
        raise _no_pooch()
    if folder:
        _refuse_others(folder, wanted)
    done = []
    for file in wanted.files:
        target = root / file.name
        place = own.get(file)
        if place is None:
            new = not is_published(target, file)
            if new:
                url = f"{(base or wanted.base).removesuffix('/')}/{file.address}"
                _place(target, file, url, patience, tell)
            place = Place(file.name, "folder" if folder else "cache", str(target), fetched=new)
        done.append(place)
    return tuple(done)


def _refuse_others(folder: Path, wanted: DataSet) -> None:
    # What is in the cache is ours to replace; what is in a person's folder is not.
    for file in wanted.files:
        target = folder / file.name
        if target.exists() and not is_published(target, file):
            raise DownloadFailed(
                f"{target} is there already and is not the published file, whose SHA-256 is "
                f"{file.sha256}. Move it away; or, if it was only packed anew, keep it and set "
                f"{VARIABLE} to {folder}."
            )


def _no_pooch() -> MissingExtra:
    return MissingExtra(
        "Downloads need pooch, which is not installed. Run: pip install 'likewise[data]'"
    )


def _place(target: Path, file: File, url: str, patience: Patience, tell: Tell | None) -> None:
    with saving(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    probe_folder(target.parent)
    try:
        data = _download(file, url, patience, tell)
    except DownloadFailed:
        # Another process may have put the right file there meanwhile.
        if not is_published(target, file):
            discard_path(target)
        raise
    replace(target, data, public=True)


def _download(file: File, url: str, patience: Patience, tell: Tell | None) -> bytes:
    try:
        import pooch  # noqa: F401 - before anything is asked of a server
        from requests import RequestException
    except ImportError as error:
        raise _no_pooch() from error
    attempt = 0
    while True:
        attempt += 1
        try:
            return _attempt(file, url, patience.timeout_seconds, tell)
        except (RequestException, _Wrong) as error:
            reason, passing = _reason(error, patience)
            if not passing or attempt >= patience.attempts:
                tried = f" (tried {attempt} times)" if attempt > 1 else ""
                raise DownloadFailed(
                    f"{file.name} could not be fetched from {url}: {reason}{tried}. Nothing of it "
                    "was kept. Try again later or from another address (--mirror), or put the "
                    f"file into a folder that {VARIABLE} names."
                ) from error
        time.sleep(patience.pause_seconds * attempt)


def _attempt(file: File, url: str, timeout_seconds: float, tell: Tell | None) -> bytes:
    from pooch import HTTPDownloader

    body = _Body(file, tell)
    answers: list[Response] = []

    def keep(answer: "Response", **_: object) -> None:
        answers.append(answer)

    hooks = {"response": keep}
    get = HTTPDownloader(chunk_size=_CHUNK_BYTES, timeout=timeout_seconds, hooks=hooks)
    try:
        get(url, body, None)
    finally:
        for answer in answers:  # pooch leaves the connection open when it fails
            answer.close()
    return body.published()


class _Wrong(Exception):
    """What came is not the published file."""


class _Body:
    """What came of a file so far; it takes no more than was published."""

    def __init__(self, file: File, tell: Tell | None) -> None:
        self.file = file
        self.tell = tell
        self.data = bytearray()
        self.write(b"")

    def write(self, chunk: bytes) -> None:
        self.data += chunk
        if len(self.data) > self.file.size_bytes:
            raise _Wrong(f"more came than the {self.file.size_bytes} bytes that were published")
        if self.tell:
            self.tell(self.file, len(self.data))

    def flush(self) -> None:
        """Do nothing: pooch asks it of every file."""

    def published(self) -> bytes:
        data = bytes(self.data)
        if len(data) < self.file.size_bytes:
            raise _Wrong(f"only {len(data)} of {self.file.size_bytes} bytes came")
        found = hashlib.sha256(data).hexdigest()
        if found != self.file.sha256:
            raise _Wrong(
                f"what came is not what was published: its SHA-256 is {found}, and "
                f"{self.file.sha256} is expected"
            )
        return data


def _reason(error: "RequestException | _Wrong", patience: Patience) -> tuple[str, bool]:
    """Why an attempt failed, and whether the next one may do better."""
    from requests import ConnectionError as NoConnection
    from requests import HTTPError, Timeout
    from requests.exceptions import ChunkedEncodingError

    if isinstance(error, HTTPError) and error.response is not None:
        status = error.response.status_code
        return (
            f"the server answered {status} {error.response.reason}",
            status >= 500 or status in _PASSING,
        )
    if isinstance(error, Timeout) or "timed out" in str(error):
        return f"the server was silent for {patience.timeout_seconds:g} s", True
    if isinstance(error, ChunkedEncodingError):
        return "the connection was cut off before all of it had come", True
    if isinstance(error, NoConnection):
        first: BaseException = error
        while first.__context__ is not None:
            first = first.__context__
        return f"there is no connection ({getattr(first, 'strerror', None) or first})", True
    return str(error), isinstance(error, _Wrong)
