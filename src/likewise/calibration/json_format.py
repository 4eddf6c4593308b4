"""Named calibrations as text: `calibration.json`, written and read with every value checked."""

import json
import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

from likewise.calibration.calibration import PREFERRED, Calibration
from likewise.calibration.grades import MOST_KNOTS, GradeCalibration
from likewise.calibrators import FAMILY as CALIBRATORS
from likewise.errors import DamagedModel
from likewise.io.display import printable, shortened
from likewise.results import (
    EQUAL_ERROR,
    Choice,
    Criterion,
    ErrorRates,
    OperatingPoint,
    Rate,
    to_plain,
)
from likewise.types import Claim

MOST_POINTS = 100
POPULATIONS = ("", "skilled", "random", "both")
UNITS = ("identities", "items", "groups of linked pairs")


def to_json(calibrations: Mapping[str, Calibration]) -> bytes:
    """Named calibrations as the bytes of `calibration.json`."""
    plain = {name: to_plain(calibration) for name, calibration in calibrations.items()}
    return json.dumps(plain, indent=1, allow_nan=False).encode()


def from_json(data: bytes) -> dict[str, Calibration]:
    """Read `calibration.json`.

    Raises:
        DamagedModel: If it is not what `to_json` writes.
    """
    try:
        return {_name(name): _calibration(plain) for name, plain in json.loads(data).items()}
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise _unread(error) from error
    except (ArithmeticError, RecursionError) as error:  # a number beyond floats; nested lists
        raise _unread(error) from error


def _unread(error: Exception) -> DamagedModel:
    return DamagedModel(
        f"calibration.json cannot be read ({type(error).__name__}: {shortened(error, 300)}). "
        "Calibrate again, or restore the model from where it came."
    )


def _calibration(plain: Mapping[str, Any]) -> Calibration:
    claim = Claim(plain["claim"])
    known = claim is Claim.KNOWN_CLASSES
    calibration = Calibration(
        claim=claim,
        calibrator=str(CALIBRATORS.check(_words(plain["calibrator"], 1000))),
        parameters={str(k): _parameter(v) for k, v in plain["parameters"].items()},
        points=tuple(_point(point) for point in plain["points"]),
        units=_count(plain["units"]),
        unit=str(plain.get("unit") or ("items" if known else "identities")),
        limit=_limit(plain.get("limit", "plain")),
        choice=None if plain.get("choice") is None else _choice(plain["choice"]),
        source=_words(plain.get("source", "")),
        against=_words(plain.get("against", "")),
        preferred=_finite(plain.get("preferred", PREFERRED)),
        grades=None if plain.get("grades") is None else _grades(plain["grades"]),
    )
    if calibration.unit not in UNITS:
        raise ValueError(f"{calibration.unit!r} is no unit")
    if calibration.against not in POPULATIONS:
        raise ValueError(f"{calibration.against!r} is no population of different pairs")
    names = [point.name for point in calibration.points]
    if EQUAL_ERROR.sort not in names:
        raise ValueError("no point is named eer")
    if len(names) > MOST_POINTS or len(set(names)) < len(names):
        raise ValueError(f"more than {MOST_POINTS} points, or two of one name")
    calibration.decide(1.0)
    return calibration


def _choice(plain: Mapping[str, Any]) -> Choice:
    losses = {_words(spec, 1000): _finite(loss) for spec, loss in plain["losses"].items()}
    if len(losses) > MOST_POINTS:
        raise ValueError(f"more than {MOST_POINTS} calibrators to choose from")
    return Choice(
        calibrator=_words(plain["calibrator"], 1000),
        losses=losses,
        folds=_count(plain["folds"]),
        reason=_words(plain["reason"]),
    )


