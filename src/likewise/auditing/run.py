"""The audit: one pass over the items, and everything that can be said of them."""

from collections.abc import Callable

import numpy as np

from likewise.auditing import labels, pair_faults
from likewise.auditing.collect import (
    Survey,
    digests_of,
    item_of,
    survey,
    survey_decoded,
)
from likewise.auditing.copies import MOST_ITEMS
from likewise.auditing.findings import Audit, Clue, Finding, worst_first
from likewise.auditing.listed import pair_shortcuts
from likewise.auditing.origins import origin_shortcuts
from likewise.auditing.shortcuts import class_shortcuts
from likewise.data import Decoded
from likewise.errors import BadArgument, SplitError
from likewise.shapes import Array, Int, Shaped
from likewise.transforms import FAMILY as TRANSFORMS
from likewise.transforms.base import Transform
from likewise.types import Items

MOST_PAIRS = 20_000
QUICK_PAIRS, QUICK_ITEMS = 4_000, 2_000


def audit_items(
    items: Items,
    transform: Transform | None = None,
    *,
    seed: int = 0,
    most_pairs: int = MOST_PAIRS,
    quick: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Find what is wrong with some items before anything is learned from them.

    Every item is read once (genuine and forged ones twice). Its labels are compared with those of
    all others; what trivial things tell is asked of pairs drawn by chance.

    Args:
        items: What to audit, with identities or pairs.
        transform: Audit what comes out of this one; None audits the items as they are.
        seed: Where chance comes from.
        most_pairs: How many pairs are drawn, about.
        quick: Whether to leave out the probes.
        threads: How many read; as many as there are cores (at most 16) if None.
        progress: Called with how many items are done, of how many.

    Raises:
        EmptySource: If there are no items, or none can be read.
        SplitError: If nothing is labelled, or all show one identity.
        WrongKind: If the items are of several kinds, or of another than the transform takes.
        BadArgument: If `most_pairs` is below 2.
        MissingExtra: If scipy or scikit-learn is not installed.
    """
    if most_pairs < 2:
        raise BadArgument(f"most_pairs is {most_pairs}, and 2 at the least are expected.")
    check_labels(items)
    seen = survey(items, transform, threads=threads, progress=progress)
    check_labels(seen.items)
    binarised = None
    if transform is None and seen.kind.pictorial and _populations(seen.items):
        binarised = survey(seen.items, view="binarised", threads=threads)
    drawn: list[str] = []
    found = _labelled(seen.items, seen.digests, seen.items.parts)
    found += labels.unreadable_items(seen.failed, len(items))
    looked = _some(seen, seed, drawn)
    found += labels.near_content(looked, looked.items.parts, lambda row: item_of(looked.items, row))
    reads = transform or TRANSFORMS.build(seen.kind.transform, state=None)
    told, more = _shortcuts(seen, reads, binarised, seed, most_pairs, drawn, quick=quick)
    return _made(items, seen.items, [*found, *more], told, drawn, seen.failed)


def audit_decoded(
    decoded: Decoded, transform: Transform, parts: Shaped[Array, "n"], *, seed: int = 0
) -> Audit:
    """A short audit of items that are decoded already, in seconds.

    Copies are looked for among all items; everything else is asked of 2,000 of them.

    Args:
        decoded: What will be learned from and measured on.
        transform: What decoded them.
        parts: The role of each item; empty where it has none.
        seed: Where chance comes from.

    Raises:
        SplitError: If nothing is labelled, or all show one identity.
    """
    items = decoded.items
    check_labels(items)
    drawn: list[str] = []
    found = _labelled(items, digests_of(decoded), parts)
    found += labels.unreadable_items(decoded.failed, len(items) + len(decoded.failed))
    rows = some_identities(items, QUICK_ITEMS, np.random.default_rng(seed))
    if len(rows) < len(items):
        drawn.append(
            f"All but exact copies was asked of {len(rows):,} of the {len(items):,} items, whole "
            f"identities drawn by chance (seed {seed})."
        )
    seen = survey_decoded(decoded.take(rows))
    part = decoded.take(rows)

    found += labels.near_content(seen, parts[rows], lambda row: seen.kind.shown(part[row]))
    told, more = _shortcuts(seen, transform, None, seed, QUICK_PAIRS, drawn, quick=True)
    return _made(items, items, [*found, *more], told, drawn, decoded.failed)


def check_labels(items: Items) -> None:
    """Refuse items of which nobody said what is the same.

    Raises:
        SplitError: If nothing is labelled, or all show one identity.
    """
    if not len(items) or items.pairs is not None:
        return
    names = sorted(set(items.identities.tolist()))
    if len(names) == 1:
        known = f"all {len(items)} items show {names[0]!r}" if names[0] else "nothing is labelled"
        raise SplitError(
            f"{items.namespace}: {known}, so that there is nothing to tell apart. Give items of "
            "two identities at the least, one sub-folder each, or pairs."
        )


def some_identities(items: Items, most: int, random: np.random.Generator) -> Int[Array, "m"]:
    """The rows of whole identities drawn by chance until there are so many, in order.

    Of an identity that has more than a tenth of these, some items are drawn.
    """
    if len(items) <= most:
        return np.arange(len(items))
    names, codes = np.unique(items.identities, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    cap = max(2, most // 10)
    kept, total = [], 0
    for code in random.permutation(len(names)).tolist():
        rows = order[starts[code] : starts[code] + counts[code]]
        kept.append(random.permutation(rows)[:cap])
        total += len(kept[-1])
        if total >= most:
            break
    return np.sort(np.concatenate(kept))


def _labelled(items: Items, digests: Int[Array, "n"], parts: Shaped[Array, "n"]) -> list[Finding]:
    return [
        *labels.same_content(items, digests, parts),
        *pair_faults.contradictions(items),
        *pair_faults.balance(items),
        *labels.sizes(items),
        *labels.confusable_names(items),
    ]


def _shortcuts(
    seen: Survey,
    transform: Transform,
    binarised: Survey | None,
    seed: int,
    most: int,
    drawn: list[str],
    *,
    quick: bool,
) -> tuple[list[Clue], list[Finding]]:
    told: list[Clue] = []
    found: list[Finding] = []
    if seen.items.pairs is not None:
        if len(seen.items.pairs.first) > most:
            drawn.append(
                f"{most:,} of the {len(seen.items.pairs.first):,} listed pairs were drawn by "
                f"chance (seed {seed})."
            )
        return pair_shortcuts(seen, transform, seed=seed, most=most, quick=quick)
    if _populations(seen.items):
        told, found = origin_shortcuts(seen, transform, binarised, seed=seed, quick=quick)
        seen = seen.take(np.flatnonzero(seen.items.origins != "forged"))
    if len(np.unique(seen.items.identities)) > 1:
        drawn.append(
            f"What tells same from different was asked of about {most:,} pairs, drawn by chance "
            f"(seed {seed}) so that identities have equal chances."
        )
        more, others = class_shortcuts(seen, transform, seed=seed, most=most, quick=quick)
        told, found = [*told, *more], [*found, *others]
    return told, found


def _populations(items: Items) -> bool:
    return {"genuine", "forged"} <= set(items.origins.tolist())


def _some(seen: Survey, seed: int, drawn: list[str]) -> Survey:
    """What near copies are looked for among: the work grows with the square of their number."""
    if len(seen) <= MOST_ITEMS:
        return seen
    drawn.append(
        f"Near copies were looked for among {MOST_ITEMS:,} of the {len(seen):,} items, drawn by "
        f"chance (seed {seed}); exact ones among all."
    )
    rows = np.random.default_rng(seed).permutation(len(seen))[:MOST_ITEMS]
    return seen.take(np.sort(rows))


def _made(
    items: Items,
    readable: Items,
    found: list[Finding],
    told: list[Clue],
    drawn: list[str],
    failed: tuple[tuple[str, str], ...],
) -> Audit:
    return Audit(
        source=items.namespace,
        items=len(readable),
        identities=len(np.unique(readable.identities)),
        unit="identities" if items.pairs is None else "groups of linked pairs",
        findings=worst_first(found),
        clues=tuple(told),
        sampled=tuple(drawn),
        failed=failed,
    )
