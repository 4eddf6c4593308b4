"""What a gallery answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from likewise.gallery.open_set import Limit
from likewise.results import Cell, Result
from likewise.shapes import Array, Float
from likewise.stores.rows import Match, Metadata

PATH, DIGEST = "path", "sha256"
"""The metadata in which enrolling notes the file that an item came from, and what was in it."""


@dataclass(frozen=True)
class Entry:
    """What is enrolled under an id.

    Attributes:
        id: Of the entry.
        identity: Who or what it shows.
        vector: Its embedding.
        metadata: Strings, numbers and booleans by name.
        item: The raw item, where it was kept.
    """

    id: str
    identity: str
    vector: Float[Array, "dim"]
    metadata: Metadata
    item: bytes | None


@dataclass(frozen=True, repr=False)
class Enrolled(Result):
    """What an enrolment did.

    Attributes:
        added: How many were enrolled.
        known: The ids that were there already.
    """

    added: int
    known: tuple[str, ...]

    def summary(self) -> str:
        """Return how many were enrolled."""
        return f"{self.added:,} added, {len(self.known):,} known already"


@dataclass(frozen=True, repr=False)
class Matches(Result, Sequence[Match]):
    """The rows nearest to a probe, nearest first; a sequence of `Match`.

    Attributes:
        matches: Each row.
    """

    matches: tuple[Match, ...]

    def __len__(self) -> int:
        return len(self.matches)

    @overload
    def __getitem__(self, at: int) -> Match: ...

    @overload
    def __getitem__(self, at: slice) -> "Matches": ...

    def __getitem__(self, at: int | slice) -> "Match | Matches":
        return Matches(self.matches[at]) if isinstance(at, slice) else self.matches[at]

    def summary(self) -> str:
        """Return how many were found, and which is nearest."""
        if not self.matches:
            return "none"
        nearest = self.matches[0]
        return f"{len(self)}, nearest {nearest.id!r} at {nearest.distance:.3f}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each match, with its metadata behind its distance."""
        return [
            {"id": one.id, "identity": one.identity, "distance": one.distance, **one.metadata}
            for one in self.matches
        ]


@dataclass(frozen=True)
class Candidate:
    """Who a probe may be.

    Attributes:
        identity: Its name.
        distance: Of the probe to its templates, fused.
        probability: That it is this identity and no other, nor unknown; None without a calibration.
        prior: How likely it was before the probe was seen.
    """

    identity: str
    distance: float
    probability: float | None
    prior: float


@dataclass(frozen=True, repr=False)
class Identified(Result):
    """Who a probe is, or that it is unknown, and why one may say so.

    Attributes:
        verdict: `identified`, `unknown`, or `undecided` where the gallery supports no rate.
        identity: Who it is; empty where it is not identified.
        candidates: The nearest identities, nearest first.
        limit: The threshold and the false-identification rate that it keeps.
        rule: How several templates of an identity are fused.
        enrolled: How many identities the gallery holds.
        prior_unknown: How often a probe is assumed to show nobody of the gallery.
        probability_unknown: That it shows nobody of the gallery; None without a calibration.
    """

    verdict: str
    identity: str
    candidates: tuple[Candidate, ...]
    limit: Limit
    rule: str
    enrolled: int
    prior_unknown: float
    probability_unknown: float | None

    def summary(self) -> str:
        """Return who it is, and how far the nearest identity is."""
        nearest = self.candidates[0] if self.candidates else None
        near = ""
        if nearest is not None:
            near = f", nearest {nearest.identity!r} at {nearest.distance:.3f}"
        who = f"{self.verdict} {self.identity!r}" if self.identity else self.verdict
        return f"{who}{near}, among {self.enrolled:,}"

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row for each candidate, nearest first."""
        return [
            {"identity": one.identity, "distance": one.distance, "probability": one.probability}
            for one in self.candidates
        ]
