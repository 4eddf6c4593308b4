"""Graded pairs: read as yes or no from a grade on, and how the distance follows the grade."""

import json

import numpy as np
import pytest
from scipy import stats

from likewise.data.splits import split
from likewise.errors import BadArgument, DamagedSource, SplitError
from likewise.metrics.grades import follow
from likewise.precomputed import PrecomputedComparisons
from likewise.precomputed.columns import Columns
from likewise.precomputed.files import read_precomputed
from likewise.sources.table import Table
from likewise.sources.tabular.grades import Grading
from likewise.sources.tabular.grades import graded as to_pairs
from likewise.tasks.evaluate import evaluate
from likewise.tasks.precomputed import evaluate_precomputed
from likewise.types import Claim, Pairs

TABLE = [
    ("a", "b", 5, 0.1),
    ("b", "c", 2.5, 0.5),
    ("d", "e", 0, 0.9),
    ("f", "g", 4, 0.2),
    ("h", "i", 2, 0.8),
    ("j", "k", 3, 0.4),
]


def comparisons(path, rows=TABLE, names=("id1", "id2", "grade", "distance")):
    """A table of graded comparisons in the form that its ending says."""
    if path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(dict(zip(names, r, strict=True))) for r in rows))
    else:
        lines = [",".join(map(str, row)) for row in (names, *rows)]
        path.write_text("\n".join(lines) + "\n")
    return str(path)


def graded(count=60, each=3, seed=0):
    """Distances that follow the grades of pairs in components, loosely and with ties."""
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(count), each)
    easy = random.normal(0, 0.4, count)[codes]
    grades = random.integers(0, 11, len(codes)) / 2
    distances = np.round(2 - 0.3 * grades + easy + random.normal(0, 0.4, len(codes)), 1)
    return np.clip(distances, 0, None), grades, codes


# ── what a grade says ─────────────────────────────────────────────────────────────────────────


def test_from_a_grade_on_two_are_the_same():
    grades = np.array([0, 1.9, 2, 2.0000001, 3, 3.999, 4, 5])
    assert Grading(4).read(grades).tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
    shares = Grading(4, 2).read(grades)
    assert shares[[0, 1, 2]].tolist() == [0, 0, 0]
    assert shares[[6, 7]].tolist() == [1, 1]
    assert ((shares[3:6] > 0) & (shares[3:6] < 1)).all()
    assert shares[4] == 0.5


@pytest.mark.parametrize("ends", [(float("nan"), None), (float("inf"), 1), (3, 3), (3, 4)])
def test_ends_that_are_none_are_refused(ends):
    with pytest.raises(BadArgument, match="finite numbers, the second below the first"):
        Grading(*ends)


def test_pairs_between_stand_apart_and_come_along():
    first, second = np.array([0, 1, 2, 0]), np.array([1, 2, 3, 3])
    pairs = to_pairs(first, second, np.array([1, 0.5, 0, 0.2]), np.array([5.0, 3, 1, 2]))
    assert (pairs.same.tolist(), pairs.grades.tolist()) == ([1, 0], [5, 1])
    assert pairs.between.grades.tolist() == [3, 2]
    assert pairs.every.grades.tolist() == [5, 1, 3, 2]
    part = pairs.among(np.array([1, 2, 3]), 4)
    assert (part.first.tolist(), part.second.tolist()) == ([1], [2])
    assert (part.between.first.tolist(), part.between.grades.tolist()) == ([0], [3])
    plain = Pairs(first, second, np.ones(4)).among(np.array([0, 1]), 4)
    assert (plain.grades, plain.between) == (None, None)


# ── how the distance follows it ───────────────────────────────────────────────────────────────


