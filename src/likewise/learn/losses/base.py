"""The abstract class of the losses."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from likewise.shapes import Float
from likewise.types import Target


class Loss(nn.Module, ABC):
    """What training makes small.

    A batch with nothing to learn from costs zero, with a gradient, never NaN. The house fills in
    what a constructor declares of `distance` (what compares the embeddings afterwards), `classes`
    (how many the training items have, those made by augmentations among them, numbered from 0) and
    `dim` (the length of an embedding).

    A loss may have parameters of its own, as a row for each class: they are trained with the
    network, kept in checkpoints and in the model's `weights.safetensors`, and never exported.

    Attributes:
        by_class: Whether it holds something for each class, so that its target must be the classes
            of the training items, and what it compares with is never a memory.
        rate: How many times the learning rate of the network its own parameters have.
        parts: Of how many equal parts of an embedding each is learned alone.

    Example:
        >>> import torch
        >>> from likewise.distances import FAMILY as DISTANCES
        >>> from likewise.learn.losses import FAMILY
        >>> from likewise.types import Labels
        >>> loss = FAMILY.build("triplet", distance=DISTANCES.build("euclidean"))
        >>> apart = torch.tensor([[0.0], [0.0], [9.0], [9.0]])
        >>> float(loss(apart, Labels(torch.tensor([0, 0, 1, 1]))))
        0.0
    """

    by_class: bool = False
    rate: float = 1.0
    parts: int = 1

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
