"""The pages of folds and of data alone, parsed where their structure matters."""

import os
from dataclasses import replace

import numpy as np
import pytest

from likewise.errors import BadArgument, MissingExtra
from likewise.evaluation.cross_validation import Fitting
from likewise.evaluation.pooled import Fold, PooledEvaluation, PooledPoint
from likewise.precomputed import PrecomputedComparisons, PrecomputedEmbeddings
from likewise.report import figures
from likewise.report.cross_validation import FoldsReport, render_folds
from likewise.report.precomputed import render_precomputed
from likewise.report.write import page_of
from likewise.report.write_precomputed import cross_fitted_report, frozen_report
from likewise.results import Criterion
from likewise.results.curves import Curve
from likewise.results.rates import Accuracy, ErrorRates
from likewise.tasks.precomputed import (
    calibrate_precomputed,
    evaluate_precomputed,
    evaluate_precomputed_at,
)
from likewise.types import Claim
from tests.report.test_page import EVALUATION, EVIL, FAR, FRR, VERIFICATION, Tree, point
from tests.report.test_probability import FOUND as PROBABILITY

RIGHT = Accuracy(0.957, 170000, 179700, 40, 0.931, 0.974)
CURVE = Curve(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.1, 1.0]), np.array([1.0, 0.2, 0.0]))
MEASURED = replace(VERIFICATION, curve=CURVE, points=(point("far=0.05", 0.7),))


def pooled_point(name="far=0.05", **changes):
    criterion = Criterion.parse(name)
    made = PooledPoint(criterion, (0.61, 0.72), True, "", ErrorRates(FAR, FRR), {}, RIGHT)
    return replace(made, **changes)


