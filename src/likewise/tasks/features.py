"""What a comparator compares of decoded items, and of how many where that takes long."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.data import Decoded
from likewise.distances.comparator import Comparator
from likewise.model import ComparedOnce, FeatureMaps, Model, evenly, vectors_of
from likewise.shapes import Array, Float, Int
from likewise.types import Items

MOST_MAPPED = 1000
"""Of more items, a matcher that reads feature maps compares some: half a million pairs."""
_EACH = 4


@dataclass(frozen=True)
class Features:
    """Items with what is compared of them.

    Attributes:
        items: Those of which something is.
        rows: Where each of them stood among the decoded items.
        vectors: Row for row, their embeddings; `FeatureMaps` where feature maps are compared.
        comparator: What compares them.
        failed: Place and reason of each item of which nothing can be compared, or be read.
        drawn: In words, which of the items were drawn; empty if all are here.
    """

    items: Items
    rows: Int[Array, "n"]
    vectors: Float[Any, "n dim"]
    comparator: Comparator
    failed: tuple[tuple[str, str], ...]
    drawn: str = ""


def features_for(model: Model, decoded: Decoded, comparator: str = "") -> Features:
    """Return what that comparator of the model compares of decoded items.

    Where it reads feature maps and the source lists no pairs, no pair is compared twice, and of
    more than 1,000 items some are drawn: whole identities, up to 250, and as many of each as fit,
    evenly; where some are forged, whole identities with all of their items.

    Args:
        model: What embeds and compares.
        decoded: The items.
        comparator: `distance` or `matcher`; the matcher where the model has one.

    Raises:
        UnknownName: If the model has no such comparator.
    """
    compares, drawn = model.comparator(comparator), ""
    rows: Array = np.arange(len(decoded))
    closer = model.uses_feature_maps(comparator)
    if closer and decoded.items.pairs is None and len(rows) > MOST_MAPPED:
        rows = _some(decoded.items)
        drawn = f"{len(rows):,} of {len(decoded):,} items, drawn by lot"
    vectors = model.features_for(decoded.take(rows) if drawn else decoded, comparator)
    if isinstance(vectors, FeatureMaps) and decoded.items.pairs is None:
        compares = ComparedOnce(compares, vectors)
    usable = np.isfinite(vectors_of(vectors)).all(1)
    failed = decoded.failed
    if not usable.all():
        lost = decoded.items.places[rows[~usable]].tolist()
        reason = "its embedding is not of finite numbers"
        failed = (*failed, *((str(place), reason) for place in lost))
        rows, vectors = rows[usable], vectors[np.flatnonzero(usable)]
    every = len(rows) == len(decoded)
    items = decoded.items if every else decoded.items.take(rows)
    return Features(items, rows, vectors, compares, failed, drawn)


def _some(items: Items) -> Int[Array, "n"]:
    """Which of many items are compared; the same ones each time."""
    names, codes, sizes = np.unique(items.identities, return_inverse=True, return_counts=True)
    lots = np.random.default_rng(0).permutation(len(names))
    if items.forged.any():
        fit = int((np.cumsum(sizes[lots]) <= MOST_MAPPED).sum())
        return np.flatnonzero(np.isin(codes, lots[: max(2, fit)]))
    rows = np.flatnonzero(np.isin(codes, lots[: MOST_MAPPED // _EACH]))
    kept: Array = np.sort(rows[evenly(codes[rows], MOST_MAPPED, None, 0)])
    return kept
