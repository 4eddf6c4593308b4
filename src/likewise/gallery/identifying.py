"""Who some items show: the gallery as it now is, its thresholds, and an answer for each item."""

import threading
from collections.abc import Callable, Sequence

import numpy as np

from likewise.distances import FAMILY as DISTANCES
from likewise.errors import NotEnrolled, UnsupportedRate
from likewise.gallery.open_set import (
    TARGETS,
    Limit,
    default_limit,
    limit_for,
    posterior,
)
from likewise.gallery.request import IdentificationRequest, ratios_of
from likewise.gallery.result import Candidate, Identified
from likewise.gallery.templates import Rule, Templates
from likewise.model import Model
from likewise.shapes import Array, Float
from likewise.stores.base import Store
from likewise.stores.rows import Pin

# The distances of so many probes to every template are held at once.
_NUMBERS = 2**22


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


def identified(
    known: Snapshot,
    vectors: Float[Array, "n dim"],
    model: Model | None,
    request: IdentificationRequest,
) -> list[Identified]:
    """Who each of some vectors shows; see `Gallery.identify`.

    Templates and thresholds are taken once, so that all are held against one state of the gallery.

    Args:
        known: What is enrolled.
        vectors: One a probe.
        model: Whose calibration gives probabilities; None for none.
        request: How to say who each is.

    Raises:
        NotEnrolled: If the gallery is empty.
        NotCalibrated: If the model has no calibration of that name.
        UnsupportedRate: If the rate that was asked for has no threshold.
        BadArgument: If the rate is none.
    """
    templates = known.templates()
    if not len(templates):
        raise NotEnrolled("The gallery is empty, so nobody can be found in it. Enrol first.")
    targets = TARGETS if request.fpir is None else (request.fpir,)
    limits = [known.limit(target, request.fusion, templates) for target in targets]
    ratios = None if model is None else ratios_of(model, request.calibration)
    found: list[Identified] = []
    step = max(1, _NUMBERS // len(templates.vectors))
    for start in range(0, len(vectors), step):
        found += [
            decide_probe(row, templates.identities, limits, ratios, request)
            for row in templates.distances(vectors[start : start + step], request.fusion)
        ]
    return found


def decide_probe(
    distances: Float[Array, "n"],
    identities: Sequence[str],
    limits: Sequence[Limit],
    ratios: Callable[[Array], Array] | None,
    request: IdentificationRequest,
) -> Identified:
    """Who a probe is; see `Gallery.identify`.

    Args:
        distances: To every identity.
        identities: Their names.
        limits: Of the rates that may be used.
        ratios: Gives the log-likelihood ratio of each distance; None without a calibration.
        request: How to say it.

    Raises:
        UnsupportedRate: If the rate that was asked for has no threshold.
    """
    limit = default_limit(limits)
    if request.fpir is not None and limit.threshold is None:
        raise UnsupportedRate(limit.reason)
    order = np.argsort(distances, kind="stable")[: request.candidates].tolist()
    each, unknown = None, None
    if ratios is not None:
        each, unknown = posterior(ratios(distances), request.prior_unknown)
    prior = (1 - request.prior_unknown) / len(distances)
    found = tuple(
        Candidate(
            identities[at],
            float(distances[at]),
            None if each is None else float(each[at]),
            prior,
        )
        for at in order
    )
    if limit.threshold is None:
        verdict = "undecided"
    else:
        verdict = "identified" if found[0].distance <= limit.threshold else "unknown"
    return Identified(
        verdict=verdict,
        identity=found[0].identity if verdict == "identified" else "",
        candidates=found,
        limit=limit,
        rule=request.fusion,
        enrolled=len(distances),
        prior_unknown=request.prior_unknown,
        probability_unknown=unknown,
    )
