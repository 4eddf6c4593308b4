"""Different ones that are a little farther than the same."""

from typing import final

import torch
from torch import Tensor

from likewise.learn.miners.base import Miner
from likewise.learn.miners.pairing import pairs_of_triplets
from likewise.shapes import Bool, Float
from likewise.types import Pairs, Triplets


@final
class SemiHard(Miner):
    """Takes for each same pair the nearest different one that is farther than it.

    The hardest different ones of all can be mislabelled, or pull everything into one point; those
    beyond the same pair do neither.

    References:
        Schroff, Kalenichenko, Philbin, "FaceNet: A Unified Embedding for Face Recognition and
        Clustering", 2015, section 3.2, equation 4, with the margin as the upper limit. A same pair
        without such a different one gives nothing, as there. (TensorFlow Addons then takes the
        farthest different one, which is nearer than the same; pytorch-metric-learning takes all
        different ones inside the margin, not only the nearest.) Departure: pairs, which the paper
        does not have, are those of the triplets without the upper limit.
    """

    def pairs(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
    ) -> Pairs:
        """All same pairs, and each different pair that is the nearest beyond one of them."""
        return pairs_of_triplets(self.triplets(distances, same, different, torch.inf), same)

    def triplets(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
        margin: float,
    ) -> Triplets:
        """Each same pair with the nearest different one that is less than the margin farther."""
        # Sorted once for each row, the nearest beyond every same pair is a bisection: no third
        # axis is needed.
        negatives, columns = distances.masked_fill(~different, torch.inf).sort(dim=1)
        anchor, positive = same.nonzero(as_tuple=True)
        beyond = torch.searchsorted(negatives, distances.contiguous(), right=True)
        place = beyond[anchor, positive]
        # A finite same pair always finds a place, its own column being infinite in the sorted row.
        # NaN, once training has diverged, does not.
        found = place < negatives.shape[1]
        anchor, positive, place = anchor[found], positive[found], place[found]
        inside = negatives[anchor, place] < distances[anchor, positive] + margin
        anchor, positive, place = anchor[inside], positive[inside], place[inside]
        return Triplets(anchor, positive, columns[anchor, place])
