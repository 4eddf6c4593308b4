"""Grades told by a distance, with a prediction interval whose trials are components."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from likewise.calibration.grades import FEWEST, MOST_KNOTS, GradedDistances
from likewise.calibration.json_format import from_json, to_json
from likewise.errors import BadArgument, DamagedModel, TrainingError
from likewise.learn.experiment import run_experiment
from likewise.learn.loop.train import begin_run
from likewise.learn.samplers.source_pairs import SourcePairs
from likewise.metrics.grades import grade_accuracy, half_width
from likewise.model.model import Model
from likewise.precomputed import PrecomputedComparisons
from likewise.recipe.recipe import Recipe
from likewise.sources.table import Table
from likewise.sources.tabular.grades import Grading
from likewise.tasks.calibrate import calibrate
from likewise.tasks.evaluate import evaluate
from likewise.tasks.precomputed import (
    calibrate_precomputed,
    evaluate_precomputed,
    evaluate_precomputed_at,
    load_calibration,
    save_calibration,
)
from likewise.tasks.verify import verify
from likewise.types import Pairs
from tests.conftest import graded_glyphs


def drawn(seed, components=80, largest=6, tie=0.0):
    """Graded pairs whose components err alike, the larger ones more: pairs are not independent."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, largest + 1, components)
    codes = np.repeat(np.arange(components), sizes)
    grades = random.uniform(0, 5, len(codes))
    shift = (random.normal(0, 0.12, components) * np.sqrt(sizes))[codes]
    distances = 1.2 - 0.2 * grades + shift + random.normal(0, 0.05, len(codes))
    if tie:
        grades = np.round(grades / tie) * tie
    return GradedDistances(distances.clip(0), grades, codes, 0)


# ── the half width ────────────────────────────────────────────────────────────────────────────


def plain_half_width(residuals, codes, coverage):
    """The least residual within which lie, in the mean over components, enough of their pairs."""
    groups = [residuals[codes == code] for code in sorted(set(codes.tolist()))]
    for candidate in sorted(residuals.tolist()):
        inside = sum(float(np.mean(group <= candidate)) for group in groups)
        if inside >= coverage * (len(groups) + 1) - 1e-9:
            return candidate
    return None


@pytest.mark.parametrize("seed", range(5))
def test_the_half_width_is_that_of_a_plain_loop(seed):
    random = np.random.default_rng(seed)
    codes = random.integers(0, 30, 100) * 7
    residuals = np.abs(np.round(random.normal(size=100), 1))
    for coverage in (0.5, 0.8, 0.9, 0.95):
        assert half_width(residuals, codes, coverage) == plain_half_width(
            residuals, codes, coverage
        )


def test_with_one_pair_a_component_it_is_the_order_statistic_of_split_conformal():
    residuals = np.random.default_rng(0).permutation(np.arange(1.0, 40))
    codes = np.arange(39)
    # The ceil(.9 * 40)-th smallest of 39.
    assert half_width(residuals, codes, 0.9) == 36
    assert half_width(residuals[:9], codes[:9], 0.9) == residuals[:9].max()
    assert half_width(residuals[:8], codes[:8], 0.9) is None


def test_a_component_of_very_many_pairs_counts_once():
    many = np.concatenate([np.full(10_000, 9.0), np.linspace(0, 1, 39)])
    codes = np.concatenate([np.zeros(10_000, dtype=int), np.arange(1, 40)])
    assert half_width(many, codes, 0.9) <= 1


# ── coverage ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tie", [0.0, pytest.param(0.5, marks=pytest.mark.slow)])
def test_the_coverage_on_new_components_is_what_was_promised(tie):
    seen, naive = [], []
    for seed in range(200):
        known, new = drawn(seed, tie=tie), drawn(10_000 + seed, components=60, tie=tie)
        made = known.calibrated(seed=seed)
        found = new.follow(made).accuracy
        seen.append(found.coverage.value)
        apart = np.abs(made.grades_at(known.distances) - known.grades)
        told = made.grades_at(new.distances)
        within = np.abs(told - new.grades) <= np.quantile(apart, 0.9)
        naive.append(np.mean([within[new.codes == code].mean() for code in range(60)]))
    mean, error = np.mean(seen), np.std(seen) / np.sqrt(len(seen))
    # 40 components measure: at least .9, and without ties within 1/41 and chance of it.
    assert mean > 0.9 - 3 * error
    assert mean < 0.9 + 1 / 41 + 3 * error + (0.03 if tie else 0)
    assert error < 0.005
    assert np.mean(naive) < mean


