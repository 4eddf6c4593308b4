"""Choose the pairs that a table of items can be measured on."""

from typing import Any

from likewise.distances.comparator import Comparator
from likewise.pairs.all_pairs import AllPairs, PairSet
from likewise.pairs.forgeries import SKILLED, ForgeryPairs
from likewise.pairs.listed_pairs import ListedPairs
from likewise.shapes import Float
from likewise.types import Items


def choose_pairs(
    vectors: Float[Any, "n dim"], items: Items, comparator: Comparator, impostors: str = ""
) -> PairSet:
    """The pairs that a table can be measured on: those it lists, else all of its items.

    Args:
        vectors: Row for row with the items.
        items: Of which some may be forged.
        comparator: What compares them.
        impostors: Which different pairs a false-accept rate is of, where some items are forged:
            `skilled` (also if empty), `random` or `both`.

    Raises:
        SplitError: If there is no same or no different pair.
    """
    if items.pairs is not None:
        return ListedPairs.of(vectors, items, comparator)
    if items.forged.any():
        return ForgeryPairs.of(vectors, items, comparator, impostors or SKILLED)
    return AllPairs.of(vectors, items.identities, comparator)
