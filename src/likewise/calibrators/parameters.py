"""What a calibrator learned, read back from numbers that nobody vouches for."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from likewise.errors import BadArgument
from likewise.shapes import Array, Float

_LARGEST = float(np.finfo(np.float64).max)
LARGEST_RATIO = 50.0
"""A log-likelihood ratio is within the logarithm of its trials, of which there are below 2^64."""


def check_keys(calibrator: str, parameters: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Refuse other parameters than those that a calibrator stores.

    Raises:
        BadArgument: Naming what is missing or unknown.
    """
    if sorted(parameters) != sorted(names):
        given = ", ".join(sorted(map(str, parameters))[:20]) or "none"
        raise BadArgument(
            f"{calibrator}: the parameters are {given[:200]}, and exactly {', '.join(names)} are "
            "expected. Calibrate again."
        )


def plain_parameters(
    calibrator: str,
    parameters: Mapping[str, Any],
    names: tuple[str, ...],
    not_negative: tuple[str, ...] = (),
) -> dict[str, float]:
    """Parameters that are plain numbers, with the bounds `low` and `high` among them.

    Args:
        calibrator: Whose they are, for errors.
        parameters: As they were stored.
        names: What is expected, without the bounds.
        not_negative: Those that are at least 0, so that the ratio never rises with the distance.

    Raises:
        BadArgument: If one is missing, unknown, no finite number, or of the wrong sign.
    """
    check_keys(calibrator, parameters, (*names, "low", "high"))
    found = {}
    for name, value in parameters.items():
        plain = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
        # A whole number may be beyond floats.
        found[name] = float(value) if plain and abs(value) < _LARGEST else float("nan")
        if not np.isfinite(found[name]) or (name in not_negative and found[name] < 0):
            sort = "a finite number from 0" if name in not_negative else "a finite number"
            raise BadArgument(
                f"{calibrator}: {name} is {str(value)[:80]}, and {sort} is expected. "
                "Calibrate again."
            )
    if max(-found["low"], found["high"]) > LARGEST_RATIO:
        raise BadArgument(
            f"{calibrator}: the ratio is bounded by {found['low']:g} and {found['high']:g}, and no "
            f"number of trials supports more than {LARGEST_RATIO:g}. Calibrate again."
        )
    if not found["low"] <= 0 <= found["high"]:
        raise BadArgument(
            f"{calibrator}: the ratio is bounded by {found['low']:g} and {found['high']:g}, and "
            "bounds on both sides of 0 are expected. Calibrate again."
        )
    return found


def knots(
    calibrator: str, parameters: Mapping[str, Any]
) -> tuple[Float[Array, "knots"], Float[Array, "knots"]]:
    """Parameters that are the knots of a line that never rises: `distances` and `ratios`.

    Raises:
        BadArgument: If they are no such knots.
    """
    check_keys(calibrator, parameters, ("distances", "ratios"))
    try:
        distances, ratios = (
            np.asarray(parameters[name], dtype=np.float64) for name in ("distances", "ratios")
        )
    except (ValueError, TypeError, OverflowError):
        distances = ratios = np.zeros(0)
    if not (
        distances.ndim == 1
        and len(distances)
        and distances.shape == ratios.shape
        and np.isfinite(distances).all()
        and np.isfinite(ratios).all()
        and np.abs(ratios).max() <= LARGEST_RATIO
        and (np.diff(distances) > 0).all()
        and (np.diff(ratios) <= 0).all()
    ):
        raise BadArgument(
            f"{calibrator}: {distances.size} distances and {ratios.size} ratios are no knots. "
            "Give as many of each, finite, distances that rise and ratios that do not. Calibrate "
            "again."
        )
    return distances, ratios
