"""Things that are known: enrol, update, remove, identify, search."""

from typing import TYPE_CHECKING

from likewise.lazy import lazy_face

if TYPE_CHECKING:
    from likewise.gallery.collection import Gallery
    from likewise.gallery.exchange import bring_in, export_rows, pin_of
    from likewise.gallery.open_set import TARGETS, Limit
    from likewise.gallery.request import IdentificationRequest, store_spec
    from likewise.gallery.result import (
        DIGEST,
        PATH,
        Candidate,
        Enrolled,
        Entry,
        Identified,
        Matches,
    )
    from likewise.gallery.templates import Rule, check_rule

__getattr__, __dir__ = lazy_face(__name__, __file__)
