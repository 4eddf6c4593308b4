"""What a point was fitted for, and its name."""

from dataclasses import asdict

import pytest

from likewise.errors import BadArgument
from likewise.results import Criterion, ErrorRates, OperatingPoint, Rate, to_plain

NAMES = {
    "far=0.01": Criterion.of_rate(0.01),
    "far<=1e-05": Criterion.of_rate(1e-5, guaranteed=True),
    "eer": Criterion("eer"),
    "balanced": Criterion("balanced"),
    "cost=10:1": Criterion.of_costs((10, 1)),
    "cost=10:0.25 prior=0.2": Criterion.of_costs((10, 0.25), 0.2),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_as_it_is_printed(name):
    assert str(NAMES[name]) == name
    assert Criterion.parse(name) == NAMES[name]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "err",
        "far",
        "far=",
        "far=x",
        "far=0",
        "far<0.1",
        "far=nan",
        "cost=10",
        "cost=0:1",
        "cost=10:1 prior=1",
        "cost=10:1 prior=",
        "balanced ",
        "far=0.1 prior=0.2",
    ],
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(BadArgument, match="is the name of no operating point"):
        Criterion.parse(name)


def test_what_is_least_is_said_by_weights():
    assert Criterion.parse("cost=10:1 prior=0.2").weights == (8.0, 0.2)
    assert Criterion("balanced").weights == (0.5, 0.5)
    assert Criterion("eer").weights is None
    assert Criterion.of_rate(0.01).weights is None


def test_a_point_is_written_with_its_name_and_target():
    rate = Rate(0.1, 1, 10, 5, None, None)
    rates = ErrorRates(rate, rate)
    point = OperatingPoint(Criterion.of_rate(0.05), 0.7, True, "", rates, None)
    assert to_plain({"points": (point,)}) == {
        "points": [
            {
                "name": "far=0.05",
                "target": 0.05,
                "threshold": 0.7,
                "supported": True,
                "reason": "",
                "calibrate": asdict(rates),
                "test": None,
            }
        ]
    }
