"""Embeddings and comparisons that somebody else made: what needs no model to be measured."""

from likewise.precomputed.embeddings import GivenEmbeddings
from likewise.precomputed.pairs import GivenComparisons
from likewise.precomputed.protocol import Given

__all__ = ["Given", "GivenComparisons", "GivenEmbeddings"]
