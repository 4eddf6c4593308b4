"""From a raw item to the encoder's input."""

from likewise.registry import Family
from likewise.transforms.base import Transform

FAMILY: Family[Transform] = Family(
    "transform",
    __name__,
    {
        "image": "image:ImageTransform",
        "series": "series:SeriesTransform",
        "vector": "vector:VectorTransform",
    },
    context=("state",),
    aliases={"sequence": "series"},
)
