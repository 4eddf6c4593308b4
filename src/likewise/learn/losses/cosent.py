"""The loss of the order of grades."""

from typing import final

from torch import Tensor

from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Target


@final
class CoSENT(Loss):
    """Asks that of two pairs the one with the higher grade has the higher cosine.

    The cost is log(1 + sum over all two pairs i, j of which i has the higher grade of
    exp(scale * (cos_j - cos_i))). It takes `Pairs` whose `same` is a grade from 0 to 1, of which
    the order alone counts, or 0 and 1. A batch of m pairs takes memory for m * m numbers.

    Args:
        scale: How sharply the worst order counts.

    Raises:
        BadArgument: If the scale is not a positive number.

    References:
        Huang et al., "CoSENT: Consistent Sentence Embedding via Similarity Ranking", 2024, which
        prints what Su published in 2022 without a journal: the equation of its loss, with its scale
        of 20.
    """

    def __init__(self, scale: float = 20.0) -> None:
        super().__init__()
        targets.check_positive("cosent", scale=scale)
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
            BadArgument: If the target is no `Pairs` with grades, or there are references.
        """
        cosines, grades = targets.graded_cost(
            "cosent", embeddings, target, references, reference_target
        )
        if not len(grades):
            return targets.zero_cost(embeddings)
        gaps = self.scale * (cosines[None, :] - cosines[:, None])
        higher = grades[:, None] > grades[None, :]
        return targets.softplus_of_sums(gaps.reshape(1, -1), higher.reshape(1, -1))[0]
