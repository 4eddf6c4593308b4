"""Embeddings and comparisons that somebody else made: what needs no model to be measured."""

from likewise.given.embeddings import GivenEmbeddings
from likewise.given.pairs import GivenComparisons
from likewise.given.protocol import Given

__all__ = ["Given", "GivenComparisons", "GivenEmbeddings"]
