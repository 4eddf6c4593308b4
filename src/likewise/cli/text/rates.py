"""How rates read on a terminal: of a threshold, by population, by group, and what was left out."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from likewise.cli.text.output import first_of
from likewise.report import counts, measured, promise

if TYPE_CHECKING:
    from likewise.results import (
        Accuracy,
        Enrolment,
        ErrorRates,
        Evaluation,
        OperatingPoint,
        Rate,
        Verification,
    )


def rate_words(rate: "Rate", unit: str) -> str:
    """Return a rate with its interval, the counts behind it, and what its trials are called."""
    return measured(rate, unit, counts(rate))


def right_words(found: "Accuracy", unit: str, *, balanced: bool = False) -> str:
    """Return an accuracy with its interval and counts; balanced, both sorts of pairs weigh half."""
    right = f"{found.right:,} of {found.trials:,} pairs"
    right = f"same and different pairs weigh half each, {right} right" if balanced else right
    return measured(found, unit, right)


def by_population(rates: Mapping[str, float]) -> str:
    """Return the rate of each population of different pairs; empty where nothing is forged."""
    told = ", ".join(f"{name} {value:.4f}" for name, value in rates.items())
    return f" ({told})" if told else ""


def rate_lines(
    rates: "ErrorRates", populations: "Mapping[str, ErrorRates]", against: str, unit: str
) -> list[str]:
    """Return both error rates, that of false accepts for each population of different pairs.

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


def point_lines(found: "Verification", point: "OperatingPoint", mark: str = "") -> list[str]:
    """Return an operating point, its rates, and whether it keeps the one that it was fitted for.

    Args:
        found: Whose point it is.
        point: One of its points.
        mark: What stands behind the threshold.
    """
    lines = [f"{point.name}: threshold {point.threshold:.4f}{mark}"]
    if not point.supported:
        return [*lines, f"  not supported. {point.reason}"]
    if point.test is None:
        return [*lines, "  not measured on other data"]
    at = found.points.index(point)
    each = {name: rates[at] for name, rates in found.populations.items()}
    lines += rate_lines(point.test, each, found.against, found.unit)
    kept = found.promises.get(point.name)
    return lines if kept is None else [*lines, f"  {promise(kept)}"]


def failure_lines(failed: Sequence[tuple[str, str]], enrolment: "Enrolment | None") -> list[str]:
    """Return which items could not be enrolled, and their share."""
    if not failed:
        return []
    share = lost = ""
    if enrolment is not None:
        share = f" of {enrolment.items:,} (failures to enrol, rate {enrolment.rate:.4f})"
        if enrolment.identities_lost:
            lost = f"; of {enrolment.identities_lost} identities nothing is left"
    return [
        f"{len(failed):,} items failed to read or embed{share}, and are in no rate{lost}:",
        *first_of([f"{place}: {reason}" for place, reason in failed]),
    ]


def group_lines(evaluation: "Evaluation") -> list[str]:
    """Return the rates of each group, and how far the extremes are apart."""
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
