"""Things that are known: enrol, update, remove, identify, search."""

from likewise.gallery.collection import Gallery
from likewise.gallery.found import Candidate, Enrolled, Entry, Identified
from likewise.gallery.open_set import Limit

__all__ = ["Candidate", "Enrolled", "Entry", "Gallery", "Identified", "Limit"]