def test_correlations_and_intervals_are_those_of_scipy_left_out_one_by_one():
    distances, grades, codes = graded()
    found = follow(distances, grades, codes, 7)
    assert (found.pairs, found.between, found.units) == (180, 7, 60)
    for one, ask in ((found.spearman, stats.spearmanr), (found.pearson, stats.pearsonr)):
        value = ask(-distances, grades).statistic
        assert one.value == pytest.approx(value, abs=1e-12)
        without = np.arctanh(
            [ask(-distances[codes != c], grades[codes != c]).statistic for c in range(60)]
        )
        error = np.sqrt(59 / 60 * ((without - without.mean()) ** 2).sum())
        half = stats.t.ppf(0.975, 59) * error
        expected = np.tanh([np.arctanh(value) - half, np.arctanh(value) + half])
        assert (one.low, one.high) == pytest.approx(tuple(expected))


def test_too_few_components_and_perfect_orders_have_no_interval():
    distances, grades, codes = graded(count=19)
    found = follow(distances, grades, codes, 0)
    assert (found.units, found.spearman.low, found.pearson.high) == (19, None, None)
    order = np.arange(30.0)
    perfect = follow(29 - order, order, np.arange(30), 0)
    assert (perfect.spearman.value, perfect.spearman.low) == (pytest.approx(1), None)
    equal = follow(np.full(30, 0.3), order, np.arange(30), 0)
    assert (equal.spearman.value, equal.pearson.value, equal.pearson.low) == (None, None, None)


def test_many_components_are_left_out_in_groups():
    distances, grades, codes = graded(count=3000, each=1)
    found = follow(distances, grades, codes, 0)
    value = stats.spearmanr(-distances, grades).statistic
    assert found.spearman.value == pytest.approx(value)
    # Independent pairs: the error of Fisher's z of ranks is near 1.03 / sqrt(n).
    half = np.arctanh(found.spearman.high) - np.arctanh(value)
    assert half == pytest.approx(1.96 * 1.03 / np.sqrt(3000), rel=0.25)


@pytest.mark.slow
def test_the_interval_covers_the_truth():
    truth = stats.spearmanr(*map(np.array, _drawn(200_000, 1, 1))).statistic
    inside = 0
    for seed in range(1000):
        near, grades = _drawn(40, 3, seed + 2)
        codes = np.repeat(np.arange(40), 3)
        found = follow(5 - near, grades, codes, 0).spearman
        inside += found.low <= truth <= found.high
    assert 930 <= inside <= 985


def _drawn(count, each, seed):
    """ThresholdRequest and grades whose components differ in both."""
    random = np.random.default_rng(seed)
    shift = np.repeat(random.normal(0, 0.7, count), each)
    grades = shift + random.normal(0, 1, count * each)
    return 0.8 * grades + random.normal(0, 0.8, count * each), grades


# ── comparisons without a model ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_graded_comparisons(ending, tmp_path):
    path = comparisons(tmp_path / f"g{ending}")
    found = read_precomputed(path, columns=Columns(grading=Grading(4, 2)))
    assert found.same.tolist() == [True, False, True, False]
    assert found.distances.tolist() == [0.1, 0.9, 0.2, 0.8]
    assert found.items.tolist() == ["a", "b", "d", "e", "f", "g", "h", "i"]
    assert found.names.tolist() == ["a", "d", "f", "h"]
    assert found.graded.between == 2
    assert sorted(found.graded.grades.tolist()) == [0, 2, 2.5, 3, 4, 5]
    # b and c were graded between, and b belongs to the group of a.
    assert len(set(found.graded.codes.tolist())) == 5
    every = read_precomputed(path, columns=Columns(grading=Grading(4)))
    assert (every.same.sum(), (~every.same).sum(), every.graded.between) == (2, 4, 0)
    assert found.graded.follow().spearman.value == pytest.approx(
        stats.spearmanr([-row[3] for row in TABLE], [row[2] for row in TABLE]).statistic
    )
    in_memory = PrecomputedComparisons.of(
        [row[2] for row in TABLE],
        [row[3] for row in TABLE],
        [row[0] for row in TABLE],
        [row[1] for row in TABLE],
        grading=Grading(4, 2),
    )
    assert in_memory.same.tolist() == found.same.tolist()
    assert in_memory.graded.follow() == found.graded.follow()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("l", "m", "high", 0.3), r"row 7 \(line 8\): 'grade' is no number \('high'"),
        (("l", "m", "nan", 0.3), r"row 7 \(line 8\): 'grade' is nan"),
        (("l", "m", "", 0.3), r"row 7 \(line 8\): 'grade' is missing"),
        (("a", "b", 4.5, 0.1), r"rows 1 and 7 .*: 'a' and 'b' are graded 5 in one and 4.5"),
        (("b", "a", 5, 0.3), "'b' and 'a' are at distance 0.1 in one and 0.3 in the other"),
        (("l", "l", 5, 0), "'l' is compared with itself"),
    ],
)
def test_bad_cells_are_named(row, message, tmp_path):
    path = comparisons(tmp_path / "g.csv", [*TABLE, row])
    with pytest.raises(DamagedSource, match=message):
        read_precomputed(path, columns=Columns(grading=Grading(4)))


