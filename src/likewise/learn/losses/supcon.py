"""The supervised contrastive loss."""

from typing import final

from torch import Tensor

from likewise.distances.base import Distance
from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Target


@final
class SupCon(Loss):
    """Asks that each row picks its same ones out of all others, by the cosine of their angle.

    A row costs the mean over its same ones p of -log(exp(cos_p / t) / sum over all others a of
    exp(cos_a / t)), and the loss is the mean over the rows that have a same one. It takes `Labels`.

    Args:
        temperature: How sharply the nearest count (t above), in units of the cosine.
        distance: Taken as every loss takes it, and not used: the loss is one of angles, whatever
            distance compares the embeddings afterwards.

    Raises:
        BadArgument: If the temperature is not a positive number.

    References:
        Khosla et al., "Supervised Contrastive Learning", 2020, equation 2 (L_out). Departures: the
        mean over rows instead of the sum, rows without a same one are left out, and there is no
        second temperature before the sum, as the authors' code has one.
    """

    def __init__(self, temperature: float = 0.1, *, distance: Distance) -> None:
        super().__init__()
        targets.check_positive("supcon", temperature=temperature)
        self.temperature = temperature
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
            BadArgument: If the target is not `Labels`, or does not fit.
        """
        same, different = targets.same_and_different(
            "supcon", embeddings, target, references, reference_target
        )
        anchors = same.any(dim=1)
        if not bool(anchors.any()):
            return targets.zero_cost(embeddings)
        logits = targets.log_odds_by_angle(
            embeddings, references, same | different, self.temperature
        )[anchors]
        same = same[anchors]
        chosen = logits.masked_fill(~same, 0).sum(dim=1) / same.sum(dim=1)
        return (logits.logsumexp(dim=1) - chosen).mean()
