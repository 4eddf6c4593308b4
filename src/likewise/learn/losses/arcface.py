"""The classifier with an angular margin."""

import math
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.errors import BadArgument
from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float, Int
from likewise.types import Target


@final
class ArcFace(Loss):
    """Classifies by the angle to a direction for each class, which must be won by a margin.

    An item costs the cross-entropy of the logits scale * cos(angle to each class), where the angle
    to its own class is made larger by the margin; the loss is the mean over the batch. The
    directions are dropped when embedding. It takes `Labels`.

    Args:
        margin_radians: What is added to the angle of an item's own class.
        scale: How sharply the nearest classes count.
        rate: How many times the learning rate of the network the directions have.
        classes: How many classes there are.
        dim: The length of an embedding.

    Raises:
        BadArgument: If `scale` or `rate` is not a positive number, or the margin is not from 0 to
            pi.

    References:
        Deng, Guo, Xue, Zafeiriou, "ArcFace: Additive Angular Margin Loss for Deep Face
        Recognition", 2019, equation 3. As in the authors' code, where angle and margin pass pi the
        cosine is lowered by margin * sin(margin) instead, so that the cost never falls there.
    """

    by_class = True

    def __init__(
        self,
        margin_radians: float = 0.5,
        scale: float = 64.0,
        rate: float = 1.0,
        *,
        classes: int,
        dim: int,
    ) -> None:
        super().__init__()
        targets.check_positive("arcface", scale=scale, rate=rate)
        if not 0 <= margin_radians < math.pi:
            raise BadArgument(
                f"arcface: margin_radians is {margin_radians}, and 0 to {math.pi:.4g} is expected. "
                "Give it in radians: half of one is 28.6 degrees."
            )
        self.margin_radians = margin_radians
        self.scale = scale
        self.rate = rate
        self.directions = nn.Parameter(torch.empty(classes, dim))
        nn.init.normal_(self.directions)

    def forward(
        self,
        embeddings: Float[Tensor, "n dim"],
        target: Target,
        references: Float[Tensor, "m dim"] | None = None,
        reference_target: Target | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of a batch.

        Raises:
            BadArgument: If the target is no `Labels` of these classes, or there are references.
        """
        rows = targets.rows_of_classes(
            "arcface", embeddings, target, len(self.directions), references, reference_target
        )
        if not len(rows):
            return targets.zero_cost(embeddings)
        cosines = targets.cosines(embeddings, self.directions)
        return functional.cross_entropy(self.scale * self._lowered(cosines, rows), rows)

    def _lowered(
        self, cosines: Float[Tensor, "n classes"], rows: Int[Tensor, "n"]
    ) -> Float[Tensor, "n classes"]:
        """The cosines, that of each item's own class after the margin."""
        own = cosines.gather(1, rows[:, None])
        # The slope of the sine has no end where an item lies on its direction.
        sines = (1 - own.square()).clamp(min=1e-12).sqrt()
        margin = self.margin_radians
        turned = own * math.cos(margin) - sines * math.sin(margin)
        within = own > math.cos(math.pi - margin)
        lowered = torch.where(within, turned, own - margin * math.sin(margin))
        return cosines.scatter(1, rows[:, None], lowered)
