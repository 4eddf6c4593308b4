"""Error rates of each group of items at one frozen threshold, and how far apart the groups are."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from likewise.distances.comparator import Comparator
from likewise.errors import BadArgument, SplitError
from likewise.pairs import choose_pairs
from likewise.results import ErrorRates, Extremes, GroupRates, Groups, Rate
from likewise.shapes import Float
from likewise.types import Claim, Items

MOST_GROUPS = 1000


def rates_by_group(
    vectors: Float[Any, "n dim"],
    items: Items,
    comparator: Comparator,
    threshold: float,
    claim: Claim,
    *,
    by: str,
    impostors: str = "",
) -> Groups:
    """Measure each group by the pairs within it.

    Args:
        vectors: Row for row with the items.
        items: With groups.
        comparator: What compares them.
        threshold: A pair is accepted when its distance is at most this.
        claim: What the rates claim.
        by: What the groups are of, in a word.
        impostors: Which different pairs a false-accept rate is of, where some items are forged.

    Raises:
        BadArgument: If no item has a group, or there are more than 1,000 groups.
    """
    names = np.unique(items.groups)
    if not (names != "").any() or len(names) > MOST_GROUPS:
        raise BadArgument(
            f"--by {by}: {items.namespace} has {int((names != '').sum())} groups, and 1 to "
            f"{MOST_GROUPS} are expected. Name the column of a table that has some."
        )
    found = []
    for name in names:
        rows = np.flatnonzero(items.groups == name)
        part = items.take(rows)
        rates, reason = None, ""
        try:
            (rates,) = choose_pairs(vectors[rows], part, comparator, impostors).rates(
                [threshold], claim
            )
        except SplitError as error:
            reason = str(error)
        units = len(set(part.identities.tolist()))
        found.append(GroupRates(str(name), len(rows), units, rates, reason))
    return Groups(
        by=by,
        threshold=threshold,
        groups=tuple(found),
        far_ratio=_extremes(found, lambda rates: rates.far),
        frr_ratio=_extremes(found, lambda rates: rates.frr),
    )


def _extremes(groups: Sequence[GroupRates], of: Callable[[ErrorRates], Rate]) -> Extremes | None:
    values = [(of(group.rates).value, group.name) for group in groups if group.rates is not None]
    if len(values) < 2:
        return None
    (low, lowest), (high, highest) = min(values), max(values)
    return Extremes(highest, high, lowest, low, high / low if low > 0 else None)
