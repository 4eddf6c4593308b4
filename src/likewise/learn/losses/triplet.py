"""The triplet loss."""

from typing import final

from torch import Tensor
from torch.nn import functional

from likewise.distances.base import Distance
from likewise.learn import miners
from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Target, Triplets


@final
class Triplet(Loss):
    """Asks that an anchor is nearer to its same one than to a different one, by a margin.

    A triplet costs max(0, d_same - d_different + margin), averaged over those that cost anything.
    Soft, it costs log(1 + exp(d_same - d_different)), averaged over all, and the margin serves the
    miner alone. It takes `Labels`, from whose triplets the miner chooses, or `Triplets`, which are
    all taken as given.

    Args:
        margin: How much farther the different one should be, in units of the distance.
        miner: Which triplets are taken, a spec of a miner.
        soft: Whether to keep pushing, ever less, beyond any margin.
        distance: How far apart two embeddings are.
        dim: The length of an embedding, where the miner must know it.

    Raises:
        BadArgument: If the margin is not a positive number.

    References:
        Schroff, Kalenichenko, Philbin, "FaceNet: A Unified Embedding for Face Recognition and
        Clustering", 2015, equation 3. Departures: the distance itself is compared, not its square,
        and an average over the triplets that cost anything stands for the sum, so that the few
        left late in training still move the network.
        Soft: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification",
        2017, section 2 ("soft-margin").
    """

    def __init__(
        self,
        margin: float = 0.2,
        miner: str = "semi_hard",
        soft: bool = False,
        *,
        distance: Distance,
        dim: int | None = None,
    ) -> None:
        super().__init__()
        targets.check_positive("triplet", margin=margin)
        self.margin = margin
        self.miner = miners.FAMILY.build(miner, distance=distance, dim=dim)
        self.soft = soft
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
            BadArgument: If the target is neither `Labels` nor `Triplets`, or does not fit.
        """
        if isinstance(target, Triplets):
            targets.no_references("triplet", "Triplets", references, reference_target)
            anchor, positive, negative = targets.indices(
                "triplet", embeddings, target.anchor, target.positive, target.negative
            )
            to_same = self.distance.rows(embeddings[anchor], embeddings[positive])
            to_different = self.distance.rows(embeddings[anchor], embeddings[negative])
        else:
            same, different = targets.same_and_different(
                "triplet", embeddings, target, references, reference_target
            )
            matrix = targets.distances_to(self.distance, embeddings, references)
            mined = self.miner.triplets(matrix.detach(), same, different, self.margin)
            to_same = targets.picked(matrix, mined.anchor, mined.positive)
            to_different = targets.picked(matrix, mined.anchor, mined.negative)
        if not len(to_same):
            return targets.zero_cost(embeddings)
        if self.soft:
            return functional.softplus(to_same - to_different).mean()
        costs: Tensor = (to_same - to_different + self.margin).relu()
        return costs.sum() / (costs > 0).sum().clamp(min=1)
