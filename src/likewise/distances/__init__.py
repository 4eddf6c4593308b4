"""How far apart two embeddings are."""

from likewise.distances.base import Distance
from likewise.registry import Family

FAMILY: Family[Distance] = Family(
    "distance",
    __name__,
    {
        "euclidean": "euclidean:Euclidean",
        "manhattan": "manhattan:Manhattan",
        "cosine": "cosine:Cosine",
    },
)
