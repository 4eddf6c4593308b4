"""Where enrolled embeddings live."""

from likewise.registry import Family
from likewise.stores.base import Store

FAMILY: Family[Store] = Family(
    "store",
    __name__,
    {"sqlite": "sqlite.store:Sqlite", "pgvector": "postgres.store:Pgvector"},
    context=("pin", "writing"),
)