def _grades(plain: Mapping[str, Any]) -> GradeCalibration:
    half = None if plain["half_width"] is None else _finite(plain["half_width"])
    found = GradeCalibration(
        distances=tuple(_finite(one) for one in plain["distances"]),
        grades=tuple(_finite(one) for one in plain["grades"]),
        low=_finite(plain["low"]),
        high=_finite(plain["high"]),
        half_width=half,
        coverage=_finite(plain["coverage"]),
        fitted_on=_count(plain["fitted_on"]),
        measured_on=_count(plain["measured_on"]),
        reason=_words(plain["reason"]),
    )
    distances, grades = found.distances, found.grades
    if not 1 <= len(distances) == len(grades) <= MOST_KNOTS:
        raise ValueError(f"{len(distances)} distances and {len(grades)} grades are no knots")
    if any(one >= other for one, other in pairwise(distances)) or distances[0] < 0:
        raise ValueError("the distances of the grades do not rise from 0 on")
    if any(one < other for one, other in pairwise(grades)):
        raise ValueError("the grades rise with the distance")
    if not found.low <= grades[-1] <= grades[0] <= found.high:
        raise ValueError("a grade lies beyond those seen")
    if half is not None and half < 0:
        raise ValueError(f"{half} is no half width")
    if not 0 < found.coverage < 1:
        raise ValueError(f"{found.coverage} is no coverage")
    if (half is None) != bool(found.reason):
        raise ValueError("an interval of grades needs a half width, or a reason why there is none")
    return found


def _limit(value: object) -> Literal["plain", "guarantee"]:
    if value not in ("plain", "guarantee"):
        raise ValueError(f"{value!r} is neither plain nor guarantee")
    return "guarantee" if value == "guarantee" else "plain"


def _parameter(value: object) -> float | list[float]:
    return [_finite(one) for one in value] if isinstance(value, list) else _finite(value)


def _point(plain: Mapping[str, Any]) -> OperatingPoint:
    criterion = Criterion.parse(_words(plain["name"]))
    if plain["target"] != criterion.target:
        raise ValueError(f"{plain['target']!r} is not the target of {criterion}")
    return OperatingPoint(
        criterion=criterion,
        threshold=_threshold(plain["threshold"]),
        supported=_truth(plain["supported"]),
        reason=_words(plain["reason"]),
        calibrate=_rates(plain["calibrate"]),
        test=None if plain["test"] is None else _rates(plain["test"]),
    )


def _rates(plain: Mapping[str, Any]) -> ErrorRates:
    return ErrorRates(_rate(plain["far"]), _rate(plain["frr"]))


def _threshold(value: object) -> float:
    found = _finite(value)
    if found < 0:
        raise ValueError(f"the threshold {found:g} is below 0, and no distance is")
    return found


def _rate(plain: Mapping[str, Any]) -> Rate:
    """A rate that its own counts and interval do not contradict."""
    rate = _plain_rate(plain)
    if not 0 <= rate.value <= 1:
        raise ValueError(f"the rate {rate.value:g} is none between 0 and 1")
    if rate.errors > rate.trials:
        raise ValueError(f"{rate.errors:,} errors in {rate.trials:,} trials")
    if (rate.low is None) != (rate.high is None):
        raise ValueError("an interval has one end")
    if rate.low is not None and rate.high is not None:
        slack = 1e-9
        inside = rate.low - slack <= rate.value <= rate.high + slack
        if not (inside and rate.low >= -slack and rate.high <= 1 + slack):
            ends = f"{rate.low:g} to {rate.high:g}"
            raise ValueError(
                f"the rate {rate.value:g} and its interval {ends} contradict each other"
            )
    return rate


def _plain_rate(plain: Mapping[str, Any]) -> Rate:
    return Rate(
        value=_finite(plain["value"]),
        errors=_count(plain["errors"]),
        trials=_count(plain["trials"]),
        units=_count(plain["units"]),
        low=None if plain["low"] is None else _finite(plain["low"]),
        high=None if plain["high"] is None else _finite(plain["high"]),
    )


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"{value!r} is not a count")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _name(value: object) -> str:
    name = _words(value, 1000)
    if name != value:
        raise ValueError(f"the name {name!r} holds characters that cannot be seen")
    return name


def _words(value: object, most: int = 10_000) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise TypeError(f"{value!r} is no text of at most {most} characters")
    return printable(value)
