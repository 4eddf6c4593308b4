"""From the distances of a probe to all identities, and a threshold, to who it is."""

from collections.abc import Callable, Sequence

import numpy as np

from likewise.errors import BadArgument, UnsupportedRate
from likewise.gallery.open_set import Limit, check_prior_unknown, default_limit, posterior
from likewise.gallery.result import Candidate, Identified
from likewise.shapes import Array, Float


def decide_probe(
    distances: Float[Array, "n"],
    identities: Sequence[str],
    limits: Sequence[Limit],
    ratios: Callable[[Array], Array] | None,
    *,
    asked: float | None,
    prior_unknown: float,
    rule: str,
    candidates: int,
) -> Identified:
    """Who a probe is; see `Gallery.identify`.

    Args:
        distances: To every identity.
        identities: Their names.
        limits: Of the rates that may be used.
        ratios: Gives the log-likelihood ratio of each distance; None without a calibration.
        asked: The rate that was asked for; None if any will do.
        prior_unknown: How often a probe shows nobody of the gallery.
        rule: How templates were fused.
        candidates: How many to name.

    Raises:
        BadArgument: If the prior is none, or no candidate is asked for.
        UnsupportedRate: If the rate that was asked for has no threshold.
    """
    check_prior_unknown(prior_unknown)
    if candidates < 1:
        raise BadArgument(f"{candidates} candidates were asked for, and 1 at least is expected.")
    limit = default_limit(limits)
    if asked is not None and limit.threshold is None:
        raise UnsupportedRate(limit.reason)
    order = np.argsort(distances, kind="stable")[:candidates].tolist()
    each, unknown = None, None
    if ratios is not None:
        each, unknown = posterior(ratios(distances), prior_unknown)
    prior = (1 - prior_unknown) / len(distances)
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
        rule=rule,
        enrolled=len(distances),
        prior_unknown=prior_unknown,
        probability_unknown=unknown,
    )
