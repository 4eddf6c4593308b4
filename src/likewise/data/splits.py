"""Which item is used for what: four roles that share no item, under one of two claims.

Under `new_identities` no identity has two roles. Under `known_classes` the items of every class
are shared out. What the data cannot carry is refused, with what would be needed.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import numpy as np

from likewise.data.assign import (
    DRAWS,
    Shares,
    assign_classes,
    assign_components,
    assign_identities,
    carried,
    check_pairs,
    pair_counts,
    pair_fault,
    role_words,
)
from likewise.errors import RecipeError, SplitError
from likewise.shapes import Array, Bool, Int, Shaped
from likewise.types import Claim, Items, Role, Split

By: TypeAlias = Literal["auto", "random", "source", "group"]

DEFAULT_SHARES: Shares = {Role.TRAIN: 0.56, Role.CALIBRATE: 0.22, Role.TEST: 0.22}
SELECT_SHARE = 0.1
SELECT_FROM_IDENTITIES = 100


def split(
    items: Items,
    claim: Claim,
    *,
    fractions: Shares | None = None,
    by: By = "auto",
    seed: int = 0,
    trained: bool = False,
) -> Split:
    """Give every item one role.

    The same items and seed give the same split, in whatever order the table has them.

    Args:
        items: What is shared out.
        claim: What a rate measured on the parts will promise.
        fractions: Of the identities (of each class's items under `known_classes`) for each
            role, 1 in all. None means .56 train, .22 calibrate and .22 test, and of train's share
            .1 for select where 100 identities or more are shared out under `new_identities`.
        by: `random`; `source`, which keeps the test part of the source's own protocol and shares
            out the rest by the other roles' fractions; `group`, which keeps each group whole;
            `auto` is `source` where the source has a train and a test part, else `random`.
        seed: Where all chance comes from; from 0.
        trained: Whether the model is trained already, so that no part is for training.

    Raises:
        RecipeError: If fractions, `by` or seed cannot be followed.
        SplitError: If the data cannot carry the claim, with the reason.
    """
    if by not in get_args(By) or seed < 0:
        raise RecipeError(
            f"by is {by!r} and seed {seed}. Expected is one of {', '.join(get_args(By))}, and a "
            "seed from 0."
        )
    _check_fractions(fractions, trained=trained)
    order = np.lexsort((items.rows, items.places, items.identities))
    table = items.take(order)
    _check_table(table, claim)
    if by == "auto":
        by = "source" if {"train", "test"} <= set(table.parts.tolist()) else "random"
    held = _held_out(table, claim) if by == "source" else np.zeros(len(table), dtype=bool)
    rest = table.take(np.flatnonzero(~held))
    wanted = _default_shares(rest, claim, by) if fractions is None else fractions
    used = [role for role in Role if role in wanted]
    dealt = {role: wanted[role] for role in used if by != "source" or role is not Role.TEST}
    random = np.random.default_rng(seed)
    roles = np.full(len(table), Role.TEST.value, dtype="U9")
    roles[~held] = _assign(rest, claim, dealt, by, random)
    if reason := _fault(table, roles, claim, used):
        raise SplitError(f"{items.namespace}: {reason}")
    indices = {role: np.sort(order[roles == role.value]) for role in Role}
    return Split(claim, indices, _how(items, claim, indices, by, seed))


def _check_fractions(shares: Shares | None, *, trained: bool) -> None:
    if shares is None:
        return
    named = ", ".join(f"{role} {share:g}" for role, share in shares.items()) or "none"
    needed = {*DEFAULT_SHARES} - ({Role.TRAIN} if trained else set())
    listed = "calibrate and test" if trained else "train, calibrate and test"
    complete = needed <= set(shares) and all(share > 0 for share in shares.values())
    if not complete or abs(math.fsum(shares.values()) - 1) > 1e-6:
        raise RecipeError(
            f"the fractions are {named}. Expected are positive ones of {listed}, and if wanted of "
            "select, that sum to 1."
        )


def _check_table(table: Items, claim: Claim) -> None:
    """Refuse what no way of sharing out could mend."""
    where = table.namespace
    if len(table) == 0:
        raise SplitError(f"{where} holds no items. Give some of at least two identities.")
    if unnamed := int((table.identities == "").sum()):
        raise SplitError(
            f"{where}: {unnamed} of {len(table)} items have no identity, and without one nobody "
            "knows what is the same. Put each into a folder named for what it shows."
        )
    if table.pairs is not None:
        check_pairs(table, claim)
        return
    if claim is Claim.KNOWN_CLASSES and (forged := int(table.forged.sum())):
        raise SplitError(
            f"{where}: {forged} of {len(table)} items are forged, and error rates on forgeries are "
            "measured on new identities only. Use the claim new_identities."
        )
    names, counts = np.unique(table.identities[~table.forged], return_counts=True)
    if len(names) < 2:
        raise SplitError(
            f"{where} holds one identity only, {str(names[0])!r}, so nothing in it differs. "
            "At least two identities are needed for every part of a split."
        )
    if counts.max() < 2:
        raise SplitError(
            f"{where}: every one of the {len(names)} identities has a single item, so no same "
            "pair can be made. Add a second item to some of them."
        )


def _default_shares(table: Items, claim: Claim, by: By) -> dict[Role, float]:
    shares = dict(DEFAULT_SHARES)
    few = len(set(table.identities.tolist())) < SELECT_FROM_IDENTITIES
    few = few or (by == "group" and len(set(table.groups.tolist())) <= len(shares))
    few = few or (table.pairs is not None and not carried(table, len(shares) + 1))
    if claim is Claim.NEW_IDENTITIES and not few:
        shares[Role.TRAIN] -= SELECT_SHARE
        shares[Role.SELECT] = SELECT_SHARE
    return shares


def _held_out(table: Items, claim: Claim) -> Bool[Array, "n"]:
    """The test part of the source's own protocol."""
    where = table.namespace
    own = set(table.parts.tolist())
    if not {"train", "test"} <= own <= {"train", "test"}:
        raise SplitError(
            f"{where}: by='source' needs every item in the part 'train' or 'test', and both; the "
            f"parts here are {', '.join(repr(part) for part in sorted(own))}. Use by='random'."
        )
    held: Array = table.parts == "test"
    test, train = (set(table.identities[rows].tolist()) for rows in (held, ~held))
    if claim is Claim.NEW_IDENTITIES and test & train:
        raise SplitError(
            f"{where}: {len(test & train)} identities are in both parts of the source "
            f"({_some(test & train)}), so its test part cannot show new identities. "
            f"{_otherwise(table)}"
        )
    if claim is Claim.KNOWN_CLASSES and test - train:
        raise SplitError(
            f"{where}: {len(test - train)} classes of the source's test part are not in its train "
            f"part ({_some(test - train)}), so they are not known. "
            "Use the claim new_identities, or by='random'."
        )
    return held


def _otherwise(table: Items) -> str:
    """What to use where the source's parts or groups tear identities apart."""
    classes = "" if table.pairs is not None else " the claim known_classes, or"
    return f"Use{classes} by='random'."


def _some(names: set[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:10]) + (", ..." if len(listed) > 10 else "")


def _assign(
    table: Items, claim: Claim, shares: Shares, by: By, random: np.random.Generator
) -> Shaped[Array, "n"]:
    """The role of every item."""
    if by == "group":
        return _assign_groups(table, claim, shares, random)
    if claim is Claim.KNOWN_CLASSES:
        return assign_classes(table, shares, random)
    if table.pairs is not None:
        return assign_components(table, shares, random)
    return assign_identities(table, shares, random)


def _assign_groups(
    table: Items, claim: Claim, shares: Shares, random: np.random.Generator
) -> Shaped[Array, "n"]:
    """Whole groups to each role; the first of many draws that carries the claim."""
    where = table.namespace
    if none := int((table.groups == "").sum()):
        raise SplitError(
            f"{where}: by='group' needs a group for every item; {none} have none. Use by='random'."
        )
    names, member = np.unique(table.groups, return_inverse=True)
    if len(names) < len(shares):
        raise SplitError(
            f"{where}: by='group' needs at least {len(shares)} groups for {role_words(shares)}, "
            f"and there are {len(names)} ({_some(set(names.tolist()))}). Add groups, or use "
            "by='random'."
        )
    weight = np.bincount(member)
    if claim is Claim.NEW_IDENTITIES:
        pairs = sorted(set(zip(table.identities.tolist(), member.tolist(), strict=True)))
        weight = np.bincount([group for _, group in pairs])
        if twice := {one for (one, _), (other, _) in pairwise(pairs) if one == other}:
            raise SplitError(
                f"{where}: {len(twice)} identities are in more than one group ({_some(twice)}), so "
                f"whole groups cannot keep them apart. {_otherwise(table)}"
            )
    for _ in range(DRAWS):
        roles: Array = _draw_groups(weight, shares, random)[member]
        if not (reason := _fault(table, roles, claim, [*shares])):
            return roles
    raise SplitError(
        f"{where}: none of {DRAWS} ways to share out the {len(names)} groups carries the "
        f"claim {claim}. In the last, {reason}"
    )


def _draw_groups(
    weights: Int[Array, "groups"], shares: Shares, random: np.random.Generator
) -> Shaped[Array, "groups"]:
    """Each group in a random order to the role that lacks most, and no role without a group."""
    lacking = {role: share * float(weights.sum()) for role, share in shares.items()}
    empty = set(shares)
    role_of = np.empty(len(weights), dtype="U9")
    for done, group in enumerate(random.permutation(len(weights)).tolist()):
        open_roles = [r for r in shares if r in empty or len(weights) - done > len(empty)]
        role = max(open_roles, key=lacking.__getitem__)
        lacking[role] -= float(weights[group])
        empty.discard(role)
        role_of[group] = role.value
    return role_of


def _fault(table: Items, roles: Shaped[Array, "n"], claim: Claim, used: list[Role]) -> str:
    """Why these roles cannot carry the claim; empty if they can."""
    if table.pairs is not None:
        return pair_fault(table, roles, used)
    identities = table.identities
    known = claim is Claim.KNOWN_CLASSES
    noun = "classes" if known else "identities"
    two_classes = known and len(set(identities.tolist())) == 2
    trained = set(identities[roles == Role.TRAIN.value].tolist())
    for role in used:
        own = (roles == role.value) & ~table.forged
        names, counts = np.unique(identities[own], return_counts=True)
        paired = int((counts > 1).sum())
        need = 2 if two_classes and role in {Role.CALIBRATE, Role.TEST} else 1
        if len(names) < 2 or paired < need:
            more = f"classes of {2 * len(used)} items or more" if known else noun
            return (
                f"{role} gets {len(names)} {noun}, {paired} of them with two items or more, and "
                f"each of {role_words(used)} needs 2 {noun}, {need} of them with two items. "
                f"Add {more}, or change the fractions."
            )
        if known and Role.TRAIN in used and (foreign := set(names.tolist()) - trained):
            return (
                f"{len(foreign)} classes of {role} are not in train ({_some(foreign)}), so they "
                "are not known. Add items of them, or use the claim new_identities."
            )
    return ""


def _how(items: Items, claim: Claim, indices: Mapping[Role, Array], by: By, seed: int) -> str:
    new = claim is Claim.NEW_IDENTITIES
    noun, what = ("identities",) * 2 if new else ("classes", "items of every class")
    if items.pairs is not None:
        noun, what = "components", "components of the pair graph"
    way = {
        "random": f"{what} shared out at random",
        "source": f"the source's own test part, {what} of the rest shared out at random",
        "group": f"{what} shared out by whole groups at random",
    }[by]
    unit = "identity" if items.pairs is None else "component"
    apart = f"no {unit} in two parts" if new else "the same classes, no item in two parts"

    def counts(rows: Int[Array, "_"]) -> str:
        count = len(set(items.identities[rows].tolist()))
        if items.pairs is None:
            return f"{count} {noun} ({len(rows)} items)"
        inside = np.isin(np.arange(len(items)), rows).astype(int)
        different, same = pair_counts(items, inside, 2)[:, 1]
        return f"{count} {noun} ({len(rows)} items, {same} same and {different} different pairs)"

    told = ", ".join(f"{role} {counts(rows)}" for role, rows in indices.items() if len(rows))
    return f"{way[0].upper()}{way[1:]} (seed {seed}), {apart}: {told}."
