"""What is there twice: found, put into groups, counted by chance, and looked at."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.duplicates.copies import Copies
    from likewise.duplicates.embedders import Maker, embedding, hashing, overlaying
    from likewise.duplicates.groups import GROUPINGS, grouped
    from likewise.duplicates.overlay import overlaid
    from likewise.duplicates.pair_search import NearPairs, pairs_within
    from likewise.duplicates.result import Duplicates, Threshold, check_table_path, write_pairs
    from likewise.duplicates.review import (
        ReviewedPrecision,
        check_sample,
        read_sample,
        write_sample,
    )
    from likewise.duplicates.scan import ScannedItems, scan_items
    from likewise.duplicates.threshold import ThresholdRequest, calibration_of, threshold_of

__getattr__, __dir__ = lazy_face(__name__, __file__)
