"""Which pairs are measured: all of them, those listed, or genuine items and forgeries."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.pairs.all_pairs import AllPairs, PairSet
    from likewise.pairs.choose import choose_pairs
    from likewise.pairs.forgeries import RANDOM, SKILLED, ForgeryPairs
    from likewise.pairs.listed_pairs import ListedPairs, pair_distances

__getattr__, __dir__ = lazy_face(__name__, __file__)
