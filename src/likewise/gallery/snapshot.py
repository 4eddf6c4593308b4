"""What identifying needs of a gallery as it now is, kept until the next change."""

import threading

from likewise.distances import FAMILY as DISTANCES
from likewise.gallery.open_set import Limit, limit_for
from likewise.gallery.templates import Rule, Templates
from likewise.shapes import Array
from likewise.stores.base import Store
from likewise.stores.rows import Pin


class Snapshot:
    """The templates of a store, and its thresholds.

    Args:
        store: Of the gallery.
        pin: What its vectors are of.
    """

    def __init__(self, store: Store, pin: Pin) -> None:
        self._store = store
        self._pin = pin
        self._distance = DISTANCES.build(pin.distance)
        self._lock = threading.Lock()
        self._generation = -1
        self._templates: Templates | None = None
        self._left_out: dict[str, tuple[Array, Array]] = {}

    def templates(self) -> Templates:
        """All vectors, one identity after the other."""
        with self._lock:
            generation = self._store.state().generation
            if self._templates is None or self._generation != generation:
                self._templates = Templates.of(self._store.read(), self._pin.dim, self._distance)
                self._generation = generation
                self._left_out = {}
            return self._templates

    def limit(self, fpir: float, rule: Rule, templates: Templates | None = None) -> Limit:
        """The threshold for a false-identification rate; see `limit_for`.

        Args:
            fpir: The rate.
            rule: How templates are fused.
            templates: Of the gallery as somebody saw it; as it now is if None.
        """
        templates = self.templates() if templates is None else templates
        with self._lock:
            kept = self._left_out if templates is self._templates else {}
            if rule not in kept:
                kept[rule] = templates.left_out(rule)
            left_out = kept[rule]
        return limit_for(*left_out, fpir)
