"""The multi-similarity loss."""

from typing import final

import torch
from torch import Tensor

from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Bool, Float
from likewise.types import Target


@final
class MultiSimilarity(Loss):
    """Weighs each pair by its own cosine and by how it stands among the other pairs of its row.

    Of a row's pairs those are taken that overlap: a same one whose cosine is less than epsilon
    above the largest of a different one, and a different one whose cosine is less than epsilon
    below the smallest of a same one. A row costs log(1 + sum over its same ones of
    exp(-alpha * (cos - base))) / alpha + log(1 + sum over its different ones of
    exp(beta * (cos - base))) / beta, and the loss is the mean over all rows. It takes `Labels`.

    Args:
        alpha: How sharply the far ones among the same count.
        beta: How sharply the near ones among the different count.
        base: The cosine about which pairs are weighed.
        epsilon: By how much of the cosine pairs may overlap to be taken; None takes all.

    Raises:
        BadArgument: If `alpha` or `beta` is not a positive number, or another is not finite.

    References:
        Wang, Han, Huang, Dong, Scott, "Multi-Similarity Loss with General Pair Weighting for Deep
        Metric Learning", 2019, section 4: the inequalities of "pair mining" and the loss of "pair
        weighting". Departure: a base of 0.5, as in the authors' code, where the paper has 1.
    """

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        epsilon: float | None = 0.1,
    ) -> None:
        super().__init__()
        targets.check_positive("multi_similarity", alpha=alpha, beta=beta)
        targets.check_finite("multi_similarity", base=base, epsilon=epsilon or 0.0)
        self.alpha = alpha
        self.beta = beta
        self.base = base
        self.epsilon = epsilon

    def forward(
        self,
        embeddings: Float[Tensor, "n dim"],
        target: Target,
        references: Float[Tensor, "m dim"] | None = None,
        reference_target: Target | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of a batch.

        Raises:
            BadArgument: If the target is not `Labels`, or does not fit.
        """
        same, different = targets.same_and_different(
            "multi_similarity", embeddings, target, references, reference_target
        )
        if not same.numel():
            return targets.zero_cost(embeddings)
        cosines = targets.cosines(embeddings, embeddings if references is None else references)
        if self.epsilon is not None:
            same, different = _overlapping(cosines.detach(), same, different, self.epsilon)
        near = targets.softplus_of_sums(-self.alpha * (cosines - self.base), same)
        far = targets.softplus_of_sums(self.beta * (cosines - self.base), different)
        return (near / self.alpha + far / self.beta).mean()


def _overlapping(
    cosines: Float[Tensor, "n m"],
    same: Bool[Tensor, "n m"],
    different: Bool[Tensor, "n m"],
    epsilon: float,
) -> tuple[Bool[Tensor, "n m"], Bool[Tensor, "n m"]]:
    """The same and the different pairs that are not farther apart than epsilon in their row."""
    nearest = cosines.masked_fill(~different, -torch.inf).amax(dim=1, keepdim=True)
    farthest = cosines.masked_fill(~same, torch.inf).amin(dim=1, keepdim=True)
    # Said the other way round, so that cosines that are no numbers are taken, and seen.
    return same & ~(cosines - epsilon >= nearest), different & ~(cosines + epsilon <= farthest)
