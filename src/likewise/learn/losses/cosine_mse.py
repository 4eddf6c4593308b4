"""The loss of grades as cosines."""

from typing import final

from torch import Tensor

from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.shapes import Float
from likewise.types import Target


@final
class CosineMSE(Loss):
    """Asks that the cosine of each pair is its grade.

    A pair costs the square of its cosine less its grade, and the loss is the mean over the pairs.
    It takes `Pairs` whose `same` is a grade from 0 to 1, or 0 and 1.

    References:
        Reimers, Gurevych, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", 2019,
        section 3, the regression objective.
    """

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
            "cosine_mse", embeddings, target, references, reference_target
        )
        if not len(grades):
            return targets.zero_cost(embeddings)
        return (cosines - grades).square().mean()
