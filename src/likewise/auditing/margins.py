"""The embedding before and after training: has it collapsed, and does the margin fit its scale?"""

from dataclasses import dataclass, replace

import numpy as np

from likewise.auditing.association import association_pairs
from likewise.auditing.findings import Finding
from likewise.auditing.grouped import group_findings
from likewise.distances.comparator import Comparator
from likewise.errors import BadArgument
from likewise.registry import Spec, families
from likewise.shapes import Array, Float, Int
from likewise.types import Items

MOST_VECTORS, MOST_PAIRS = 2_000, 20_000
COLLAPSED, NEARLY = 1e-3, 2.0
EASY = 0.95
_GIVEN_TODO = (
    "Look whether all items went through the encoder as it expects them (size, range, order of "
    "channels), or take an encoder that keeps them apart."
)
_ENOUGH = 8
"""Below so many directions to be had, few of them used are no collapse."""


@dataclass(frozen=True)
class EmbeddingSpread:
    """How much room the vectors of different items take.

    Attributes:
        rank: Effective rank: in how many directions they spread evenly.
        relative: Their mean departure from their mean, as a share of their mean length.
        directions: How many directions so many vectors of this length could have.
    """

    rank: float
    relative: float
    directions: int

    @property
    def collapsed(self) -> bool:
        """Whether all vectors are nearly one."""
        return self.relative < COLLAPSED

    @property
    def nearly(self) -> bool:
        """Whether they lie nearly on a line."""
        return not self.collapsed and self.rank < NEARLY and self.directions >= _ENOUGH

    @property
    def sentence(self) -> str:
        """What is wrong, in words; empty if nothing is."""
        if self.collapsed:
            return (
                "The embedding has collapsed: all items come out as nearly the same vector (they "
                f"depart from their mean by {self.relative:.1g} of its length)."
            )
        if self.nearly:
            return (
                f"The embedding has nearly collapsed: it spreads in {self.rank:.1f} of "
                f"{self.directions} directions (effective rank)."
            )
        return ""


