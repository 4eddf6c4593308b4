"""Where enrolled embeddings live."""

from likewise.registry import Family
from likewise.stores.base import Store

FAMILY: Family[Store] = Family(
    "store",
    __name__,
    {"sqlite": "sqlite:Sqlite", "pgvector": "pgvector:Pgvector"},
    context=("pin", "writing"),
)
