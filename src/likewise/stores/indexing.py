"""The nouns of approximate search: the index that is wanted, and the one that is there."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from likewise.errors import BadArgument

Kind: TypeAlias = Literal["hnsw", "ivf", "none"]
KINDS: tuple[Kind, ...] = ("hnsw", "ivf", "none")


@dataclass(frozen=True)
class Wanted:
    """An index for approximate search, to make in the place of the one that is there.

    Attributes:
        kind: `hnsw`, a graph of neighbours; `ivf`, inverted lists; `none` takes it away.
        recall: The share of the 10 nearest that a search should find, 95% sure; it is as broad as
            it must be for that.

    Raises:
        BadArgument: If there is no such kind, or the recall is not in (0, 1].
    """

    kind: Kind = "hnsw"
    recall: float = 0.99

    def __post_init__(self) -> None:
        kind_of(self.kind)
        if not 0 < self.recall <= 1:
            raise BadArgument(
                f"The recall is {self.recall}, and a share above 0 and at most 1 is expected."
            )


@dataclass(frozen=True)
class Indexed:
    """The index of a store, and what it is worth.

    Attributes:
        kind: What it is.
        status: `used`, or why approximate search passes it over and searches exactly.
        rows: How many rows it holds.
        newer: How many were written since; these are searched exactly.
        removed: How many were removed or replaced since; these are not found.
        recall: The share of the 10 nearest that it found when it was made, held against exact
            search; None if that was not measured.
        asked: How many rows, drawn by lot, were asked for that.
        wanted: The recall that was wanted.
        settings: Of the search, as the engine names them.
        bytes_used: On the disk.
    """

    kind: Kind
    status: str
    rows: int
    newer: int
    removed: int
    recall: float | None
    asked: int
    wanted: float
    settings: str
    bytes_used: int


def kind_of(word: str) -> Kind:
    """A kind of index, once it is one.

    Raises:
        BadArgument: If it is none.
    """
    for known in KINDS:
        if word == known:
            return known
    raise BadArgument(f"The index is {word!r}, and one of {', '.join(KINDS)} is expected.")
