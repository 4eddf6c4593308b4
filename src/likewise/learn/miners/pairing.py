"""The pairs that triplets are made of."""

from torch import Tensor

from likewise.shapes import Bool
from likewise.types import Pairs, Triplets


def pairs_of_triplets(triplets: Triplets, same: Bool[Tensor, "n m"]) -> Pairs:
    """All same pairs, and each different pair that is in a triplet, once."""
    chosen = same.clone()
    chosen[triplets.anchor, triplets.negative] = True
    first, second = chosen.nonzero(as_tuple=True)
    return Pairs(first, second, same[first, second])
