"""What a learned comparison costs in training, and what makes it symmetric."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from likewise.learn.losses import targets
from likewise.learn.matchers.base import Matcher
from likewise.shapes import Bool, Float, Int
from likewise.types import Labels, Pairs


class SymmetricMatcher(nn.Module):
    """A matcher that answers the same when the two are exchanged: the mean of both orders.

    Args:
        matcher: The comparison.
    """

    def __init__(self, matcher: Matcher) -> None:
        super().__init__()
        self.matcher = matcher

    def forward(
        self, first: Float[Tensor, "n dim"], second: Float[Tensor, "n dim"]
    ) -> Float[Tensor, "n"]:
        """The logit that each row of `first` and the same row of `second` are the same."""
        logit: Tensor = (self.matcher(first, second) + self.matcher(second, first)) / 2
        return logit


def matching_cost(
    matcher: SymmetricMatcher, embeddings: Float[Tensor, "n dim"], target: Labels | Pairs
) -> Float[Tensor, ""]:
    """The binary cross-entropy of a batch's pairs: all distinct ones, or those given.

    Same and different pairs are averaged apart, so that the many different pairs of a batch do not
    drown the few same ones, and the mean of both averages is taken. Where one sort is absent, it is
    the average of the other. A batch without pairs costs zero, with a gradient. It is computed in
    float32 (float64 stays), under autocast too.

    Args:
        matcher: What compares.
        embeddings: Of the batch.
        target: The classes of its rows, or pairs of its rows that are the same (1) or not (0).

    Raises:
        BadArgument: If the target does not fit the batch, or grades its pairs.
    """
    first, second, same = _pairs(embeddings, target)
    wide = embeddings if embeddings.dtype == torch.float64 else embeddings.float()
    with torch.autocast(embeddings.device.type, enabled=False):
        logits = matcher(wide[first], wide[second])
        costs = functional.softplus(torch.where(same, -logits, logits))
        sorts = [costs[mask].mean() for mask in (same, ~same) if bool(mask.any())]
        # The sum of no costs is zero, and has a gradient.
        return torch.stack(sorts).mean() if sorts else costs.sum()


def _pairs(
    embeddings: Float[Tensor, "n dim"], target: Labels | Pairs
) -> tuple[Int[Tensor, "m"], Int[Tensor, "m"], Bool[Tensor, "m"]]:
    """The rows of the pairs, and whether each is the same."""
    if isinstance(target, Pairs):
        pairs = targets.binary("matching", embeddings, target)
        return pairs.first, pairs.second, pairs.same
    same, _ = targets.same_and_different("matching", embeddings, target, None, None)
    count = len(embeddings)
    first, second = torch.triu_indices(count, count, offset=1, device=embeddings.device)
    return first, second, same[first, second]
