"""The learned comparisons: two embeddings or feature maps in, a logit that they are the same."""

from typing import TYPE_CHECKING

from likewise.registry import Family

if TYPE_CHECKING:
    from likewise.learn.matchers.base import Matcher

FAMILY: "Family[Matcher]" = Family(
    "matcher",
    __name__,
    {
        "weighted_l1": "weighted_l1:WeightedL1",
        "mlp": "mlp:MlpMatcher",
        "relation": "relation:Relation",
        "attention": "attention:Attention",
    },
    context=("dim", "maps"),
)
