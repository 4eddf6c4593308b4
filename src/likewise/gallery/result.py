"""What a gallery answers."""

from dataclasses import dataclass

from likewise.gallery.open_set import Limit
from likewise.shapes import Array, Float
from likewise.stores.rows import Metadata

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


@dataclass(frozen=True)
class Enrolled:
    """What an enrolment did.

    Attributes:
        added: How many were enrolled.
        known: The ids that were there already.
    """

    added: int
    known: tuple[str, ...]


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


@dataclass(frozen=True)
class Identified:
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
