"""Rates as the cells of a frame, and in a few words."""

from collections.abc import Iterable

from likewise.results.points import OperatingPoint
from likewise.results.rates import ErrorRates
from likewise.results.result import Cell


def rate_cells(rates: ErrorRates | None) -> dict[str, Cell]:
    """Return both error rates with their intervals and counts, as cells of a frame."""
    if rates is None:
        return {}
    return {
        f"{name}{part}": getattr(rate, field)
        for name, rate in (("far", rates.far), ("frr", rates.frr))
        for part, field in (
            ("", "value"),
            ("_low", "low"),
            ("_high", "high"),
            ("_errors", "errors"),
            ("_trials", "trials"),
        )
    }


def point_rows(points: Iterable[OperatingPoint]) -> list[dict[str, Cell]]:
    """Return a row for each operating point: its threshold, and the rates measured for it."""
    return [
        {
            "point": one.name,
            "threshold": one.threshold,
            "supported": one.supported,
            **rate_cells(one.test),
        }
        for one in points
    ]


def rates_in_words(point: OperatingPoint | None) -> str:
    """Return the rates that an operating point was seen to have, in a few words."""
    if point is None or point.test is None:
        return "no error rate is supported"
    return f"FAR {point.test.far.value:.4f}, FRR {point.test.frr.value:.4f} at {point.name}"
