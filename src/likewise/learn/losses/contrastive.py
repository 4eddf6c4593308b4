"""The contrastive loss of pairs."""

from typing import final

from torch import Tensor

from likewise.distances.base import Distance
from likewise.learn import miners
from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Pairs, Target


@final
class Contrastive(Loss):
    """Pulls same pairs together, and pushes different pairs apart until a margin.

    A same pair at distance d costs d^2 / 2, a different pair max(0, margin - d)^2 / 2. It takes
    `Labels`, from whose pairs the miner chooses, or binary `Pairs`, which are all taken as given.

    Args:
        margin: The distance from which on a different pair costs nothing.
        miner: Which pairs are taken, a spec of a miner.
        balanced: Whether same and different pairs are averaged apart, and the averages added.
            Otherwise all are averaged together.
        distance: How far apart two embeddings are.
        dim: The length of an embedding, where the miner must know it.

    Raises:
        BadArgument: If the margin is not a positive number.

    References:
        Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006,
        equation 4. Departures: an average instead of a sum, and by default one for each sort of
        pair, so that the many different pairs of a batch do not drown the few same ones.
    """

    def __init__(
        self,
        margin: float = 1.0,
        miner: str = "all",
        balanced: bool = True,
        *,
        distance: Distance,
        dim: int | None = None,
    ) -> None:
        super().__init__()
        targets.check_positive("contrastive", margin=margin)
        self.margin = margin
        self.miner = miners.FAMILY.build(miner, distance=distance, dim=dim)
        self.balanced = balanced
        self.distance = distance

    def forward(
        self,
        embeddings: Float[Tensor, "n dim"],
        target: Target,
        references: Float[Tensor, "m dim"] | None = None,
        reference_target: Target | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of a batch.

        Raises:
            BadArgument: If the target is neither `Labels` nor binary `Pairs`, or does not fit.
        """
        if isinstance(target, Pairs):
            targets.no_references("contrastive", "Pairs", references, reference_target)
            pairs = targets.binary("contrastive", embeddings, target)
            distances = self.distance.rows(embeddings[pairs.first], embeddings[pairs.second])
        else:
            same, different = targets.same_and_different(
                "contrastive", embeddings, target, references, reference_target
            )
            matrix = targets.distances_to(self.distance, embeddings, references)
            pairs = self.miner.pairs(matrix.detach(), same, different)
            distances = targets.picked(matrix, pairs.first, pairs.second)
        if not len(distances):
            return targets.zero_cost(embeddings)
        near: Tensor = (distances.square() / 2 * pairs.same).sum()
        far: Tensor = ((self.margin - distances).relu().square() / 2 * ~pairs.same).sum()
        if not self.balanced:
            return (near + far) / len(distances)
        count: Tensor = pairs.same.sum()
        return near / count.clamp(min=1) + far / (len(distances) - count).clamp(min=1)
