"""From a source to the items of each part: splits, decoding, the cache, the catalogue."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.data.assign import LEAST_OF_SHARE, most_shared, pair_counts
    from likewise.data.cache import Decoded, decode_all
    from likewise.data.catalog import SETS, DataSet, File, Place, data_set, places
    from likewise.data.download import Tell, fetch
    from likewise.data.inputs import as_source, source_named, spec_given
    from likewise.data.item import as_item
    from likewise.data.loader import (
        Chunk,
        check_kind,
        decode,
        nothing_decoded,
        out_of_memory,
        reason,
        worked,
    )
    from likewise.data.spec import graded_spec, grading_of, grouped_spec, levelled, source_spec
    from likewise.data.splits import DEFAULT_SHARES, split

__getattr__, __dir__ = lazy_face(__name__, __file__)
