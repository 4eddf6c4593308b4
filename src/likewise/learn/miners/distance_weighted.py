"""Different ones at all distances, drawn at random."""

from typing import final

import torch
from torch import Tensor

from likewise.distances.base import Distance
from likewise.distances.cosine import Cosine
from likewise.distances.euclidean import Euclidean
from likewise.errors import BadArgument
from likewise.learn.miners.base import Miner
from likewise.learn.miners.pairing import pairs_of_triplets
from likewise.shapes import Bool, Float
from likewise.types import Pairs, Triplets


@final
class DistanceWeighted(Miner):
    """Takes for each same pair a different one at random, so that all distances are as likely.

    Points that are spread evenly over a sphere of n dimensions are at the distance d with a density
    in proportion to q(d) = d^(n - 2) * (1 - d^2 / 4)^((n - 3) / 2): nearly all at the square root
    of two. A different one is drawn with a chance in proportion to 1 / q(d). It is for embeddings
    of length one.

    Args:
        cutoff: Nearer different ones are weighed as if they were so far: the nearest are noise.
        farthest: Different ones from here on are never drawn, for they cost nothing. A row that has
            no nearer one gives nothing.
        distance: Of the matrix: `euclidean`, or `cosine`, from which the same follows.
        dim: The length of an embedding, n above.

    Raises:
        BadArgument: If not 0 < cutoff < farthest < 2, the distance is another, or `dim` is missing.

    References:
        Wu, Manmatha, Smola, Kraehenbuehl, "Sampling Matters in Deep Embedding Learning", 2017,
        section 3.2: the density of distances, and distance weighted sampling. As in the authors'
        code, the limit of the weights (lambda in the paper) is said by a distance, and there is an
        upper one too.
    """

    def __init__(
        self,
        cutoff: float = 0.5,
        farthest: float = 1.4,
        *,
        distance: Distance | None = None,
        dim: int | None = None,
    ) -> None:
        if not 0 < cutoff < farthest < 2:
            raise BadArgument(
                f"distance_weighted: cutoff is {cutoff} and farthest {farthest}, and "
                "0 < cutoff < farthest < 2 is expected: distances of embeddings of length one."
            )
        if not isinstance(distance, Euclidean | Cosine):
            raise BadArgument(
                "distance_weighted knows how points are spread over a sphere by euclidean and by "
                f"cosine distance, and was given {type(distance).__name__.lower()}. Set "
                "distance=euclidean, or choose another miner."
            )
        if dim is None or dim < 2:
            raise BadArgument(
                f"distance_weighted must know the length of an embedding, and was given {dim}. "
                "Give dim, at least 2."
            )
        self.cutoff = cutoff
        self.farthest = farthest
        self.squared = isinstance(distance, Cosine)
        self.dim = dim

    def pairs(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
    ) -> Pairs:
        """All same pairs, and each different pair that was drawn for one of them."""
        return pairs_of_triplets(self.triplets(distances, same, different, torch.inf), same)

    def triplets(
        self,
        distances: Float[Tensor, "n m"],
        same: Bool[Tensor, "n m"],
        different: Bool[Tensor, "n m"],
        margin: float,  # noqa: ARG002 - what costs nothing is left to the loss
    ) -> Triplets:
        """Each same pair with a different one drawn for it."""
        chances = self.chances(distances, different)
        anchor, positive = (same & (chances > 0).any(dim=1, keepdim=True)).nonzero(as_tuple=True)
        if not len(anchor):
            return Triplets(anchor, positive, anchor)
        # As many draws a row as the row with most same ones needs: no row is copied for each pair.
        place = same.cumsum(dim=1)[anchor, positive] - 1
        rows, which = torch.unique(anchor, return_inverse=True)
        draws = torch.multinomial(chances[rows], int(place.max()) + 1, replacement=True)
        return Triplets(anchor, positive, draws[which, place])

    def chances(
        self, distances: Float[Tensor, "n m"], different: Bool[Tensor, "n m"]
    ) -> Float[Tensor, "n m"]:
        """How likely each column is drawn for a row; rows without a different one are zero.

        Raises:
            BadArgument: If the distances are not those of embeddings of length one.
        """
        exact = (2 * distances).sqrt() if self.squared else distances
        longest = float(exact.nan_to_num(0, 0).max()) if exact.numel() else 0.0
        if longest > 2.001:
            raise BadArgument(
                f"distance_weighted: a distance is {longest:.4g}, and between embeddings of length "
                "one it is at most 2. Set normalize=true, or choose another miner."
            )
        within = exact.clamp(self.cutoff, self.farthest)
        log_density = (self.dim - 2) * within.log()
        log_density = log_density + (self.dim - 3) / 2 * (1 - within.square() / 4).log()
        # Said the other way round, so that distances that are no numbers are drawn, and seen.
        taken = different & ~(exact >= self.farthest)
        weights = (-log_density).nan_to_num().masked_fill(~taken, -torch.inf)
        return torch.where(taken.any(dim=1, keepdim=True), weights, 0).softmax(dim=1) * taken
