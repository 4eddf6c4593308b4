"""Things that are known: enrol, update, remove, identify, search."""

from likewise.gallery.collection import Gallery
from likewise.gallery.open_set import Limit
from likewise.gallery.result import Candidate, Enrolled, Entry, Identified

__all__ = ["Candidate", "Enrolled", "Entry", "Gallery", "Identified", "Limit"]