@pytest.mark.slow
def test_the_interval_of_the_coverage_covers_it():
    made = drawn(0).calibrated()
    many = drawn(1, components=40_000).follow(made).accuracy.coverage.value
    inside = 0
    for seed in range(200):
        found = drawn(100 + seed, components=60).follow(made).accuracy.coverage
        assert found.units == 60
        inside += found.low <= many <= found.high
    assert inside >= 180


def test_what_is_measured_is_what_a_plain_loop_measures():
    made, new = drawn(0).calibrated(), drawn(1, components=30)
    found = new.follow(made).accuracy
    told = np.array([made.grade(float(d)).value for d in new.distances])
    inside, error, width = [], [], []
    for code in range(30):
        at = np.flatnonzero(new.codes == code)
        estimates = [made.grade(float(new.distances[i])) for i in at]
        inside.append(
            np.mean([e.low <= new.grades[i] <= e.high for e, i in zip(estimates, at, strict=True)])
        )
        error.append(np.mean(np.abs(told[at] - new.grades[at])))
        width.append(np.mean([e.high - e.low for e in estimates]))
    assert found.coverage.value == pytest.approx(np.mean(inside))
    assert found.mean_error == pytest.approx(np.mean(error))
    assert found.width == pytest.approx(np.mean(width))
    assert found.coverage.pairs == len(new.grades) == sum(one.pairs for one in found.bins)
    constants = np.unique(new.grades)
    best = min(
        np.mean([np.abs(c - new.grades[new.codes == code]).mean() for code in range(30)])
        for c in constants
    )
    assert found.single_error == pytest.approx(best)
    assert found.mean_error < 0.6 * best
    order = [one.told for one in found.bins]
    assert order == sorted(order)


# ── the map ───────────────────────────────────────────────────────────────────────────────────


def test_the_grade_never_rises_with_the_distance_and_stays_within_those_seen():
    known = drawn(3, components=300)
    made = known.calibrated()
    told = made.grades_at(np.linspace(0, 5, 5_000))
    assert (np.diff(told) <= 0).all()
    assert known.grades.min() <= told.min() <= told.max() <= known.grades.max()
    for distance in (0.0, 0.4, 0.9, 100.0):
        one = made.grade(distance)
        assert known.grades.min() <= one.low <= one.value <= one.high <= known.grades.max()
    assert (made.fitted_on, made.measured_on) == (150, 150)


def test_what_fits_and_what_measures_share_no_component():
    known = drawn(5, components=60)
    made = known.calibrated()
    dealt = np.random.default_rng(0).permutation(60)[:30]
    away = np.isin(known.codes, dealt)
    # Grades of those that measure say nothing of the knots, and the others nothing of the width.
    changed = replace(known, grades=np.where(away, 5 - known.grades, known.grades))
    other = changed.calibrated()
    assert (other.distances, other.grades) == (made.distances, made.grades)
    apart = np.abs(made.grades_at(known.distances[away]) - known.grades[away])
    assert made.half_width == half_width(apart, known.codes[away], 0.9)


def test_knots_are_bounded():
    distances = np.linspace(0, 1, 5_000)
    known = GradedDistances(distances, 5 - 5 * distances, np.arange(5_000), 0)
    made = known.calibrated()
    assert len(made.distances) == len(made.grades) == MOST_KNOTS
    assert np.abs(made.grades_at(distances) - known.grades).max() < 0.01


def test_below_the_count_there_is_a_grade_and_no_interval():
    few = drawn(0, components=FEWEST - 1).calibrated()
    assert (few.half_width, few.fitted_on, few.measured_on) == (None, FEWEST - 1, 0)
    one = few.grade(0.3)
    assert (one.low, one.high) == (None, None)
    assert 2 < one.value < 5
    assert f"{FEWEST - 1} groups of linked pairs were graded, and an interval needs" in one.reason
    found = drawn(1).follow(few).accuracy
    assert (found.coverage, found.width) == (None, None)
    assert 0 < found.mean_error < found.single_error
    enough = drawn(0, components=FEWEST).calibrated()
    assert enough.half_width is not None
    assert enough.reason == ""
    sure = drawn(0, components=FEWEST).calibrated(coverage=0.99)
    assert sure.half_width is None
    assert "a coverage of 0.99 needs 99, which is half of all" in sure.reason


def test_one_grade_and_one_distance_are_told_as_they_are():
    made = GradedDistances(np.full(50, 0.3), np.full(50, 4.0), np.arange(50), 0).calibrated()
    assert asdict(made.grade(2.0)) | {"reason": ""} == {
        "value": 4.0,
        "low": 4.0,
        "high": 4.0,
        "coverage": 0.9,
        "reason": "",
    }
    assert grade_accuracy(
        np.full(3, 4.0), None, np.full(3, 4.0), np.arange(3), 0.9
    ).mean_error == pytest.approx(0)


