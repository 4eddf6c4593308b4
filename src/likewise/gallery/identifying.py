"""Who some items show: the gallery as it now is, its thresholds, and an answer for each item."""

from likewise.errors import NotEnrolled
from likewise.gallery.deciding import decide_probe
from likewise.gallery.open_set import TARGETS
from likewise.gallery.request import ratios_of
from likewise.gallery.result import Identified
from likewise.gallery.snapshot import Snapshot
from likewise.gallery.templates import Rule
from likewise.model import Model
from likewise.shapes import Array, Float

# The distances of so many probes to every template are held at once.
_NUMBERS = 2**22


def identified(
    known: Snapshot,
    vectors: Float[Array, "n dim"],
    model: Model | None,
    fpir: float | None,
    prior_unknown: float,
    rule: Rule,
    calibration: str,
    candidates: int,
) -> list[Identified]:
    """Who each of some vectors shows; see `Gallery.identify`.

    Templates and thresholds are taken once, so that all are held against one state of the gallery.

    Args:
        known: What is enrolled.
        vectors: One a probe.
        model: Whose calibration gives probabilities; None for none.
        fpir: The rate that was asked for; None if any will do.
        prior_unknown: How often a probe shows nobody of the gallery.
        rule: How several templates are fused.
        calibration: Its name.
        candidates: How many to name.

    Raises:
        NotEnrolled: If the gallery is empty.
        NotCalibrated: If the model has no calibration of that name.
        UnsupportedRate: If the rate that was asked for has no threshold.
        BadArgument: If an argument is none.
    """
    templates = known.templates()
    if not len(templates):
        raise NotEnrolled("The gallery is empty, so nobody can be found in it. Enrol first.")
    targets = TARGETS if fpir is None else (fpir,)
    limits = [known.limit(target, rule, templates) for target in targets]
    ratios = None if model is None else ratios_of(model, calibration)
    found: list[Identified] = []
    step = max(1, _NUMBERS // len(templates.vectors))
    for start in range(0, len(vectors), step):
        found += [
            decide_probe(
                row,
                templates.identities,
                limits,
                ratios,
                asked=fpir,
                prior_unknown=prior_unknown,
                rule=rule,
                candidates=candidates,
            )
            for row in templates.distances(vectors[start : start + step], rule)
        ]
    return found
