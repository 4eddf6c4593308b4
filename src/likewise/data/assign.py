"""Which role every identity, class or component of a pair graph gets."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from likewise.errors import SplitError
from likewise.shapes import Array, Int, Shaped
from likewise.types import Claim, Items, Role

Shares: TypeAlias = Mapping[Role, float]

DRAWS = 100
LEAST_OF_SHARE = 0.5
"""How much of its share of the pairs a part may have at least; components are not torn apart."""


def role_words(roles: Iterable[Role]) -> str:
    """The roles as an error lists them."""
    return f"the parts {', '.join(roles)}"


def assign_classes(table: Items, shares: Shares, random: np.random.Generator) -> Shaped[Array, "n"]:
    """Some items of every class to each role; the table is sorted by class."""
    _, starts, counts = np.unique(table.identities, return_index=True, return_counts=True)
    roles = np.empty(len(table), dtype="U9")
    for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
        least = min(2, count // len(shares))
        bounds = dict.fromkeys(shares, least) | {Role.TRAIN: max(1, least)}
        _hand_out(roles, start + random.permutation(count), _sizes(count, shares, bounds))
    return roles


def assign_identities(
    table: Items, shares: Shares, random: np.random.Generator
) -> Shaped[Array, "n"]:
    """Whole identities to each role; the table is sorted by identity.

    Raises:
        SplitError: If they are too few.
    """
    names, counts = np.unique(table.identities, return_counts=True)
    paired = random.permutation(np.flatnonzero(counts > 1))
    single = random.permutation(np.flatnonzero(counts == 1))
    if len(names) < 2 * len(shares) or len(paired) < len(shares):
        raise SplitError(
            f"{table.namespace}: {len(names)} identities, {len(paired)} of them with two items or "
            f"more, cannot make {role_words(shares)}. Each part needs two identities, one of them "
            f"with two items: {2 * len(shares)} identities in all, {len(shares)} of them with two "
            "items. Add some, or give fewer fractions."
        )
    # Those with two items are dealt first and evenly, so that no part is left without a same pair
    # by chance where some could be had.
    sizes = _sizes(len(names), shares, dict.fromkeys(shares, 2))
    with_pairs = _sizes(len(paired), shares, dict.fromkeys(shares, 1), most=sizes)
    chosen = np.empty(len(names), dtype="U9")
    _hand_out(chosen, paired, with_pairs)
    _hand_out(chosen, single, {role: sizes[role] - with_pairs[role] for role in shares})
    return np.repeat(chosen, counts)


def _hand_out(roles: Shaped[Array, "n"], rows: Int[Array, "m"], sizes: Mapping[Role, int]) -> None:
    roles[rows] = np.repeat([role.value for role in sizes], [*sizes.values()])


def _sizes(
    count: int, shares: Shares, least: Mapping[Role, int], most: Mapping[Role, int] | None = None
) -> dict[Role, int]:
    """Whole numbers as near the shares as the bounds allow, `count` in all."""
    total = sum(shares.values())
    wanted = {role: count * share / total for role, share in shares.items()}
    upper = dict.fromkeys(shares, count) if most is None else most
    sizes = {role: min(max(int(wanted[role]), least[role]), upper[role]) for role in shares}
    while (missing := count - sum(sizes.values())) != 0:
        step = 1 if missing > 0 else -1
        free = [r for r in shares if least[r] <= sizes[r] + step <= upper[r]]
        sizes[max(free, key=lambda role: step * (wanted[role] - sizes[role]))] += step
    return sizes


def check_pairs(table: Items, claim: Claim) -> None:
    """Refuse a table of pairs that no way of sharing out could mend.

    Raises:
        SplitError: If the claim needs classes, or all items hang together.
    """
    where, pairs = table.namespace, table.pairs
    if pairs is None:
        return
    if claim is Claim.KNOWN_CLASSES:
        raise SplitError(
            f"{where} gives pairs, which name no classes, so the claim known_classes says nothing "
            "of it. Use the claim new_identities."
        )
    ends = table.identities[pairs.first], table.identities[pairs.second]
    if (torn := np.flatnonzero(ends[0] != ends[1])).size:
        one, other = (str(table.places[rows[torn[0]]]) for rows in (pairs.first, pairs.second))
        raise SplitError(
            f"{where}: {len(torn)} pairs join items of two identities ({one} and {other}), and "
            "where a source gives pairs, what they join is one identity. Mend the source."
        )
    if len(set(table.identities.tolist())) == 1:
        raise SplitError(
            f"{where}: all {len(table)} items hang together by their {len(pairs.first)} pairs, so "
            f"no part can be kept apart from another. {most_shared(table)} Drop the pairs of the "
            "items that many others are paired with, until several components are left, or add "
            "pairs of other items."
        )


def pair_counts(table: Items, of: Int[Array, "n"], count: int) -> Int[Array, "2 count"]:
    """How many different and how many same pairs each of `count` sets of items holds.

    Args:
        table: With pairs.
        of: The set that each item is in.
        count: How many sets there are.
    """
    if table.pairs is None:
        return np.zeros((2, count), dtype=np.int64)
    sets, same = of[table.pairs.first], np.asarray(table.pairs.same) > 0.5
    return np.stack([np.bincount(sets[same == sort], minlength=count) for sort in (False, True)])


def carried(table: Items, count: int) -> bool:
    """Whether `count` parts can each have a same and a different pair, and no component be torn."""
    names, of = np.unique(table.identities, return_inverse=True)
    different, same = pair_counts(table, of, len(names)) > 0
    # A part has either a component of both sorts or one of each: `min` counts both ways.
    return min(int(same.sum()), int(different.sum())) >= count


def pair_fault(table: Items, roles: Shaped[Array, "n"], used: Iterable[Role]) -> str:
    """Which parts lack same or different pairs, with what each has; empty if none does."""
    used = [*used]
    found = {role: pair_counts(table, (roles == role.value).astype(int), 2)[:, 1] for role in used}
    if all(counts.all() for counts in found.values()):
        return ""
    told = ", ".join(
        f"{role} gets {same} same and {different} different pairs"
        for role, (different, same) in found.items()
    )
    return (
        f"{told}, and each of {role_words(used)} needs one of both at least. Add pairs of other "
        "items, or drop pairs that join many items."
    )


def assign_components(
    table: Items, shares: Shares, random: np.random.Generator
) -> Shaped[Array, "n"]:
    """Whole components of the pair graph to each role, by the number of pairs in them.

    Every part gets a same and a different pair, and at least half of its share of all pairs.

    Raises:
        SplitError: If they cannot carry that, with what each part would get.
    """
    names, of = np.unique(table.identities, return_inverse=True)
    counts = pair_counts(table, of, len(names))
    weights = counts.sum(0)
    total, share = sum(shares.values()), max(shares.values())
    rest = 1 - float(weights.max()) / max(1, int(weights.sum()))
    hopeless = rest < LEAST_OF_SHARE * (1 - share / total) or not carried(table, len(shares))
    for _ in range(1 if hopeless else DRAWS):
        roles: Array = _draw(counts, shares, random)[of]
        held = {role: int(weights[np.unique(of[roles == role.value])].sum()) for role in shares}
        full = all(
            held[role] >= LEAST_OF_SHARE * shares[role] / total * int(weights.sum())
            for role in shares
        )
        if full and not pair_fault(table, roles, shares):
            return roles
    raise SplitError(_refusal(table, counts, roles, shares))


def _draw(
    counts: Int[Array, "2 c"], shares: Shares, random: np.random.Generator
) -> Shaped[Array, "c"]:
    """A role for each component."""
    weights = counts.sum(0)
    different, same = counts > 0
    both, alike, apart = (
        random.permutation(np.flatnonzero(sort)).tolist()
        for sort in (same & different, same & ~different, different & ~same)
    )
    lacking = {role: share * float(weights.sum()) for role, share in shares.items()}
    chosen = np.full(len(weights), "", dtype="U9")

    def give(role: Role, component: int) -> None:
        chosen[component] = role.value
        lacking[role] -= float(weights[component])

    # What a part cannot do without is dealt first, so that none is left without it by chance.
    roles = [*shares]
    for place in random.permutation(len(roles)).tolist():
        if both:
            give(roles[place], both.pop())
        elif alike and apart:
            give(roles[place], alike.pop())
            give(roles[place], apart.pop())
    left = np.flatnonzero(chosen == "")
    # Heavy components tend to come first (drawn in proportion to their weights, without
    # replacement), so that the light ones can even out what they upset.
    waits = random.exponential(size=len(left)) / np.maximum(weights[left], 0.5)
    for component in left[np.argsort(waits)].tolist():
        give(max(roles, key=lacking.__getitem__), component)
    return chosen


def _refusal(
    table: Items, counts: Int[Array, "2 c"], roles: Shaped[Array, "n"], shares: Shares
) -> str:
    names, of, items = np.unique(table.identities, return_inverse=True, return_counts=True)
    weights = counts.sum(0)
    different, same = counts > 0
    largest = int(weights.argmax())
    got = ", ".join(
        f"{role} {alike} same and {apart} different"
        for role in shares
        for apart, alike in [pair_counts(table, (roles == role.value).astype(int), 2)[:, 1]]
    )
    inside = table.take(np.flatnonzero(of == largest))
    return (
        f"{table.namespace}: items that hang together by pairs stay in one part, and the "
        f"{len(names)} such components ({int((same & different).sum())} with same and different "
        f"pairs, {int((same & ~different).sum())} with same and "
        f"{int((different & ~same).sum())} with different ones only) cannot make "
        f"{role_words(shares)}: each needs a same and a different pair, and half of its share of "
        f"the pairs at least. The last of the ways tried gives {got} pairs. The largest component, "
        f"that of {names[largest]}, holds {weights[largest]} of {weights.sum()} pairs and "
        f"{items[largest]} of {len(table)} items. {most_shared(inside)} Drop pairs that join many "
        "items, add pairs of other items, or change the fractions."
    )


def most_shared(table: Items) -> str:
    """A sentence that names the item in most pairs."""
    if table.pairs is None or not len(table.pairs.first):
        return ""
    ends = np.concatenate([table.pairs.first, table.pairs.second])
    uses = np.bincount(ends, minlength=len(table))
    row = int(uses.argmax())
    return f"{table.places[row]} is in most of its pairs, {uses[row]}."
