"""How error rates read on a terminal: by population, by group, and what failed to enrol."""

from typing import Any


def rate_words(rate: Any, unit: str) -> str:
    """A rate with its interval, the counts behind it, and what its trials are called."""
    counts = f"{rate.errors:,} of {rate.trials:,} pairs"
    if rate.low is None:
        return f"{rate.value:.4f} ({counts}; too few {unit} for an interval)"
    return f"{rate.value:.4f} (95% interval {rate.low:.4f} to {rate.high:.4f}; {counts})"


def claim_words(found: Any) -> str:
    """What rates claim, in words that name their trials."""
    from likewise.results import claim_sentence

    return claim_sentence(found.claim, found.unit)


def rate_lines(rates: Any, populations: Any, against: str, unit: str) -> list[str]:
    """Both error rates, that of false accepts for each population of different pairs.

    Args:
        rates: Those that the threshold was fitted for.
        populations: Those of each population; empty where nothing is forged.
        against: Which population that is.
        unit: What the trials are called.
    """
    names = {"skilled": "skilled forgeries", "random": "genuine items of others"}
    each = [(f" of {names[name]}", one.far) for name, one in populations.items()]
    if against == "both":
        each.append((", both weighing half", rates.far))
    lines = [
        f"  false accepts{of} {rate_words(far, unit)}" for of, far in each or [("", rates.far)]
    ]
    return [*lines, f"  false rejects {rate_words(rates.frr, unit)}"]


def promise_lines(found: Any, point: Any) -> list[str]:
    """Whether an operating point keeps the rate that it was fitted for; none where nobody knows."""
    from likewise.report import promise

    kept = found.promises.get(point.name)
    return [] if kept is None else [f"  {promise(kept)}"]


def failure_lines(failed: Any, enrolment: Any) -> list[str]:
    """Which items could not be enrolled, and their share."""
    if not failed:
        return []
    share = lost = ""
    if enrolment is not None:
        share = f" of {enrolment.items:,} (failures to enrol, rate {enrolment.rate:.4f})"
        if enrolment.identities_lost:
            lost = f"; of {enrolment.identities_lost} identities nothing is left"
    lines = [f"{len(failed):,} items failed to read or embed{share}, and are in no rate{lost}:"]
    lines += [f"  {place}: {reason}" for place, reason in failed[:10]]
    return [*lines, f"  and {len(failed) - 10} more"] if len(failed) > 10 else lines


def group_lines(evaluation: Any) -> list[str]:
    """The rates of each group, and how far the extremes are apart."""
    found = evaluation.groups
    if found is None:
        return []
    unit = evaluation.verification.unit
    lines = [
        f"by {found.by}, at the threshold {found.threshold:.4f}, pairs within each group:",
    ]
    for group in found.groups:
        name = group.name or "(none)"
        lines.append(f"  {name}: {group.items:,} items in {group.units:,} {unit}")
        if group.rates is None:
            lines.append(f"    not measured. {group.reason}")
            continue
        lines += [f"  {line}" for line in rate_lines(group.rates, {}, "", unit)]
    for noun, ratio in (("FAR", found.far_ratio), ("FRR", found.frr_ratio)):
        if ratio is not None:
            lines.append(
                f"  the largest {noun} of a group is {ratio.ratio:.2f} times the smallest "
                f"({ratio.highest} {ratio.high:.4f}, {ratio.lowest} {ratio.low:.4f})"
                if ratio.ratio is not None
                else f"  the smallest {noun} is 0 ({ratio.lowest}), the largest {ratio.high:.4f} "
                f"({ratio.highest})"
            )
    return lines
