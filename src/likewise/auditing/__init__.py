"""What is wrong with the data, found before anything is learned from them."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.auditing.collect import item_of
    from likewise.auditing.findings import (
        Audit,
        Clue,
        Evidence,
        Finding,
        Severity,
        count_words,
        worst_first,
    )
    from likewise.auditing.margins import embedding_findings, margin_of, spread_of
    from likewise.auditing.precomputed_pairs import audit_comparisons
    from likewise.auditing.precomputed_vectors import audit_embeddings
    from likewise.auditing.run import audit_decoded, audit_items, check_labels, some_identities

__getattr__, __dir__ = lazy_face(__name__, __file__)