REFUSED = pooled_point(
    "far=0.001", supported=False, reason="In every fold: too few.", rates=None,
    balanced_accuracy=None,
)  # fmt: skip
FOUND = PooledEvaluation(
    source="faces", claim=Claim.NEW_IDENTITIES, unit="identities", comparator="euclidean",
    against="",
    folds=tuple(
        Fold(number, {"train": "20 people", "test": "10 people"},
             replace(EVALUATION, verification=replace(MEASURED, eer=0.01 * number)), 321.4)
        for number in (1, 2)
    ),
    points=(REFUSED, pooled_point(), pooled_point("balanced")), identities=40, items=400,
    same_pairs=1800, different_pairs=18000, eer=0.015, population_eers={}, one_shot=0.8,
    failed=(), default_point="far=0.05", probability=PROBABILITY,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _short_script(monkeypatch):
    monkeypatch.setattr(figures, "plotly_script", lambda: "/* plotly */")


def folds_page(**changes):
    found = replace(FOUND, **changes)
    return Tree(render_folds(FoldsReport(found, "seed = 0\n", ("again",), {"a": "b"}))).root


def part(page, name):
    (found,) = page.all("section", id=name)
    return found


def names(page):
    return [node.attributes["id"] for node in page.all("section")]


def rows(node):
    return [[cell.text for cell in [*row.all("th"), *row.all("td")]] for row in node.all("tr")]


def test_the_summary_of_folds_is_what_a_manager_can_read():
    text = part(folds_page(), "summary").text
    assert (
        "At each fold's own threshold, fitted for 1 false accept in 20, of 1,000 pairs of "
        "different things about 52 (between 31 and 80) are taken for the same, and of 1,000 "
        "pairs of the same thing about 34 (between 19 and 60) are taken for different. Each of 2 "
        "folds was trained, calibrated and tested on identities of its own; every one of the 40 "
        "was tested once." in text
    )
    assert "0.9570.931 to 0.974; 170,000 of 179,700 pairs" in text
    assert "the trials behind them are identities, not pairs" in text


def test_the_sections_of_folds():
    page = folds_page()
    assert names(page) == [
        "summary", "points", "folds", "errors", "probability", "data", "recipe", "rerun",
        "environment",
    ]  # fmt: skip
    head, refused, chosen, _ = rows(part(page, "points"))
    assert head == ["name", "target", "thresholds", "FAR", "FRR", "balanced accuracy"]
    assert refused == ["far=0.001", "0.001", "0.61 to 0.72", *["not supported"] * 3]
    assert chosen[0] == "far=0.05told in the summary"
    assert chosen[3] == "0.0520.031 to 0.0809,048 of 174,000pooled 0.052"
    assert chosen[5] == "0.9570.931 to 0.974"
    assert "far=0.001 is not supported. In every fold: too few." in part(page, "points").text
    assert rows(part(page, "folds")) == [
        ["fold", "EER", "threshold", "false accepts", "false rejects", "tested", "items a second"],
        ["fold 1", "0.010", "0.7", "0.0529,048 of 174,000", "0.034194 of 5,700", "30600 items",
         "321"],
        ["fold 2", "0.020", "0.7", "0.0529,048 of 174,000", "0.034194 of 5,700", "30600 items",
         "321"],
    ]  # fmt: skip


def test_curves_of_folds_stand_side_by_side_and_are_never_joined():
    figure = part(folds_page(), "errors")
    assert len(figure.all("script")) == 1
    assert "DET curves. DET curve" not in figure.text
    content = figure.all("script")[0].text
    for name in ("fold 1", "fold 2", "far=0.05", "balanced"):
        assert f'"name": "{name}"' in content
    assert "far=0.001" not in content


def test_populations_are_told_apart():
    skilled = replace(FAR, value=0.3, errors=300, trials=1000, low=0.21, high=0.4)
    each = {"skilled": ErrorRates(skilled, FRR), "random": ErrorRates(FAR, FRR)}
    eers = {"skilled": 0.21, "random": 0.04}
    seen = replace(EVALUATION, verification=replace(MEASURED, population_eers=eers))
    page = folds_page(
        folds=tuple(replace(fold, evaluation=seen) for fold in FOUND.folds),
        points=(REFUSED, pooled_point(populations=each)),
        against="skilled",
        population_eers=eers,
    )
    text = part(page, "summary").text
    assert "of 1,000 pairs of a genuine item and a skilled forgery about 300 (between 210" in text
    assert "of 1,000 pairs of genuine items of two identities about 52 (between 31 and 80)" in text
    assert "False accepts (FAR, skilled)" in text
    table = rows(part(page, "populations"))
    assert table[1][1:] == [
        "0.3000.210 to 0.400300 of 1,000pooled 0.300",
        "0.0520.031 to 0.0809,048 of 174,000pooled 0.052",
    ]
    assert rows(part(page, "folds"))[1][:3] == ["fold 1", "0.210", "0.040"]
    assert "promise nothing: skilled 0.210, random 0.040." in part(page, "populations").text


def test_where_not_every_fold_supports_a_rate_none_is_promised():
    page = folds_page(default_point="", points=(REFUSED, pooled_point("balanced")))
    text = part(page, "summary").text
    assert "No error rate is promised, because not every fold has the data for one" in text
    assert "at the threshold fitted for the least mean of both error rates, of 1,000" in text
    bare = folds_page(default_point="", points=(REFUSED,), probability=None)
    assert "What was measured" not in part(bare, "summary").text
    assert "probability" not in names(bare)


def test_what_comes_from_outside_stays_text():
    bad = replace(REFUSED, reason=EVIL)
    page = folds_page(source=EVIL, points=(bad,), failed=((EVIL, EVIL),), default_point="")
    assert all(
        node.attributes.get("type") == "application/json" or "alert" not in node.text
        for node in page.all("script")
    )
    assert EVIL in page.all("h1")[0].text
    assert EVIL in part(page, "failed").text


def comparisons(pairs=800, seed=0):
    random = np.random.default_rng(seed)
    same = np.arange(pairs) % 2
    distances = np.clip(random.normal(1 - 0.5 * same, 0.2), 0, None)
    return PrecomputedComparisons.of(same, distances, place="c.csv")


def test_the_page_of_data_alone():
    given = comparisons()
    found = evaluate_precomputed(given, folds=4, fitting=Fitting("logistic"))
    page = Tree(
        render_precomputed(cross_fitted_report(given, found, "likewise evaluate c.csv"))
    ).root
    assert names(page) == [
        "summary", "points", "folds", "distances", "errors", "probability", "rerun", "environment"
    ]  # fmt: skip
    chosen = next(p for p in found.verification.points if p.name == "far=0.1")
    text = part(page, "summary").text
    assert "At the threshold fitted for 1 false accept in 10, of 1,000 pairs of different" in text
    low, high = (f"{1000 * end:.0f}" for end in (chosen.test.far.low, chosen.test.far.high))
    assert f"(between {low} and {high}) are taken for the same" in text
    assert "Measured in 4 folds: each is decided by thresholds fitted on the others." in text
    assert "learned from these items, nothing here can tell" in text
    assert "Balanced accuracy" in text
    assert "never trained on" not in page.text
    table = rows(part(page, "folds"))
    assert [row[1] for row in table[1:]] == ["200"] * 4
    assert [row[2] for row in table[1:]] == [f"{t:.4g}" for t in found.thresholds["far=0.1"]]
    assert "one distance compares them all" in part(page, "errors").text
    assert "used by decide" in part(page, "points").text
    certain = part(page, "probability").text
    assert f"log loss {found.probability.log_loss:.3f} nats" in certain
    assert "No pair is asked about by a calibration that was fitted on it" in certain


def test_the_page_of_thresholds_that_were_fitted_elsewhere():
    made = calibrate_precomputed(comparisons(), folds=4, fitting=Fitting("logistic")).calibration
    for given, same in ((comparisons(), True), (replace(comparisons(seed=1), place="d"), False)):
        measured = evaluate_precomputed_at(given, made)
        page = Tree(
            render_precomputed(frozen_report(given, measured, made, "cal.json", "again"))
        ).root
        assert "folds" not in names(page)
        text = part(page, "summary").text
        assert "The thresholds are those of cal.json, fitted before these data were seen." in text
        assert ("on the same data no rate is a promise" in text) == same


def test_few_data_leave_counts_and_the_reason():
    random = np.random.default_rng(0)
    given = PrecomputedEmbeddings.of(random.normal(size=(24, 3)), np.arange(24) // 2, "euclidean")
    found = evaluate_precomputed(given, folds=2, fitting=Fitting("logistic"))
    page = Tree(render_precomputed(cross_fitted_report(given, found, "again"))).root
    text = part(page, "summary").text
    assert "too few identities for an interval" in text
    assert "The ranges are" not in text


def test_where_a_page_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(page_of("", "some where/c d.csv")) == "evaluation-c-d.html"
    assert str(page_of("", "cedar")) == "evaluation-cedar.html"
    assert str(page_of("x.HTM", "c.csv")) == "x.HTM"
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BadArgument, match="takes no file, and the report is to go there"):
        page_of("x.html", "c.csv")


def test_without_plotly_nothing_is_begun(monkeypatch):
    monkeypatch.setattr(figures, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="The report needs plotly"):
        page_of("", "c.csv")
