"""What a learned comparison costs in training, and what makes it symmetric."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from likewise.errors import BadArgument
from likewise.learn.encoders.base import Encoder
from likewise.learn.losses import targets
from likewise.learn.matchers import FAMILY
from likewise.learn.matchers.base import Matcher
from likewise.shapes import Bool, Float, Int
from likewise.types import Labels, Pairs

# Numbers of feature maps, and of what is computed between them, in memory at once: 256 MB, of
# which each pair takes 32 times its map.
_NUMBERS = 2**26
# How many different pairs of feature maps are compared for each same one; at least so many in all.
_DIFFERENT = 4
_FEWEST = 64


class SymmetricMatcher(nn.Module):
    """A matcher that answers the same when the two are exchanged: the mean of both orders.

    Args:
        matcher: The comparison.
    """

    def __init__(self, matcher: Matcher) -> None:
        super().__init__()
        self.matcher = matcher

    @property
    def uses_feature_maps(self) -> bool:
        """Whether it compares feature maps, and not embeddings."""
        return self.matcher.sizes is not None

    def forward(
        self, first: Float[Tensor, "n ..."], second: Float[Tensor, "n ..."]
    ) -> Float[Tensor, "n"]:
        """The logit that each row of `first` and the same row of `second` are the same."""
        logit: Tensor = (self.matcher(first, second) + self.matcher(second, first)) / 2
        return logit


def matcher_of(spec: str, encoder: Encoder, called: str) -> SymmetricMatcher:
    """The matcher that a spec names, for what an encoder gives.

    Args:
        spec: Of the matcher.
        encoder: What it follows.
        called: The encoder's spec, for errors.

    Raises:
        BadArgument: If it compares feature maps, and the encoder has none.
    """
    if encoder.maps is None and FAMILY.declares(spec, "maps"):
        raise BadArgument(
            f"{spec} compares feature maps, and the encoder {called} gives none. Set an encoder of "
            "images that does (convnet4, resnet, vgg or koch), or matcher=mlp."
        )
    return SymmetricMatcher(FAMILY.build(spec, dim=encoder.dim, maps=encoder.maps))


def matching_cost(
    matcher: SymmetricMatcher, seen: Float[Tensor, "n ..."], target: Labels | Pairs
) -> Float[Tensor, ""]:
    """The binary cross-entropy of a batch's pairs: all distinct ones, or those given.

    Same and different pairs are averaged apart, so that the many different pairs of a batch do not
    drown the few same ones, and the mean of both averages is taken. Where one sort is absent, it is
    the average of the other. A batch without pairs costs zero, with a gradient. It is computed in
    float32 (float64 stays), under autocast too.

    Pairs of feature maps take long. Where classes are given, so many different ones are drawn of
    them as are four times the same ones, anew each time; and those that take more memory are
    compared some at a time, and once more when the gradient comes.

    Args:
        matcher: What compares.
        seen: What it compares of the batch: embeddings, or feature maps.
        target: The classes of its rows, or pairs of its rows that are the same (1) or not (0).

    Raises:
        BadArgument: If the target does not fit the batch, or grades its pairs.
    """
    first, second, same = _pairs(seen, target)
    if matcher.uses_feature_maps and isinstance(target, Labels):
        few = _few(same)
        first, second, same = first[few], second[few], same[few]
    wide = seen if seen.dtype == torch.float64 else seen.float()
    with torch.autocast(seen.device.type, enabled=False):
        logits = _logits(matcher, wide, first, second)
        costs = functional.softplus(torch.where(same, -logits, logits))
        sorts = [costs[mask].mean() for mask in (same, ~same) if bool(mask.any())]
        # The sum of no costs is zero, and has a gradient.
        return torch.stack(sorts).mean() if sorts else costs.sum()


def _few(same: Bool[Tensor, "m"]) -> Int[Tensor, "k"]:
    """All same pairs, and as many different ones as `_DIFFERENT` says, drawn by lot."""
    alike, apart = same.nonzero()[:, 0], (~same).nonzero()[:, 0]
    most = max(_DIFFERENT * len(alike), _FEWEST)
    lots = torch.randperm(len(apart), device=apart.device)
    return torch.cat([alike, apart[lots[:most]]])


def _logits(
    matcher: SymmetricMatcher,
    seen: Float[Tensor, "n ..."],
    first: Int[Tensor, "m"],
    second: Int[Tensor, "m"],
) -> Float[Tensor, "m"]:
    def compare(rows: Tensor, others: Tensor) -> Tensor:
        logit: Tensor = matcher(seen[rows], seen[others])
        return logit

    step = max(1, _NUMBERS // (32 * math.prod(seen.shape[1:])))
    if not matcher.uses_feature_maps or len(first) <= step:
        return compare(first, second)
    parts = (slice(at, at + step) for at in range(0, len(first), step))
    return torch.cat(
        [checkpoint(compare, first[part], second[part], use_reentrant=False) for part in parts]
    )


def _pairs(
    seen: Float[Tensor, "n ..."], target: Labels | Pairs
) -> tuple[Int[Tensor, "m"], Int[Tensor, "m"], Bool[Tensor, "m"]]:
    """The rows of the pairs, and whether each is the same."""
    rows = seen.flatten(1)
    if isinstance(target, Pairs):
        pairs = targets.binary("matching", rows, target)
        return pairs.first, pairs.second, pairs.same
    same, _ = targets.same_and_different("matching", rows, target, None, None)
    count = len(seen)
    first, second = torch.triu_indices(count, count, offset=1, device=seen.device)
    return first, second, same[first, second]
