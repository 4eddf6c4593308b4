"""The loss of a proxy for each class."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Target


@final
class ProxyAnchor(Loss):
    """Pulls each class's proxy and its items together, the hardest items of a proxy most.

    A proxy costs log(1 + sum over its items of exp(-alpha * (cos - delta))), averaged over the
    proxies that have an item in the batch, and log(1 + sum over all others' items of
    exp(alpha * (cos + delta))), averaged over all proxies. The proxies are dropped when embedding.
    It takes `Labels`.

    Args:
        delta: By how much of the cosine a proxy's own items and the others are kept apart.
        alpha: How sharply the hardest items count.
        rate: How many times the learning rate of the network the proxies have.
        classes: How many classes there are.
        dim: The length of an embedding.

    Raises:
        BadArgument: If `alpha` or `rate` is not a positive number, or `delta` not finite.

    References:
        Kim, Kim, Cho, Kwak, "Proxy Anchor Loss for Deep Metric Learning", 2020, equation 4, with
        alpha, delta and the hundredfold learning rate of the proxies of section 4.2.
    """

    by_class = True

    def __init__(
        self,
        delta: float = 0.1,
        alpha: float = 32.0,
        rate: float = 100.0,
        *,
        classes: int,
        dim: int,
    ) -> None:
        super().__init__()
        targets.check_positive("proxy_anchor", alpha=alpha, rate=rate)
        targets.check_finite("proxy_anchor", delta=delta)
        self.delta = delta
        self.alpha = alpha
        self.rate = rate
        self.proxies = nn.Parameter(torch.empty(classes, dim))
        nn.init.kaiming_normal_(self.proxies, mode="fan_out")

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
            "proxy_anchor", embeddings, target, len(self.proxies), references, reference_target
        )
        if not len(rows):
            return targets.zero_cost(embeddings)
        cosines = targets.cosines(self.proxies, embeddings)
        own = functional.one_hot(rows, len(self.proxies)).T.bool()
        near = targets.softplus_of_sums(-self.alpha * (cosines - self.delta), own)
        far = targets.softplus_of_sums(self.alpha * (cosines + self.delta), ~own)
        return near.sum() / own.any(dim=1).sum() + far.mean()
