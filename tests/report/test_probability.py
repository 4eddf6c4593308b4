"""The reliability diagram of the report."""

import json
from dataclasses import replace

import numpy as np

from likewise.report import probability, render
from likewise.results.probability import Choice, Probability, Reliability
from tests.report.test_page import EVALUATION, REPORT, Tree

FOUND = Probability(
    prior=0.5,
    log_loss=0.2,
    uninformed=0.6931,
    brier=0.06,
    calibration_error=0.021,
    cllr=0.29,
    minimum_cllr=0.27,
    reliability=(
        Reliability(0.0, 0.5, 0.6, 0.1, 0.12, 0.08, 0.2, 40, 900),
        Reliability(0.5, 1.0, 0.4, 0.9, 0.88, None, None, 700, 30),
    ),
)


def test_what_was_said_is_drawn_against_what_was_seen():
    figure = probability.reliability_figure(FOUND)
    diagonal, seen = json.loads(figure.content)["data"]
    assert (diagonal["x"], diagonal["y"]) == ([0, 1], [0, 1])
    assert (seen["x"], seen["y"]) == ([0.1, 0.9], [0.12, 0.88])
    assert np.allclose(seen["error_y"]["array"], [0.08, 0.0])
    assert np.allclose(seen["error_y"]["arrayminus"], [0.04, 0.0])
    assert "said 0.900, seen 0.880" in figure.gist


def test_the_section_says_the_prior_the_figures_and_who_was_chosen():
    evaluation = replace(EVALUATION, probability=FOUND)
    choice = Choice("beta", {"logistic": 0.31, "beta": 0.3}, 5, "beta did <best>.")
    page = render(replace(REPORT, evaluation=evaluation, choice=choice))
    (section,) = Tree(page).root.all("section", id="probability")
    for words in ("prior 0.5", "0.060", "0.021", "beta did <best>.", "logistic 0.3100"):
        assert words in section.text


def test_without_probabilities_there_is_no_such_section():
    assert not Tree(render(REPORT)).root.all("section", id="probability")
