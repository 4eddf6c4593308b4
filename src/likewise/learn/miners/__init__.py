"""Which pairs and triplets of a batch are worth learning from."""

from typing import TYPE_CHECKING

from likewise.registry import Family

if TYPE_CHECKING:
    from likewise.learn.miners.base import Miner

FAMILY: "Family[Miner]" = Family(
    "miner",
    __name__,
    {
        "all": "all:All",
        "hard": "hard:Hard",
        "semi_hard": "semi_hard:SemiHard",
        "distance_weighted": "distance_weighted:DistanceWeighted",
        "pml": "pml:PmlMiner",
    },
    context=("distance", "dim"),
    aliases={"every": "all"},
)
