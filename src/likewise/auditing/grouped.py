"""Whether what a folder calls groups are the identities, and what it calls identities occasions."""

import numpy as np

from likewise.auditing.findings import Finding
from likewise.distances.comparator import Comparator
from likewise.shapes import Array, Float
from likewise.types import Items

LEAST_GROUPS = 5
_PAIRS = 4_000
# Items of one identity are hardly nearer than those of two of a group: of chance, .5.
_HARDLY = 0.6
# Items of one group are plainly nearer than those of two.
_PLAINLY = 0.8


def group_findings(
    vectors: Float[Array, "n dim"], items: Items, distance: Comparator, seed: int = 0
) -> list[Finding]:
    """Tell where identities of one group are as near to one another as one identity is to itself.

    Sessions of one person that were taken for people look so, and every rate would then be one of
    telling a person from himself.

    Args:
        vectors: Row for row with the items.
        items: What they are of.
        distance: What compares them.
        seed: Of the pairs that are drawn.
    """
    identities, groups = items.identities, items.groups
    named = np.flatnonzero((identities != "") & (groups != ""))
    if len(set(groups[named].tolist())) < LEAST_GROUPS:
        return []
    random = np.random.default_rng(seed)
    group = np.unique(groups, return_inverse=True)[1]
    identity = np.unique(identities, return_inverse=True)[1]
    first = random.choice(named, 8 * _PAIRS)
    # Half of the partners from the same group, so that there are enough of every sort.
    order = named[np.argsort(group[named], kind="stable")]
    starts = np.searchsorted(group[order], group[first], side="left")
    ends = np.searchsorted(group[order], group[first], side="right")
    inside = order[starts + (random.random(len(first)) * (ends - starts)).astype(np.int64)]
    second = np.where(np.arange(len(first)) % 2, inside, random.choice(named, len(first)))
    apart = first != second
    first, second = first[apart], second[apart]
    same, together = identity[first] == identity[second], group[first] == group[second]
    sorts = (same, ~same & together, ~together)
    chosen = [np.flatnonzero(sort)[:_PAIRS] for sort in sorts]
    if min(map(len, chosen)) < LEAST_GROUPS:
        return []
    own, siblings, others = (
        distance.rows(vectors[first[at]], vectors[second[at]]) for at in chosen
    )
    nearer, grouped = _nearer(own, siblings), _nearer(siblings, others)
    if not (nearer < _HARDLY and grouped > _PLAINLY):
        return []
    return [
        Finding(
            "groups_as_identities",
            "alarm",
            "Identities of one group are about as near to one another as one identity is to itself "
            f"(AUC {nearer:.2f}), and far from those of other groups (AUC {grouped:.2f}): the "
            "groups may be the identities, and what is below them occasions of these.",
            (),
            "Look at the folders: if each group is one identity, say so with --identity-level 1.",
            {"auc_identity": nearer, "auc_group": grouped},
        )
    ]


def _nearer(near: Float[Array, "n"], far: Float[Array, "m"]) -> float:
    """How often one of the first is smaller than one of the second; equal ones count half."""
    ordered = np.sort(far)
    above = len(far) - np.searchsorted(ordered, near, side="right")
    equal = np.searchsorted(ordered, near, side="right") - np.searchsorted(ordered, near, "left")
    return float((above + equal / 2).mean() / len(far))
