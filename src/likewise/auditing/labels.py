"""What is wrong with the labels: copies under two labels or in two parts, and too few of some."""

from collections.abc import Callable, Sequence

import numpy as np

from likewise.auditing.collect import Survey
from likewise.auditing.copies import Copy, near_copies
from likewise.auditing.findings import Evidence, Finding, count_words, evidence_of
from likewise.io.names import confusable, spelt
from likewise.shapes import Array, Int, Shaped
from likewise.types import Items

SHOWN = 8
EACH = 4
_HALF, _TIMES = 0.5, 10


def label_findings(items: Items) -> Shaped[Array, "n"]:
    """What each item is said to be: its identity, and whether it is forged."""
    if not (items.origins != "").any():
        return items.identities
    joined = np.char.add(np.char.add(items.identities, ", "), items.origins)
    labels: Array = np.where(items.origins == "", items.identities, joined)
    return labels


def same_content(
    items: Items, digests: Int[Array, "n"], parts: Shaped[Array, "n"]
) -> list[Finding]:
    """Items of the same content: under two labels, in two parts, or twice under one label.

    Args:
        items: What was looked at.
        digests: Items of equal content have equal ones.
        parts: The part that each item is in; empty where it is in none.
    """
    labels = label_findings(items)
    _, of, counts = np.unique(digests, return_inverse=True, return_counts=True)
    groups = _grouped(of, counts)
    other_label = [g for g in groups if len(set(labels[g].tolist())) > 1]
    rest = [g for g in groups if len(set(labels[g].tolist())) == 1]
    other_part = [g for g in rest if len(set(parts[g].tolist())) > 1]
    same_label = [g for g in rest if len(set(parts[g].tolist())) == 1]
    linked = items.pairs is not None
    findings = []
    if other_label:
        kind = "same_content_other_part" if linked else "same_content_other_label"
        where = (
            "in two groups of linked pairs, which a split may put into two parts"
            if linked
            else "under two labels or more"
        )
        findings.append(
            Finding(
                kind,
                "alarm",
                f"{_things(other_label)} {where}.",
                _evidence(items, other_label, labels),
                "Link the copies by a pair, or keep one of each."
                if linked
                else "Look which label is right, and drop the others; what cannot be decided is "
                "better left out.",
                _figures(other_label),
            )
        )
    if other_part:
        findings.append(
            Finding(
                "same_content_other_part",
                "alarm",
                f"{_things(other_part)} in two parts of the data, so that what is learned from in "
                "one is measured on in the other.",
                _evidence(items, other_part, parts),
                "Drop the copies from one of the parts.",
                _figures(other_part),
            )
        )
    if same_label:
        findings.append(
            Finding(
                "same_content_same_label",
                "note",
                f"{_things(same_label)} twice or more under the same label: such pairs are no "
                "evidence that two items of one identity are recognised.",
                _evidence(items, same_label, labels),
                "Keep one of each.",
                _figures(same_label),
            )
        )
    return findings


def confusable_names(items: Items) -> list[Finding]:
    """Identities whose names cannot be told by eye: probably one, counted as two."""
    found = confusable(sorted(set(items.identities.tolist()) - {""}))
    if not found:
        return []
    evidence = tuple(Evidence(spelt(one), f"looks as {spelt(other)} does") for one, other in found)
    return [
        Finding(
            "confusable_names",
            "alarm",
            f"{len(found):,} identities have names that cannot be told by eye from another's.",
            evidence,
            "Write the names alike, if they are of one.",
            {"identities": len(found)},
        )
    ]


def near_content(
    survey: Survey, parts: Shaped[Array, "n"], fetch: Callable[[int], Array | None]
) -> list[Finding]:
    """Items of nearly the same content under two labels, or in two parts.

    Args:
        survey: What was seen.
        parts: The part that each item is in; empty where it is in none.
        fetch: Gives a decoded item by its row.
    """
    items, labels = survey.items, label_findings(survey.items)
    found = near_copies(survey.thumbnails, survey.digests, (labels, parts), fetch)
    other_label = [c for c in found if labels[c.first] != labels[c.second]]
    other_part = [c for c in found if labels[c.first] == labels[c.second]]
    linked = items.pairs is not None
    findings = []
    if other_label:
        where = "in two groups of linked pairs" if linked else "under two labels"
        findings.append(
            Finding(
                "near_content_other_part" if linked else "near_content_other_label",
                "alarm",
                f"{count_words(len(other_label), 'pair')} of items {where} show nearly the same "
                "(recompressed, resized or a little brighter).",
                _pairs(items, other_label, labels),
                "Look which label is right, and drop the others.",
                {"pairs": float(len(other_label))},
            )
        )
    if other_part:
        findings.append(
            Finding(
                "near_content_other_part",
                "alarm",
                f"{count_words(len(other_part), 'pair')} of items in two parts of the data show "
                "nearly the same (recompressed, resized or a little brighter).",
                _pairs(items, other_part, parts),
                "Drop the copies from one of the parts.",
                {"pairs": float(len(other_part))},
            )
        )
    return findings


