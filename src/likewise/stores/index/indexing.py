"""The nouns of approximate search, and what is the same in every store that has an index."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from likewise.errors import BadArgument
from likewise.shapes import Array, Float

Kind: TypeAlias = Literal["hnsw", "ivf", "none"]
KINDS: tuple[Kind, ...] = ("hnsw", "ivf", "none")
NEAREST = 10
"""How many nearest others of a row are looked for, to see which an index finds."""
MOST_WANTED = 1000
"""Beyond so many nearest, exact search does as well."""
LEAST_SELECTED = 0.5
"""A condition that a smaller share of the rows fulfils is searched exactly."""
USED = "used"
# Of the normal distribution, 95%.
_SURE = 1.645


@dataclass(frozen=True)
class IndexRequest:
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
        index_kind(self.kind)
        if not 0 < self.recall <= 1:
            raise BadArgument(
                f"The recall is {self.recall}, and a share above 0 and at most 1 is expected."
            )


@dataclass(frozen=True)
class Indexed:
    """The index of a store, and what it is worth.

    Attributes:
        kind: What it is; `none` where the store cannot read what it noted of it.
        status: `used`, or why approximate search passes it over and searches exactly.
        rows: How many rows it holds.
        newer: How many were written since that it does not hold; these are searched exactly.
        removed: How many of its rows were removed or replaced since; these are not found.
        recall: The share of the 10 nearest others of stored rows that it found when it was made,
            held against exact search; None if that was not measured.
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

    @property
    def again(self) -> IndexRequest | None:
        """What to ask for to have it made again; None where that is not known."""
        return IndexRequest(self.kind, self.wanted) if self.kind != "none" else None


def index_kind(word: str) -> Kind:
    """A kind of index, once it is one.

    Raises:
        BadArgument: If it is none.
    """
    for known in KINDS:
        if word == known:
            return known
    raise BadArgument(f"The index is {word!r}, and one of {', '.join(KINDS)} is expected.")


def others(keys: Array, distances: Array, own: int) -> Float[Array, "_"]:
    """The distances that were found of rows other than the one that was asked for."""
    found: Array = distances[keys != own]
    return found


def enough(shares: Float[Array, "asked"], wanted: IndexRequest) -> bool:
    """Whether an index finds, 95% sure, the share of the nearest that is wanted.

    Args:
        shares: That it found, of each row that was asked for.
        wanted: The index.
    """
    mean, spread = float(shares.mean()), float(shares.std())
    return mean - _SURE * spread / math.sqrt(len(shares)) >= wanted.recall


def passed_over(why: str) -> str:
    """The status of an index that cannot be used."""
    return f"passed over: {why}"


def nothing_to_index(name: object) -> BadArgument:
    """The error for an index of no rows."""
    return BadArgument(f"{name} holds no vectors to index. Enrol some first.")
