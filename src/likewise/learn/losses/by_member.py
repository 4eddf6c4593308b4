"""A loss for each member of an ensemble."""

import math
from typing import final

import torch
from torch import Tensor, nn

from likewise.distances.base import Distance
from likewise.errors import BadArgument
from likewise.learn.losses import FAMILY
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Target


@final
class ByMember(Loss):
    """Costs the mean of another loss over equal parts of the embedding, each taken alone.

    For the encoder `ensemble`, whose members then learn as if each were alone, so that they go
    wrong in different places. A part is stretched by the square root of their number: then it is as
    long as the whole, where all count alike, and margins mean what they mean without members. It
    takes what the other loss takes.

    Args:
        of: The spec of the other loss.
        members: How many parts there are, as many as the ensemble has members.
        distance: What compares the embeddings afterwards.
        classes: How many classes there are.
        dim: The length of an embedding.

    Raises:
        BadArgument: If `members` is below 2 or does not divide the embedding, or `of` is this loss.

    References:
        Lakshminarayanan, Pritzel, Blundell, "Simple and Scalable Predictive Uncertainty Estimation
        using Deep Ensembles", 2017, section 2.4: members are trained independently.
    """

    def __init__(
        self, of: str = "supcon", members: int = 2, *, distance: Distance, classes: int, dim: int
    ) -> None:
        super().__init__()
        if members < 2 or dim % members:
            raise BadArgument(
                f"by_member: members is {members}, and the embedding has {dim} numbers. Give as "
                "many members as encoder=ensemble(of=..., members=...) has."
            )
        if FAMILY.type_of(of) is ByMember:
            raise BadArgument(
                "by_member: of is by_member itself. Name the loss of each member, and more members."
            )
        losses = [
            FAMILY.build(of, distance=distance, classes=classes, dim=dim // members)
            for _ in range(members)
        ]
        self.by_class = losses[0].by_class
        self.rate = losses[0].rate
        self.parts = members
        self.losses = nn.ModuleList(losses)

    def forward(
        self,
        embeddings: Float[Tensor, "n dim"],
        target: Target,
        references: Float[Tensor, "m dim"] | None = None,
        reference_target: Target | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of a batch.

        Raises:
            BadArgument: If the other loss cannot learn from this kind of target.
        """
        parts = self._parts(embeddings)
        others: tuple[Tensor | None, ...] = (None,) * len(parts)
        if references is not None:
            # A loss knows by the tensor itself that a batch is compared with itself.
            others = parts if references is embeddings else self._parts(references)
        costs = [
            loss(part, target, other, reference_target)
            for loss, part, other in zip(self.losses, parts, others, strict=True)
        ]
        return torch.stack(costs).mean()

    def _parts(self, rows: Float[Tensor, "n dim"]) -> tuple[Tensor, ...]:
        # Stretched in float32 at least: a root is none in half precision.
        wide = rows.to(torch.promote_types(rows.dtype, torch.float32))
        return (math.sqrt(len(self.losses)) * wide).chunk(len(self.losses), dim=1)