def test_grades_without_a_beginning_of_the_same_are_refused(tmp_path):
    path = comparisons(tmp_path / "g.csv")
    with pytest.raises(DamagedSource, match=r"graded .'grade'.: say from which grade on two are"):
        read_precomputed(path)
    with pytest.raises(SplitError, match=r"1 same and 0 different pairs \(5 more are graded betw"):
        read_precomputed(path, columns=Columns(grading=Grading(5, -1)))
    with pytest.raises(DamagedSource, match=r"the grade is nan in the first.*finite"):
        PrecomputedComparisons.of([1.0, np.nan], [0.1, 0.2], grading=Grading(1))


def test_the_commands_on_graded_comparisons(likewise, likewise_json, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the page lands
    distances, grades, codes = graded(count=80, each=1)
    rows = [(f"a{c}", f"b{c}", g, d) for c, g, d in zip(codes, grades, distances, strict=True)]
    path, out = comparisons(tmp_path / "g.csv", rows), tmp_path / "c.json"
    code, said, err = likewise("evaluate", path, "--same-from", "4", "--different-to", "2")
    assert code == 0, err
    between = int(((grades > 2) & (grades < 4)).sum())
    assert f"the grade of 80 pairs, {between} of them graded between" in said
    assert "Spearman 0." in said
    found = likewise_json("evaluate", path, "--same-from", "4")
    value = stats.spearmanr(-distances, grades).statistic
    assert found["grades"]["spearman"]["value"] == pytest.approx(value)
    assert found["verification"]["same_pairs"] == int((grades >= 4).sum())
    code, _, err = likewise("calibrate", path, "--same-from", "4", "--out", out)
    assert code == 0, err
    words = ("evaluate", path, "--same-from", "4", "--calibration", out)
    assert likewise_json(*words)["grades"]["pairs"] == 80
    for words, message in (
        ((), "say from which grade on two are the same, as in --same-from 4"),
        (("--different-to", "2"), "was given without --same-from"),
        (("--same-from", "2", "--different-to", "2"), "the second below the first"),
        (("--same-from", "nan"), "finite numbers"),
    ):
        code, _, err = likewise("evaluate", path, *words)
        assert (code, message in err) == (2, True), err


def test_yes_and_no_comparisons_have_no_grades(tmp_path):
    rows = [(f"a{i}", f"b{i}", i % 2, 1 - i % 2 + i / 1000) for i in range(40)]
    path = comparisons(tmp_path / "c.csv", rows, ("id1", "id2", "same", "distance"))
    assert evaluate_precomputed(read_precomputed(path)).grades is None


# ── a table of graded pairs, with a model ─────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def pairs_table(strangers, tmp_path_factory):
    """Pairs of drawings, graded by whether they show the same, with some noise."""
    place = tmp_path_factory.mktemp("graded")
    random = np.random.default_rng(0)
    folders = sorted({path.parent for path in strangers.rglob("*.png")})
    lines = ["first,second,grade"]
    for number, (one, other) in enumerate(zip(folders[::2], folders[1::2], strict=False)):
        mine, theirs = sorted(one.glob("*.png")), sorted(other.glob("*.png"))
        lines += [
            f"{mine[0]},{mine[1]},{5 - random.integers(0, 2) / 2}",
            f"{mine[0]},{theirs[0]},{random.integers(0, 3) / 2}",
            f"{mine[1]},{mine[2]},{2.5 + number % 2}",
        ]
    (place / "graded.csv").write_text("\n".join(lines) + "\n")
    return place / "graded.csv"


def test_the_source_reads_grades(pairs_table):
    items = Table(str(pairs_table), same_from=4, different_to=2).items()
    components = len(set(items.identities.tolist()))
    pairs = items.pairs
    assert len(pairs.first) == 2 * components
    assert len(pairs.between.first) == components
    assert sorted(set(pairs.same.tolist())) == [0, 1]
    assert ((pairs.grades >= 4) == (pairs.same == 1)).all()
    parts = split(items, Claim.NEW_IDENTITIES)
    for _, rows in parts:
        part = items.take(rows)
        assert len(part.pairs.every.first) == 3 * len(set(part.identities.tolist()))
    every = Table(str(pairs_table), same_from=4).items().pairs
    assert (len(every.first), len(every.between.first)) == (3 * components, 0)


def test_a_model_is_measured_on_graded_pairs(image_model, pairs_table, likewise, likewise_json):
    source = Table(str(pairs_table), same_from=4, different_to=2)
    found = evaluate(image_model, source)
    table = source.items()
    vectors, pairs = image_model.embed(table).vectors, table.pairs.every
    assert found.verification.same_pairs + found.verification.different_pairs == len(
        table.pairs.first
    )
    distances = np.linalg.norm(vectors[pairs.first] - vectors[pairs.second], axis=1)
    expected = stats.pearsonr(-distances, pairs.grades).statistic
    assert found.grades.pearson.value == pytest.approx(expected, abs=1e-5)
    assert found.grades.between == found.grades.units
    page = pairs_table.parent / "page.html"
    words = ("evaluate", image_model.folder, pairs_table, "--report", page)
    code, said, err = likewise(*words, "--same-from", "4", "--different-to", "2")
    assert code == 0, err
    assert "in no error rate" in said
    assert f"{found.grades.pearson.value:.4f}" in said
    assert "--same-from 4 --different-to 2" in page.read_text()
    assert "How well a smaller distance goes with a higher grade" in page.read_text()
    plain = likewise_json(*words, "--same-from", "4")
    assert plain["grades"]["between"] == 0
    code, _, err = likewise(*words)
    assert (code, "from which grade on two are the same was not said" in err) == (2, True)
    folder = ("evaluate", image_model.folder, pairs_table.parent, "--same-from", "4")
    code, _, err = likewise(*folder)
    assert (code, "folder is no table of graded pairs" in err) == (2, True)


def test_training_takes_the_yes_and_no_of_grades(pairs_table, likewise, tmp_path):
    spec = f"table({str(pairs_table)!r}, same_from=4, different_to=2)"
    out = tmp_path / "model"
    words = ("--out", out, "--loss", "contrastive", "--budget", "2s", "--no-examples")
    code, said, err = likewise("train", spec, *words, "--transform", "image(size=28)")
    assert code == 0, err
    assert "in no error rate" in said


def test_bad_grades_of_a_table_are_named(pairs_table, tmp_path):
    lines = pairs_table.read_text().splitlines()
    first = lines[1].rpartition(",")[0]
    for bad, message in (
        (f"{first},much", r"row 2 \(line 3\): 'grade' is no number \('much' in the first\)"),
        (f"{first},inf", r"row 2 \(line 3\): 'grade' is inf"),
        (f"{first},1", "are graded .* in one and 1 in the other"),
    ):
        path = tmp_path / "bad.csv"
        path.write_text("\n".join([*lines[:2], bad]) + "\n")
        with pytest.raises(DamagedSource, match=message):
            Table(str(path), same_from=4).items()
    with pytest.raises(BadArgument, match="Give same_from, too"):
        Table(str(pairs_table), different_to=4)
    with pytest.raises(BadArgument, match="the second below the first"):
        Table(str(pairs_table), same_from=4, different_to=4.5)
    with pytest.raises(BadArgument, match=r"grades its pairs .'grade'.*table.path, same_from=4"):
        Table(str(pairs_table)).items()
