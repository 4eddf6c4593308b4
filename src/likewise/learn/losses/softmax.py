"""The loss of a plain classifier."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Target


@final
class Softmax(Loss):
    """Classifies the training classes by a linear layer, which is dropped when embedding.

    An item of class c costs -log(exp(logit_c) / sum over all classes k of exp(logit_k)), and the
    loss is the mean over the batch. It takes `Labels`. For the plain classifier of textbooks set
    normalize=false, so that embeddings may have any length.

    Args:
        rate: How many times the learning rate of the network the layer has.
        classes: How many classes there are.
        dim: The length of an embedding.

    Raises:
        BadArgument: If `rate` is not a positive number.

    References:
        Zhai, Wu, "Classification is a Strong Baseline for Deep Metric Learning", 2019,
        section 3. Departure: the layer is neither normalised nor sharpened, and has a bias.
    """

    by_class = True

    def __init__(self, rate: float = 1.0, *, classes: int, dim: int) -> None:
        super().__init__()
        targets.check_positive("softmax", rate=rate)
        self.rate = rate
        self.head = nn.Linear(dim, classes)

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
            "softmax",
            embeddings,
            target,
            self.head.out_features,
            references,
            reference_target,
        )
        if not len(rows):
            return targets.zero_cost(embeddings)
        with torch.autocast(embeddings.device.type, enabled=False):
            logits = self.head(embeddings.to(self.head.weight.dtype))
        return functional.cross_entropy(logits, rows)
