"""The abstract class of the losses."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from likewise.shapes import Float
from likewise.types import Target


class Loss(nn.Module, ABC):
    """What training makes small.

    A batch with nothing to learn from costs zero, with a gradient, never NaN. The distance comes
    from the house as `distance`.
    """

    @abstractmethod
    def forward(
        self,
        embeddings: Float[Tensor, "n dim"],
        target: Target,
        references: Float[Tensor, "m dim"] | None = None,
        reference_target: Target | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of a batch.

        Args:
            embeddings: Of the batch.
            target: Which of its rows are the same: `Labels`, or whatever the loss says it takes.
            references: What to compare with instead of the batch itself: a memory, or the other
                tower.
            reference_target: The `Labels` of the references.

        Raises:
            BadArgument: If the loss cannot learn from this kind of target.
        """
