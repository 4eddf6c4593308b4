"""A calibration that a file holds is refused by what is wrong in it."""

import json
from pathlib import Path

import pytest

from likewise.calibration.json_format import from_json
from likewise.errors import DamagedModel

GOLDEN = Path(__file__).parents[1] / "golden" / "graded" / "calibration.json"


def damaged(where: str, value: object) -> bytes:
    """The golden calibration with another value at a place such as `grades.low`."""
    plain = json.loads(GOLDEN.read_text(encoding="utf-8"))
    part = plain["default"]
    *path, last = where.split(".")
    for name in path:
        part = part[int(name) if name.isdigit() else name]
    assert last in part
    part[last] = value
    return json.dumps(plain).encode()


def grades(change) -> list[float]:
    held = json.loads(GOLDEN.read_text(encoding="utf-8"))["default"]["grades"]["grades"]
    change(held)
    return held


def test_the_golden_calibration_is_read():
    found = from_json(GOLDEN.read_bytes())["default"]
    assert found.grades.fitted_on == 22
    assert found.units > 0


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("grades.grades", grades(lambda held: held.__setitem__(-1, -1.0)), "beyond those seen"),
        ("grades.grades", grades(lambda held: held.__setitem__(0, 5.5)), "beyond those seen"),
        ("grades.grades", grades(lambda held: held.__setitem__(-1, 4.9)), "rise with the distance"),
        ("grades.coverage", 1.0, "is no coverage"),
        ("grades.coverage", 0.0, "is no coverage"),
        ("grades.half_width", -0.1, "is no half width"),
        ("grades.fitted_on", 2**63, "is not a count"),
        ("grades.fitted_on", -1, "is not a count"),
        ("grades.fitted_on", True, "is not a count"),
        ("grades.low", True, "is not a finite number"),
        ("grades.reason", "x" * 10_001, "cannot be read .TypeError: .xxx"),
        ("units", 2.0, "is not a count"),
        ("claim", "nothing", "nothing"),
        ("points.0.threshold", -0.1, "the threshold -0.1 is below 0"),
        ("points.0.calibrate.far.value", 1.5, "is none between 0 and 1"),
        ("points.0.calibrate.far.value", -0.1, "is none between 0 and 1"),
        ("points.0.calibrate.far.errors", 10**9, "errors in"),
        ("points.0.calibrate.far.low", 0.99, "contradict each other|has one end"),
        ("points.0.calibrate.frr.high", 1e-9, "contradict each other|has one end"),
        ("parameters.high", 1e300, "supports more than 50"),
        ("parameters.low", -51.0, "supports more than 50"),
    ],
)
def test_what_is_wrong_in_a_calibration_is_named(where, value, message):
    with pytest.raises(DamagedModel, match=message):
        from_json(damaged(where, value))


def test_a_name_that_cannot_be_seen_is_refused():
    plain = json.loads(GOLDEN.read_text(encoding="utf-8"))
    data = json.dumps({"cli\u202enic": plain["default"]}).encode()
    with pytest.raises(DamagedModel, match="holds characters that cannot be seen"):
        from_json(data)


def test_the_largest_count_and_the_longest_words_are_read():
    assert (
        from_json(damaged("grades.fitted_on", 2**63 - 1))["default"].grades.fitted_on == 2**63 - 1
    )
    held = from_json(damaged("source", "x" * 10_000))["default"]
    assert len(held.source) == 10_000