def sizes(items: Items) -> list[Finding]:
    """Identities with one item, and identities that own much more than others."""
    if items.pairs is not None:
        return []
    names, counts = np.unique(items.identities, return_counts=True)
    findings = []
    single = np.flatnonzero(counts == 1)
    if len(single) == len(names):
        findings.append(
            Finding(
                "no_same_pairs",
                "alarm",
                f"None of the {len(names):,} identities has two items, so that there is no same "
                "pair to learn from or to measure on.",
                _first_of(items, names[single[:SHOWN]]),
                "Add a second item of as many identities as possible.",
                {"identities": float(len(names))},
            )
        )
        return findings
    if len(single):
        findings.append(
            Finding(
                "single_items",
                "note",
                f"{count_words(len(single), 'identity has', 'identities have')} one item, of "
                f"{len(names):,}: they make different pairs only.",
                _first_of(items, names[single[:SHOWN]]),
                "",
                {"identities": float(len(single)), "of": float(len(names))},
            )
        )
    pairs = counts * (counts - 1) / 2
    largest = int(counts.argmax())
    share = float(pairs[largest] / pairs.sum())
    times = float(counts[largest] / np.median(counts))
    if len(names) > 2 and (share > _HALF or times >= _TIMES):
        findings.append(
            Finding(
                "class_imbalance",
                "note",
                f"{names[largest]} owns {counts[largest]:,} of {len(items):,} items and a share of "
                f"{share:.2f} of all same pairs; the median identity has {np.median(counts):g}.",
                _first_of(items, names[largest : largest + 1]),
                "Rates weigh identities equally; a sampler by classes (classes_by_items) keeps it "
                "from being most of what is learned.",
                {"items": float(counts[largest]), "share_of_same_pairs": share, "times": times},
            )
        )
    return findings


def unreadable_items(failed: Sequence[tuple[str, str]], count: int) -> list[Finding]:
    """Items that could not be read.

    Args:
        failed: Place and reason of each.
        count: How many items there are in all.
    """
    if not failed:
        return []
    return [
        Finding(
            "unreadable",
            "alarm" if len(failed) > count / 100 else "note",
            f"{count_words(len(failed), 'item')} of {count:,} cannot be read.",
            tuple(Evidence(place, why) for place, why in failed[:SHOWN]),
            "Replace or remove them.",
            {"items": float(len(failed)), "of": float(count)},
        )
    ]


def _grouped(of: Int[Array, "n"], counts: Int[Array, "k"]) -> list[Array]:
    """The rows of each group that has two or more, in the order of their first rows."""
    order = np.argsort(of, kind="stable")
    groups = np.split(order, np.cumsum(counts)[:-1])
    return sorted((rows for rows in groups if len(rows) > 1), key=lambda rows: int(rows[0]))


def _things(groups: Sequence[Array]) -> str:
    items = sum(len(rows) for rows in groups)
    what = "stands" if len(groups) == 1 else "stand"
    return f"{count_words(len(groups), 'content')} ({count_words(items, 'item')}) {what}"


def _figures(groups: Sequence[Array]) -> dict[str, float]:
    return {"contents": float(len(groups)), "items": float(sum(len(rows) for rows in groups))}


def _evidence(
    items: Items, groups: Sequence[Array], column: Shaped[Array, "n"]
) -> tuple[Evidence, ...]:
    return tuple(
        evidence_of(items, row, str(column[row]), number)
        for number, rows in enumerate(groups[:SHOWN])
        for row in rows[:EACH].tolist()
    )


def _pairs(
    items: Items, copies: Sequence[Copy], column: Shaped[Array, "n"]
) -> tuple[Evidence, ...]:
    return tuple(
        evidence_of(items, row, str(column[row]), number)
        for number, copy in enumerate(copies[:SHOWN])
        for row in (copy.first, copy.second)
    )


def _first_of(items: Items, names: Shaped[Array, "k"]) -> tuple[Evidence, ...]:
    rows = [int(np.flatnonzero(items.identities == name)[0]) for name in names]
    return tuple(
        evidence_of(items, row, str(items.identities[row]), number)
        for number, row in enumerate(rows)
    )
