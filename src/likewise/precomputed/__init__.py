"""Embeddings and comparisons that somebody else made: what needs no model to be measured."""

from likewise.precomputed.embeddings import PrecomputedEmbeddings
from likewise.precomputed.pairs import PrecomputedComparisons
from likewise.precomputed.protocol import Precomputed

__all__ = ["Precomputed", "PrecomputedComparisons", "PrecomputedEmbeddings"]
