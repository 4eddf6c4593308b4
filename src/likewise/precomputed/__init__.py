"""Embeddings and comparisons that somebody else made: what needs no model to be measured."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.precomputed.columns import Columns
    from likewise.precomputed.embeddings import PrecomputedEmbeddings
    from likewise.precomputed.files import is_precomputed, read_precomputed, read_raw
    from likewise.precomputed.folds import FOLDS, deal, is_stratified
    from likewise.precomputed.pairs import SIMILARITY_TODO, PrecomputedComparisons
    from likewise.precomputed.protocol import LARGEST, Precomputed
    from likewise.precomputed.raw import RawComparisons, RawEmbeddings
    from likewise.precomputed.scores import ROUNDING, distances_by, rounded, top_of

__getattr__, __dir__ = lazy_face(__name__, __file__)
