"""The loss of two views of each item."""

from typing import final

from torch import Tensor

from likewise.distances.base import Distance
from likewise.errors import BadArgument
from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Bool, Float
from likewise.types import Target


@final
class NTXent(Loss):
    """Asks that each row picks the other view of its item out of all others, by their angle.

    A row i whose other view is j costs -log(exp(cos_ij / t) / sum over all others k of
    exp(cos_ik / t)), and the loss is the mean over the rows. It takes `Labels` in which every class
    has exactly two rows: the two views. No label of the data is needed.

    Args:
        temperature: How sharply the nearest count (t above), in units of the cosine.
        distance: Taken as every loss takes it, and not used: the loss is one of angles, whatever
            distance compares the embeddings afterwards.

    Raises:
        BadArgument: If the temperature is not a positive number.

    References:
        Chen, Kornblith, Norouzi, Hinton, "A Simple Framework for Contrastive Learning of Visual
        Representations", 2020, equation 1. Departure: where there are references, a row's other
        view is among them, and so are all that it is compared with.
    """

    def __init__(self, temperature: float = 0.5, *, distance: Distance) -> None:
        super().__init__()
        targets.check_positive("nt_xent", temperature=temperature)
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
            BadArgument: If the target is not `Labels` of two views each, or does not fit.
        """
        same, different = targets.same_and_different(
            "nt_xent", embeddings, target, references, reference_target
        )
        _check_views(same)
        if not len(embeddings):
            return targets.zero_cost(embeddings)
        logits = targets.log_odds_by_angle(
            embeddings, references, same | different, self.temperature
        )
        return (logits.logsumexp(dim=1) - logits[same]).mean()


def _check_views(same: Bool[Tensor, "n m"]) -> None:
    """Refuse a row that has not exactly one other view."""
    views = same.sum(dim=1)
    wrong = (views != 1).nonzero()
    if len(wrong):
        row = int(wrong[0])
        raise BadArgument(
            f"nt_xent takes two views of each item, and row {row} has {int(views[row])} others of "
            "its class. Set sampler=two_views, or choose loss=supcon for classes of any size."
        )
