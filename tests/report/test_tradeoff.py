"""The curves and the movable threshold of the report."""

import json
import re
from dataclasses import replace

import numpy as np

from likewise.report import render, tradeoff
from likewise.results.curves import Curve
from tests.report.test_page import EVALUATION, POINTS, REPORT, VERIFICATION, Tree

THRESHOLDS = np.array([0.1, 0.5, 0.7, 0.9])
CURVE = Curve(
    THRESHOLDS,
    np.array([0.0, 0.01, 0.05, 0.3]),
    np.array([0.5, 0.1, 0.03, 0.0]),
)
FOUND = replace(VERIFICATION, curve=CURVE)


def test_the_curves_pass_through_the_rates():
    det = json.loads(tradeoff.det_figure(CURVE, POINTS, "far=0.05").content)
    curve, *marks = det["data"]
    assert len(curve["x"]) == 4
    # 0.05 and 0.03 as normal deviates
    assert np.allclose([curve["x"][2], curve["y"][2]], [-1.6449, -1.8808], atol=1e-4)
    assert [mark["name"] for mark in marks] == [point.name for point in POINTS]
    roc = json.loads(tradeoff.roc_figure(CURVE, POINTS, "far=0.05").content)
    assert np.allclose(roc["data"][0]["y"], [0.9, 0.97, 1.0])


def test_the_marks_carry_their_intervals():
    roc = json.loads(tradeoff.roc_figure(CURVE, POINTS, "far=0.05").content)
    mark = roc["data"][2]
    far, frr = POINTS[1].test.far, POINTS[1].test.frr
    assert np.isclose(mark["x"][0] + mark["error_x"]["array"][0], far.high)
    assert np.isclose(mark["x"][0] - mark["error_x"]["arrayminus"][0], far.low)
    assert np.isclose(mark["y"][0] + mark["error_y"]["array"][0], 1 - frr.low)
    assert np.isclose(mark["y"][0] - mark["error_y"]["arrayminus"][0], 1 - frr.high)


def test_the_words_beside_a_curve_name_rates_of_the_curve():
    gist = tradeoff.det_figure(CURVE, POINTS, "").gist
    assert "FRR 0.100 at FAR 0.01" in gist
    assert "FRR 0.030 at FAR 0.1" in gist


def test_the_slider_shows_both_rates_and_both_counts_and_starts_where_verify_does():
    page = render(replace(REPORT, evaluation=replace(EVALUATION, verification=FOUND)))
    tree = Tree(page).root
    (box,) = tree.all("div", **{"class": "slider"})
    (range_,) = box.all("input", type="range")
    assert (range_.attributes["max"], range_.attributes["value"]) == ("3", "2")
    rates = {
        n.attributes["data-rate"]: n.text for n in box.all("td") if "data-rate" in n.attributes
    }
    counts = {n.attributes["data-count"]: n.text for n in box.all("span")}
    assert rates == {"far": "0.050", "frr": "0.030"}
    assert counts == {"far": "50", "frr": "30"}
    assert [n.attributes["value"] for n in box.all("input", type="number")] == ["1000", "1000"]
    (output,) = box.all("output")
    assert output.text == "0.7"
    (script,) = box.all("script")
    values = json.loads(script.text)
    assert values["far"] == CURVE.far.tolist()
    assert values["frr"] == CURVE.frr.tolist()


def test_without_a_curve_there_is_no_such_section():
    page = render(REPORT)
    assert not re.search(r'<section id="errors"', page)
