"""How it reads what is there twice."""

from typing import TYPE_CHECKING

from likewise.cli.text.output import failed_lines

if TYPE_CHECKING:
    from likewise.duplicates import Duplicates, ReviewedPrecision

_NAMED = 10


def duplicate_lines(found: "Duplicates") -> list[str]:
    """Return what is there twice, as the lines that a person reads."""
    copies = int(found.same_bytes.sum())
    remembered = f", {found.remembered:,} from the cache" if found.remembered else ""
    lines = [
        (
            f"{len(found.places):,} items of {found.source}, compared by {found.compared_by} "
            f"({found.embedded:,} new{remembered})"
        ),
        f"  threshold {found.threshold.value:.4g}, {found.threshold.words}",
    ]
    if found.threshold.expectation:
        lines.append(f"  by chance: {found.threshold.expectation}")
    if len(found):
        some = "1 group" if len(found) == 1 else f"{len(found):,} groups"
        lines.append(f"{some} of {sum(map(len, found.members)):,} items: {found.alike}")
    else:
        lines.append("nothing is there twice")
    lines.append(
        f"  {copies:,} copies byte for byte, {len(found.first) - copies:,} pairs that look alike"
    )
    if found.linking:
        lines.append(f"  {found.linking:,} of these pairs link items of two groups")
    if len(found) > _NAMED:
        lines.append(f"the {_NAMED} surest of them:")
    for number in found.surest[:_NAMED]:
        members = found.members[number]
        farthest = max(float(found.distances[at]) for at in found.pairs_of[number])
        shown = ", ".join(str(found.places[row]) for row in members[:3])
        more = f" and {len(members) - 3} more" if len(members) > 3 else ""
        lines.append(f"group {number + 1}: {shown}{more}, at most {farthest:.4g} apart")
    if len(found) > _NAMED:
        rest = len(found) - _NAMED
        lines.append(f"and {rest:,} more group{'' if rest == 1 else 's'}")
    return lines + failed_lines(found.failed, ", all named with --json")


def precision_lines(found: "ReviewedPrecision") -> list[str]:
    """Return what a labelled sample shows, as the lines that a person reads."""
    pairs = sum(one.pairs for one in found.strata)
    labelled = sum(one.labelled for one in found.strata)
    lines = [
        (
            f"{found.value:.4f} of {pairs:,} pairs are the same (95% interval {found.low:.4f} to "
            f"{found.high:.4f}; {labelled:,} labelled)"
        )
    ]
    lines += [
        f"  stratum {number}: {one.same} of {one.labelled} labelled, of {one.pairs:,} pairs"
        for number, one in enumerate(found.strata, 1)
    ]
    if found.unlabelled:
        lines.append(f"  {found.unlabelled:,} pairs of the sample are not labelled")
    return lines
