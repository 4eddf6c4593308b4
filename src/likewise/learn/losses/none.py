"""No loss of the embeddings."""

from typing import final

from torch import Tensor

from likewise.distances.base import Distance
from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Target


@final
class NoLoss(Loss):
    """Costs nothing, so that the matcher alone teaches the encoder.

    Args:
        distance: Taken as every loss takes it, and not used.

    References:
        Koch, Zemel, Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition", 2015,
        section 3.2: only the cross-entropy of the compared pairs is made small.
    """

    def __init__(self, *, distance: Distance) -> None:
        super().__init__()
        self.distance = distance

    def forward(
        self,
        embeddings: Float[Tensor, "n dim"],
        target: Target,  # noqa: ARG002 - nothing is learned from it
        references: Float[Tensor, "m dim"] | None = None,  # noqa: ARG002 - the same
        reference_target: Target | None = None,  # noqa: ARG002 - the same
    ) -> Float[Tensor, ""]:
        """Zero, with a gradient of zeros."""
        return targets.zero_cost(embeddings)
