"""What a command says where an optional package is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from likewise.errors import LikewiseError, MissingExtra


@contextmanager
def needs(what: str, extra: str) -> Iterator[None]:
    """Name the package that an import lacks, and the extra that brings it.

    Args:
        what: What is to be done, which begins the sentence: `Training`.
        extra: Of this project, as in `learn`.

    Raises:
        MissingExtra: If a package that is not ours is not installed.
    """
    try:
        yield
    except ImportError as error:
        if isinstance(error, LikewiseError) or (error.name or "").startswith("likewise"):
            raise
        raise MissingExtra(
            f"{what} needs {error.name}, which is not installed. Run: "
            f"pip install 'likewise[{extra}]'"
        ) from error
