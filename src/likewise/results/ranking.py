"""What ranking items by their distance was seen to do: recognition, identification, retrieval."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """A share with identities weighing equally, and its 95% interval.

    Attributes:
        value: The mean over identities of the share among their items.
        units: How many identities: the trials of the interval.
        low: Lower end of the 95% interval; None if the identities are too few for one.
        high: Upper end; None likewise.
    """

    value: float
    units: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class OneShot:
    """How often one example, or a few, are enough to recognise an item among `ways` identities.

    Attributes:
        ways: How many identities each episode holds.
        episodes: How many questions were asked.
        accuracy: The share answered rightly, identities weighing equally.
        identities: How many identities were asked for: the trials of the interval.
        low: Lower end of the 95% interval; None if the identities are too few for one.
        high: Upper end; None likewise.
        shots: How many examples of each identity are given.
    """

    ways: int
    episodes: int
    accuracy: float
    identities: int
    low: float | None
    high: float | None
    shots: int = 1


@dataclass(frozen=True)
class AtSize:
    """How well items are recognised in random galleries of one size.

    Attributes:
        size: How many identities a gallery holds, each by one item.
        galleries: How many galleries were drawn.
        rank_1: The share whose own identity is the nearest, over all galleries.
        fpir: The share of strangers' items that the threshold of each gallery lets be taken for
            somebody.
        fnir: The share of items of those enrolled that are then not recognised; None where too
            few identities are strangers.
        strangers: How many identities are strangers.
    """

    size: int
    galleries: int
    rank_1: Share
    fpir: float
    fnir: Share | None
    strangers: int


@dataclass(frozen=True)
class Identification:
    """How well items are recognised among all identities, from one example each.

    Attributes:
        enrolled: How many identities are known, in the closed set: all of them.
        probes: How many other items were asked for.
        rank_1: The share whose own identity is the nearest.
        cmc: The share whose own identity is among the nearest 1, 2, 3, ...
        known: How many identities are known in the open set; the others are strangers.
        strangers: How many identities are strangers.
        threshold: Farther than this is answered with "unknown".
        fpir: The share of strangers' items that are taken for somebody.
        fnir: The share of items of known identities that are not: they are taken for somebody
            else, or for unknown.
        fnir_at: FPIR → the FNIR where the threshold is chosen on these very items for that FPIR:
            it describes the distances and promises nothing.
        by_size: Both against the size of the gallery; empty where the claim is about the very
            classes that were trained on, or a matcher compared.
    """

    enrolled: int
    probes: int
    rank_1: Share
    cmc: tuple[float, ...]
    known: int
    strangers: int
    threshold: float
    fpir: Share
    fnir: Share
    fnir_at: Mapping[float, float]
    by_size: tuple[AtSize, ...] = ()


@dataclass(frozen=True)
class Retrieval:
    """How good the lists of nearest items are, each item asking for the others of its identity.

    Attributes:
        queries: How many items asked: those that are not alone in their identity.
        items: How many items were ranked.
        precision_at_1: The share whose nearest item is of the same identity.
        r_precision: The share of the same identity among the nearest R, where R is how many others
            of it there are.
        map_at_r: The mean over those R places of the precision up to each place that is right.
        recall: k → the share with one of the same identity among the nearest k.
    """

    queries: int
    items: int
    precision_at_1: Share
    r_precision: Share
    map_at_r: Share
    recall: Mapping[int, Share]
