"""The circle loss."""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional

from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Target


@final
class Circle(Loss):
    """Pulls each pair the harder the farther its cosine is from where it should be.

    A row that has same and different ones costs log(1 + sum over its same ones of
    exp(-scale * a * (cos - 1 + m)) * sum over its different ones of exp(scale * b * (cos - m))),
    with a = max(0, 1 + m - cos) and b = max(0, cos + m), through which no gradient flows; the loss
    is the mean over these rows. It takes `Labels`.

    Args:
        relaxation: How far from perfect a cosine may be (m above).
        scale: How sharply the worst pairs count (gamma in the paper).

    Raises:
        BadArgument: If `scale` is not a positive number, or `relaxation` not finite.

    References:
        Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", 2020,
        equations 4 to 6, with the m and gamma of section 4.1 for fine-grained retrieval (for faces:
        0.25 and 256). Departure: the mean over the rows as anchors, where the paper writes one
        anchor.
    """

    def __init__(self, relaxation: float = 0.4, scale: float = 80.0) -> None:
        super().__init__()
        targets.check_positive("circle", scale=scale)
        targets.check_finite("circle", relaxation=relaxation)
        self.relaxation = relaxation
        self.scale = scale

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
            "circle", embeddings, target, references, reference_target
        )
        anchors = same.any(dim=1) & different.any(dim=1)
        if not bool(anchors.any()):
            return targets.zero_cost(embeddings)
        others = embeddings if references is None else references
        cosines = targets.cosines(embeddings[anchors], others)
        weighed, margin = cosines.detach(), self.relaxation
        near = -self.scale * (1 + margin - weighed).relu() * (cosines - 1 + margin)
        far = self.scale * (weighed + margin).relu() * (cosines - margin)
        near = near.masked_fill(~same[anchors], -torch.inf).logsumexp(dim=1)
        far = far.masked_fill(~different[anchors], -torch.inf).logsumexp(dim=1)
        return functional.softplus(near + far).mean()
