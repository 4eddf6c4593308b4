"""Tables of error rates by population (genuine and forged) and by group of items."""

import html
from collections.abc import Mapping, Sequence

from likewise.report import document, wording
from likewise.results import ErrorRates, Evaluation, Extremes, OperatingPoint, Verification


def populations(found: Verification, default: str) -> str:
    """The false-accept rate of every population at every point; empty where nothing is forged.

    Args:
        found: Whose rates.
        default: Name of the operating point that `verify` uses; empty if none is supported.
    """
    if not found.populations:
        return ""
    eers = ", ".join(
        f"{html.escape(name)} {wording.fraction(eer)}"
        for name, eer in found.population_eers.items()
    )
    return population_table(found.points, found.populations, found.unit, default) + (
        '<p class="note">Skilled forgeries are forged items held against the genuine items of the '
        "identity they imitate, random ones genuine items of another identity. The thresholds were "
        f"fitted against {html.escape(found.against)}. Equal error rates on these items, which "
        f"promise nothing: {eers}.</p>"
    )


def population_table(
    points: Sequence[OperatingPoint],
    populations: Mapping[str, Sequence[ErrorRates]],
    unit: str,
    default: str,
) -> str:
    """A table of the false-accept rates.

    Args:
        points: The rows.
        populations: Name of each population of different pairs, and its rates at every point.
        unit: What the trials are called.
        default: Name of the point that stands out.
    """
    names = list(populations)
    rows = [
        f'<tr class="{"chosen" if point.name == default else ""}">'
        f'<th scope="row">{html.escape(point.name)}</th>'
        + "".join(
            "<td>"
            + document.rate_cell(populations[name][at].far, unit, supported=point.supported)
            + "</td>"
            for name in names
        )
        + "</tr>"
        for at, point in enumerate(points)
    ]
    columns = ("point", *(f"FAR, {html.escape(name)} forgeries" for name in names))
    return document.table(columns, rows, "Populations")


def groups(evaluation: Evaluation) -> str:
    """Both error rates of each group at the frozen threshold; empty where nobody asked."""
    found = evaluation.groups
    if found is None:
        return ""
    unit = evaluation.verification.unit
    rows = [
        f'<tr><th scope="row">{document.path(group.name)}</th>'
        f"<td>{group.items:,} of {group.units:,}</td>"
        + (
            f'<td colspan="2">{html.escape(group.reason)}</td>'
            if group.rates is None
            else "".join(
                f"<td>{document.rate_cell(rate, unit, supported=True)}</td>"
                for rate in (group.rates.far, group.rates.frr)
            )
        )
        + "</tr>"
        for group in found.groups
    ]
    columns = (html.escape(found.by), "items, identities", "FAR", "FRR")
    apart = [_apart("FAR", found.far_ratio), _apart("FRR", found.frr_ratio)]
    return (
        f"{document.table(columns, rows, f'Rates by {found.by}')}"
        f'<p class="note">All at the same threshold, {wording.distance(found.threshold)}; pairs '
        f"within a group only. {' '.join(line for line in apart if line)}</p>"
    )


def _apart(rate: str, extremes: Extremes | None) -> str:
    if extremes is None:
        return ""
    times = "" if extremes.ratio is None else f", {extremes.ratio:.2g} times as much"
    return (
        f"{rate} is highest for {html.escape(extremes.highest)} "
        f"({wording.fraction(extremes.high)}{times}) and lowest for "
        f"{html.escape(extremes.lowest)} ({wording.fraction(extremes.low)})."
    )