def spread_of(vectors: Float[Array, "n dim"]) -> EmbeddingSpread:
    """How much room some vectors take; at most 2,000 of them, from all over, are looked at.

    References:
        Roy, Vetterli, "The effective rank: a measure of effective dimensionality", 2007,
        definition 1. Departure: the mean is taken away first, since vectors that are all alike
        have rank one otherwise, as have vectors on a line.

    Raises:
        BadArgument: If there are fewer than two, or one is not finite.
    """
    some = vectors[:: max(1, len(vectors) // MOST_VECTORS)][:MOST_VECTORS].astype(np.float64)
    if len(some) < 2 or not np.isfinite(some).all():
        raise BadArgument(
            f"{len(some)} vectors were given, {int((~np.isfinite(some)).any(1).sum())} of them not "
            "finite; two finite ones at the least are expected. Leave out what is not."
        )
    centred = some - some.mean(0)
    length = float(np.sqrt((some**2).sum(1).mean()))
    relative = float(np.sqrt((centred**2).sum(1).mean())) / (length or 1.0)
    values = np.linalg.svd(centred, compute_uv=False)
    shares = values / (values.sum() or 1.0)
    shares = shares[shares > 0]
    rank = float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0
    return EmbeddingSpread(rank, relative, min(vectors.shape[1], len(some) - 1))


def margin_of(loss: str) -> float | None:
    """The margin of a loss, by its spec; None if it has none."""
    spec = Spec.parse(loss)
    arguments = families()["losses"].describe(spec.name).arguments
    given = dict(zip((one.name for one in arguments), spec.args, strict=False)) | dict(spec.kwargs)
    for one in arguments:
        if one.name == "margin":
            value = given.get("margin", one.default)
            return None if value is None else float(value)
    return None


def embedding_findings(
    vectors: Float[Array, "n dim"],
    items: Items,
    distance: Comparator,
    *,
    margin: float | None,
    trained: bool,
    unit: bool = False,
    given: bool = False,
    seed: int = 0,
) -> list[Finding]:
    """What is to be said of an embedding: collapse, and the margin against its scale.

    Args:
        vectors: Row for row with the items.
        items: What they are of.
        distance: What compares them.
        margin: Of the loss, in units of the distance; None if there is none.
        trained: Whether they come from a trained model; before training, a margin that nearly
            everything satisfies leaves nothing to learn.
        unit: Whether vectors are of length one, so that no distance exceeds 2.
        given: Whether somebody else made them, and how is not known.
        seed: Where chance comes from.

    Raises:
        BadArgument: If the vectors are fewer than two or not finite, or the margin not positive.
    """
    if margin is not None and not margin > 0:
        raise BadArgument(f"The margin is {margin}. Give a positive number.")
    spread = spread_of(vectors)
    figures = {"effective_rank": spread.rank, "directions": float(spread.directions)}
    found = []
    if spread.sentence:
        found.append(
            Finding(
                "collapsed_embedding",
                "alarm" if trained or spread.collapsed else "note",
                spread.sentence if trained else f"Before training: {spread.sentence}",
                (),
                _GIVEN_TODO
                if given
                else "Train with another loss or miner (all instead of hard), a smaller "
                "learning_rate, or a larger margin."
                if trained
                else "Look at the transform: it may leave nothing of the items.",
                figures,
            )
        )
    if spread.collapsed:
        return found
    more = _margins(vectors, items, distance, margin, figures, trained, unit, seed)
    if given:
        more = [
            replace(one, sentence=one.sentence.replace("After training", "As given", 1))
            for one in more
        ]
    return found + more + group_findings(vectors, items, distance, seed)


def _margins(
    vectors: Float[Array, "n dim"],
    items: Items,
    distance: Comparator,
    margin: float | None,
    figures: dict[str, float],
    trained: bool,
    unit: bool,
    seed: int,
) -> list[Finding]:
    same, different, triplets = _distances(vectors, items, distance, seed)
    if not len(same) or not len(different):
        return []
    median = float(np.median(different))
    figures = figures | {
        "median_same": float(np.median(same)),
        "median_different": median,
        "pairs": float(len(same) + len(different)),
        "triplets": float(len(triplets)),
    }
    when = "After training" if trained else "Before training"
    words = (
        f"{when}, the median distance is {figures['median_same']:.3g} of same and {median:.3g} of "
        f"different pairs; the effective rank is {figures['effective_rank']:.1f} of "
        f"{figures['directions']:.0f}."
    )
    if margin is None:
        return [Finding("margin", "baseline", words, (), "", figures)]
    beyond = float((different >= margin).mean())
    figures |= {"margin": margin, "different_beyond_margin": beyond, "margin_per_median": 0.0}
    figures["margin_per_median"] = margin / median if median else float(np.finfo(np.float32).max)
    words += (
        f" The margin {margin:g} is {figures['margin_per_median']:.3g} times that of different "
        f"pairs, of which a share of {beyond:.3f} lies beyond it already"
    )
    satisfied = beyond
    if len(triplets):
        satisfied = float((triplets >= margin).mean())
        figures["triplets_satisfied"] = satisfied
        words += f"; of triplets a share of {satisfied:.3f} satisfies it already"
    words += f" ({len(different):,} different pairs, {len(triplets):,} triplets, drawn by chance)."
    if unit and margin >= 2 and not trained:
        return [
            Finding(
                "margin",
                "alarm",
                f"{words} Vectors of length one are never farther apart than 2, so that no "
                "training reaches it.",
                (),
                "Give a margin well below 1, or set normalize=false.",
                figures,
            )
        ]
    if satisfied >= EASY and not trained:
        return [
            Finding(
                "margin",
                "alarm",
                f"{words} Nearly nothing is left to learn from.",
                (),
                "Give a larger margin, or a miner that looks for what is hard (semi_hard, hard); "
                "if the items really are so easy, no network is needed.",
                figures,
            )
        ]
    return [Finding("margin", "note" if trained else "baseline", words, (), "", figures)]


def _distances(
    vectors: Float[Array, "n dim"], items: Items, distance: Comparator, seed: int
) -> tuple[Float[Array, "same"], Float[Array, "different"], Float[Array, "triplets"]]:
    """Distances of same and of different pairs, and how much farther triplets' different one is."""
    random = np.random.default_rng(seed)
    pairs = items.pairs
    if pairs is not None:
        same = np.asarray(pairs.same) > 0.5
        kept = np.sort(random.permutation(len(same))[:MOST_PAIRS])
        far = _rows(
            vectors, np.asarray(pairs.first)[kept], np.asarray(pairs.second)[kept], distance
        )
        return far[same[kept]], far[~same[kept]], np.zeros(0)
    own = np.flatnonzero(~items.forged)
    vectors, items = vectors[own], items.take(own)
    cases = association_pairs(items.identities, MOST_PAIRS, random)
    far = _rows(vectors, cases.first, cases.second, distance)
    anchors, alike = cases.first[~cases.positive], far[~cases.positive]
    if not len(anchors):
        return alike, far[cases.positive], np.zeros(0)
    others = random.integers(len(items), size=len(anchors))
    kept = np.flatnonzero(items.identities[others] != items.identities[anchors])
    apart = _rows(vectors, anchors[kept], others[kept], distance)
    return alike, far[cases.positive], apart - alike[kept]


def _rows(
    vectors: Float[Array, "n dim"],
    first: Int[Array, "m"],
    second: Int[Array, "m"],
    distance: Comparator,
) -> Float[Array, "m"]:
    step = max(1, 2**22 // vectors.shape[1])
    parts = [
        np.asarray(distance.rows(vectors[first[at : at + step]], vectors[second[at : at + step]]))
        for at in range(0, len(first), step)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)