# ── without a model ───────────────────────────────────────────────────────────────────────────


def given(seed=0, components=120):
    found = drawn(seed, components=components)
    first = [f"a{code}" for code in found.codes]
    second = [f"b{number}" for number in range(len(found.codes))]
    return PrecomputedComparisons.of(
        found.grades, found.distances, first, second, grading=Grading(3.5, 1.5)
    )


def test_comparisons_are_told_grades_by_the_other_folds():
    found = evaluate_precomputed(given())
    assert found.calibration.grades.half_width is not None
    accuracy = found.grades.accuracy
    assert accuracy.coverage.units == 120
    assert accuracy.coverage.value == pytest.approx(0.9, abs=0.08)
    few = evaluate_precomputed(given(components=30))
    assert few.grades.accuracy.coverage is None
    assert few.grades.accuracy.mean_error < few.grades.accuracy.single_error


def test_a_calibration_of_comparisons_tells_grades_and_is_read_back(likewise, tmp_path):
    made = calibrate_precomputed(given())
    path = tmp_path / "c.json"
    save_calibration(made, path)
    _, loaded = load_calibration(path)
    assert loaded.grades == made.calibration.grades
    assert loaded.decide(0.4).grade == made.calibration.decide(0.4).grade
    frozen = evaluate_precomputed_at(given(seed=1), loaded)
    assert frozen.grades.accuracy.coverage.value == pytest.approx(0.9, abs=0.12)
    code, said, err = likewise("decide", path, "0.4")
    assert code == 0, err
    one = loaded.decide(0.4).grade
    interval = f"90% prediction interval {one.low:.4g} to {one.high:.4g}"
    assert f"  grade        {one.value:.4g} ({interval})" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"distances": []}, "are no knots"),
        ({"grades": [5.0]}, "are no knots"),
        ({"half_width": -1}, "no half width"),
        ({"half_width": None}, "needs a half width, or a reason"),
        ({"reason": "too few"}, "needs a half width, or a reason"),
        ({"coverage": 1}, "no coverage"),
        ({"low": 4.99}, "beyond those seen"),
        ({"high": 0.01}, "beyond those seen"),
        ({"fitted_on": 0.5}, "not a count"),
        ({"half_width": float("inf")}, "not a finite number"),
        ({"distances": "mixed"}, "do not rise"),
        ({"grades": "mixed"}, "grades rise"),
    ],
)
def test_a_damaged_calibration_of_grades_is_refused(change, words):
    plain = json.loads(to_json({"distance": calibrate_precomputed(given()).calibration}))
    grades = plain["distance"]["grades"]
    for name, value in change.items():
        grades[name] = grades[name][::-1] if value == "mixed" else value
    with pytest.raises(DamagedModel, match=words):
        from_json(json.dumps(plain).encode())


def test_a_calibration_from_before_there_were_grades_is_read():
    plain = json.loads(to_json({"distance": calibrate_precomputed(given()).calibration}))
    del plain["distance"]["grades"]
    found = from_json(json.dumps(plain).encode())["distance"]
    assert found.grades is None
    assert found.decide(0.3).grade is None


# ── with a model ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def pairs_table(tmp_path_factory):
    """Pairs of drawings, graded."""
    return graded_glyphs(tmp_path_factory.mktemp("told"), first=5000)


@pytest.fixture(scope="module")
def graded_model(image_model, pairs_table, tmp_path_factory):
    """The image model, calibrated on graded pairs under the name `graded`."""
    import shutil

    folder = tmp_path_factory.mktemp("models") / "graded"
    shutil.copytree(image_model.folder, folder)
    made = calibrate(Model(folder), Table(str(pairs_table), same_from=4), name="graded")
    return folder, made


def test_a_model_tells_grades_and_measures_them_on_the_test_part(graded_model):
    folder, made = graded_model
    kept = Model(folder).calibration("graded")
    assert kept.grades == made.calibration.grades
    assert kept.grades.fitted_on + kept.grades.measured_on == 65
    found = made.evaluation.grades
    assert found.accuracy.coverage.units == found.units == 65
    assert found.accuracy.mean_error < found.accuracy.single_error
    assert Model(folder).calibration("default").grades is None


