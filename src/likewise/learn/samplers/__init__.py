"""Which items come together in a batch."""

from typing import TYPE_CHECKING

from likewise.registry import Family

if TYPE_CHECKING:
    from likewise.learn.samplers.base import Sampler

FAMILY: "Family[Sampler]" = Family(
    "sampler",
    __name__,
    {
        "classes_by_items": "classes_by_items:ClassesByItems",
        "hard_classes": "hard_classes:HardClasses",
        "balanced_pairs": "balanced_pairs:BalancedPairs",
        "source_pairs": "source_pairs:SourcePairs",
        "genuine_forged": "genuine_forged:GenuineForged",
        "two_views": "two_views:TwoViews",
    },
    aliases={"classes_by_items.fewer": "allow_fewer"},
)
