"""The losses of pytorch-metric-learning."""

from typing import Any, final

from torch import Tensor

from likewise.errors import BadArgument
from likewise.learn.losses import targets
from likewise.learn.losses.base import Loss
from likewise.learn.ops.pml_adapter import build_pml, needed, pml_names
from likewise.registry import unknown
from likewise.shapes import Float
from likewise.types import Target


@final
class PmlLoss(Loss):
    """Costs what a loss of pytorch-metric-learning costs, by its name there.

    It compares by that loss's own distance, whatever distance compares the embeddings afterwards.
    Where the loss has a row for each class, their number and the length of an embedding are filled
    in. It takes `Labels`.

    Args:
        name: Of its class, `TripletMarginLoss` say.
        options: Its arguments by name, those that are numbers, words or lists.
        rate: How many times the learning rate of the network its own parameters have.
        classes: How many classes there are.
        dim: The length of an embedding.

    Raises:
        MissingExtra: If pytorch-metric-learning is not installed.
        UnknownName: If it has no such loss, or the loss no such option.
        BadArgument: If an option is refused, or `rate` is not a positive number.

    References:
        Musgrave, Belongie, Lim, "PyTorch Metric Learning", 2020.
    """

    def __init__(
        self,
        name: str,
        options: dict[str, Any] | None = None,
        rate: float = 1.0,
        *,
        classes: int,
        dim: int,
    ) -> None:
        super().__init__()
        targets.check_positive("pml", rate=rate)
        names = pml_names("losses")
        if name not in names:
            raise unknown("pytorch-metric-learning has no loss", name, names)
        asked = needed("losses", name)
        known = {"num_classes": classes, "embedding_size": dim, "descriptors_dim": dim}
        filled = {key: value for key, value in known.items() if key in asked}
        self.rate = rate
        self.name = name
        self.by_class = "num_classes" in filled
        self.classes = classes
        self.loss = build_pml("losses", name, options or {}, filled)

    def forward(
        self,
        embeddings: Float[Tensor, "n dim"],
        target: Target,
        references: Float[Tensor, "m dim"] | None = None,
        reference_target: Target | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of a batch.

        Raises:
            BadArgument: If the target is not `Labels` or does not fit, or the loss takes no
                references and there are some.
        """
        if self.by_class:
            labels = targets.rows_of_classes(
                f"pml({self.name!r})",
                embeddings,
                target,
                self.classes,
                references,
                reference_target,
            )
        else:
            # Only to refuse what does not fit; the loss makes masks of its own.
            targets.same_and_different(
                f"pml({self.name!r})", embeddings, target, references, reference_target
            )
            labels = targets.labels_of("pml", "target", target, embeddings)
        more: dict[str, Tensor] = {}
        if references is not None and references is not embeddings and reference_target is not None:
            others = targets.labels_of("pml", "reference_target", reference_target, references)
            more = {"ref_emb": references, "ref_labels": others}
        if not len(embeddings) or (more and not len(more["ref_emb"])):
            return targets.zero_cost(embeddings)
        try:
            cost: Tensor = self.loss(embeddings, labels, **more)
        except (ValueError, TypeError, IndexError) as error:
            raise BadArgument(
                f"pml: {self.name} cannot learn from this batch: {error}. Choose another loss."
            ) from error
        return cost.reshape(())