def test_verify_prints_the_grade_beside_the_decision(graded_model, drawings, likewise):
    folder, _ = graded_model
    one, other = sorted((drawings / "group0" / "glyph000").glob("*.png"))[:2]
    decision = verify(Model(folder), one, other, calibration="graded")
    told = decision.grade
    assert told.low <= told.value <= told.high
    words = ("verify", folder, one, other, "--calibration", "graded")
    code, said, err = likewise(*words)
    assert code == 0, err
    interval = f"90% prediction interval {told.low:.4g} to {told.high:.4g}"
    assert f"  grade        {told.value:.4g} ({interval})" in said
    code, said, _ = likewise(*words, "--json")
    assert json.loads(said)["grade"] == asdict(told)
    code, said, _ = likewise("verify", folder, one, other)
    assert (code, "grade" in said) == (0, False)
    assert verify(Model(folder), one, other).grade is None


def test_evaluate_says_what_told_grades_were_worth(graded_model, pairs_table, likewise, tmp_path):
    folder, _ = graded_model
    page = tmp_path / "page.html"
    words = ("evaluate", folder, pairs_table, "--same-from", "4", "--report", page)
    words += ("--calibration", "graded", "--allow-overlap")
    code, said, err = likewise(*words)
    assert code == 0, err
    found = evaluate(
        Model(folder),
        Table(str(pairs_table), same_from=4),
        calibration="graded",
        allow_overlap=True,
    )
    seen = found.grades.accuracy
    assert f"grades told by it err by {seen.mean_error:.4g} on average" in said
    counts = f"{seen.coverage.inside} of {seen.coverage.pairs} pairs"
    assert f"held the grade of {seen.coverage.value:.4f} of pairs" in said
    assert counts in said
    text = page.read_text()
    assert "grade told" in text
    assert counts in text
    code, said, _ = likewise(*words, "--json")
    assert json.loads(said)["grades"]["accuracy"]["mean_error"] == pytest.approx(seen.mean_error)


# ── learning from grades ──────────────────────────────────────────────────────────────────────


def listed(grades, between):
    ends = np.arange(len(grades))
    pairs = Pairs(ends, ends + 1, np.asarray(grades) >= 4, grades=np.asarray(grades, dtype=float))
    more = 10 + np.arange(len(between))
    others = Pairs(more, more + 1, np.full(len(between), 0.5), grades=np.asarray(between, float))
    return replace(pairs, between=others)


def test_batches_bring_every_pair_once_with_its_grade_from_0_to_1():
    pairs = listed([5, 1, 4], [3, 2])
    sampler = SourcePairs(pairs=2, grades=True)
    assert sampler.most(np.zeros(12, dtype=int), pairs) == {"pairs": (5, "pairs")}
    random = np.random.default_rng(0)
    found = {}
    for batch in sampler.batches(np.zeros(12, dtype=int), np.zeros(12, dtype=str), random, pairs):
        target = batch.target
        for one, other, same in zip(target.first, target.second, target.same, strict=True):
            found[int(batch.rows[one]), int(batch.rows[other])] = float(same)
    assert found == {(0, 1): 1.0, (1, 2): 0.0, (2, 3): 0.75, (10, 11): 0.5, (11, 12): 0.25}


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (Pairs(np.array([0]), np.array([1]), np.array([1])), "nobody graded the pairs"),
        (listed([3, 3], [3]), "every training pair is graded 3"),
    ],
)
def test_grades_that_teach_nothing_are_refused(pairs, words):
    sampler = SourcePairs(grades=True)
    random = np.random.default_rng(0)
    with pytest.raises(TrainingError, match=words):
        sampler.batches(np.zeros(3, dtype=int), np.zeros(3, dtype=str), random, pairs)


@pytest.mark.parametrize("loss", ["cosent", "cosine_mse"])
def test_a_loss_of_grades_learns_from_them_and_tells_grades(loss, pairs_table, tmp_path):
    recipe = Recipe(augmentations=("affine",)).with_settings(
        [
            f"source=table({str(pairs_table)!r}, same_from=4, different_to=1.2)",
            "transform=image(size=16, invert=True)",
            "encoder=convnet4(width=8)",
            "distance=cosine",
            f"loss={loss}",
            "sampler=source_pairs(grades=True)",
            "fractions={'train': 0.3, 'calibrate': 0.35, 'test': 0.35}",
            "epochs=8",
            "precision=float32",
        ]
    )
    made = run_experiment(recipe, out=tmp_path / "m", audit=False, examples=False)
    assert made.epochs[-1].loss < made.epochs[0].loss
    assert made.model.calibration().grades.half_width is not None
    assert made.evaluation.grades.between > 0
    seen = made.evaluation.grades.accuracy
    assert seen.mean_error < seen.single_error
    assert seen.coverage.pairs == made.evaluation.grades.pairs
    with pytest.raises(BadArgument, match=r"contrastive takes pairs .* choose a loss for grades"):
        begin_run(recipe.with_settings(["loss=contrastive"]))
