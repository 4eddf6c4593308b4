"""Each fault is planted in clean embeddings or comparisons and found, and nothing else is."""

import numpy as np
import pytest

from likewise.auditing.precomputed_pairs import audit_comparisons
from likewise.auditing.precomputed_vectors import audit_embeddings
from likewise.errors import BadArgument, EmptySource, SplitError
from likewise.precomputed.columns import Columns
from likewise.precomputed.files import is_precomputed, read_raw
from likewise.precomputed.raw import RawEmbeddings
from likewise.sources.folder import Folder
from likewise.sources.tabular.grades import Grading
from likewise.tasks.embed import embed_to
from tests.conftest import glyphs

IDENTITIES, EACH, DIM = 40, 5, 16


def vectors(seed=0, *, identities=IDENTITIES, each=EACH, dim=DIM):
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(identities), each)
    noise = random.normal(size=(len(labels), dim))
    return random.normal(size=(identities, dim))[labels] + 0.3 * noise, labels


def looked(found, labels, distance="cosine", **more):
    raw = RawEmbeddings.of("e.npz", found.astype(np.float32), labels, distance)
    return audit_embeddings(raw, **more)


def kinds(found):
    return {one.kind for one in found.findings if one.severity in ("alarm", "note")}


def rows_of(found, kind):
    (one,) = (each for each in found.findings if each.kind == kind)
    return [each.place for each in one.evidence]


# ── embeddings ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("distance", ["cosine", "euclidean", "manhattan"])
@pytest.mark.parametrize("dim", [2, 3, 16, 64])
def test_clean_embeddings_raise_nothing(distance, dim):
    for seed in range(10):
        found = looked(*vectors(seed, dim=dim), distance)
        assert kinds(found) == set(), found.lines()
        (one,) = found.findings
        assert (one.kind, one.severity) == ("margin", "baseline")
        assert "As given, the median distance is" in one.sentence
    assert found.counted == "200 embeddings of 40 identities"


def test_equal_embeddings_under_two_labels():
    found, labels = vectors()
    found[100] = found[3]
    found = looked(found, labels)
    assert kinds(found) == {"same_content_other_label"}
    assert rows_of(found, "same_content_other_label") == [
        "e.npz, row 3 (from 0)",
        "e.npz, row 100 (from 0)",
    ]


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("dim", [4, 16])
def test_nearly_equal_embeddings_under_two_labels(distance, dim):
    found, labels = vectors(dim=dim)
    random = np.random.default_rng(9)
    found[100] = found[3] + 0.002 * random.normal(size=dim)
    found = looked(found, labels, distance)
    assert kinds(found) == {"near_content_other_label"}
    assert rows_of(found, "near_content_other_label") == [
        "e.npz, row 3 (from 0)",
        "e.npz, row 100 (from 0)",
    ]


def test_the_nearest_of_another_label_are_those_of_a_plain_loop():
    from likewise.auditing.precomputed_vectors import _nearest_others

    found, labels = vectors(identities=30, each=3, dim=5)
    found[7] = found[60]
    digests = np.arange(len(found))
    digests[60] = 7
    nearest, far = _nearest_others(found, labels, digests)
    for row in range(len(found)):
        others = [
            (float(np.linalg.norm(found[row] - found[other])), other)
            for other in range(len(found))
            if labels[other] != labels[row] and digests[other] != digests[row]
        ]
        assert far[row] == pytest.approx(min(others)[0])
        assert nearest[row] == min(others)[1]


def test_duplicate_rows_are_a_note():
    found, labels = vectors()
    found[11] = found[10]
    found = looked(found, labels)
    assert kinds(found) == {"same_content_same_label"}
    assert not found.alarms


def test_values_that_are_not_finite():
    found, labels = vectors()
    found[9, 2], found[20, 0], found[21] = np.nan, np.inf, -np.inf
    found = looked(found, labels)
    assert kinds(found) == {"not_a_number"}
    assert rows_of(found, "not_a_number") == [f"e.npz, row {row} (from 0)" for row in (9, 20, 21)]
    assert "3 embeddings hold NaN" in found.alarms[0].sentence
    assert found.items == 197


def test_zero_vectors_have_no_direction():
    found, labels = vectors()
    found[[4, 150]] = 0
    said = looked(found, labels)
    assert kinds(said) == {"no_direction"}
    assert rows_of(said, "no_direction") == ["e.npz, row 4 (from 0)", "e.npz, row 150 (from 0)"]
    # For euclidean they are two equal vectors under two labels.
    assert kinds(looked(found, labels, "euclidean")) == {"same_content_other_label"}


def test_identities_with_one_item_and_one_that_owns_most():
    found, labels = vectors()
    kept = np.flatnonzero((labels != 5) | (np.arange(len(labels)) == 25))
    said = looked(found[kept], labels[kept])
    assert kinds(said) == {"single_items"}
    assert rows_of(said, "single_items") == ["e.npz, row 25 (from 0)"]
    more = np.random.default_rng(1).normal(size=(90, DIM))
    said = looked(np.concatenate([found, more]), np.concatenate([labels, np.full(90, 7)]))
    assert kinds(said) == {"class_imbalance"}
    assert "7 owns 95 of 290 items" in said.findings[-1].sentence
    _, first = np.unique(labels, return_index=True)
    assert kinds(looked(found[first], labels[first])) == {"no_same_pairs"}


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_collapsed_and_nearly_collapsed_embeddings(distance):
    found, labels = vectors()
    said = looked(5 + 1e-5 * found, labels, distance)
    assert kinds(said) == {"collapsed_embedding"}
    assert "has collapsed" in said.alarms[0].sentence
    assert "went through the encoder as it expects them" in said.alarms[0].advice
    equal = looked(np.ones_like(found), labels, distance)
    assert kinds(equal) == {"collapsed_embedding"}
    found[:, 1:] *= 1e-3
    found[:, 0] += 10 * (distance == "cosine")
    line = looked(found, labels, "euclidean")
    assert kinds(line) == {"collapsed_embedding"}
    assert "nearly collapsed" in line.alarms[0].sentence


def test_a_margin_is_held_against_the_scale():
    found, labels = vectors()
    said = looked(found, labels, margin=0.3)
    (one,) = said.of("note")
    assert one.figures["margin_per_median"] == pytest.approx(0.3 / one.figures["median_different"])
    assert 0.9 < one.figures["triplets_satisfied"] <= 1
    assert "As given" in one.sentence
    with pytest.raises(BadArgument, match="The margin is 0"):
        looked(found, labels, margin=0)


def test_embeddings_that_cannot_be_audited_are_refused():
    found, labels = vectors()
    with pytest.raises(SplitError, match=r"all 200 embeddings show '1'.*two identities"):
        looked(found, np.ones_like(labels))
    with pytest.raises(EmptySource, match="1 of the 200 embeddings are of finite numbers"):
        looked(np.where(np.arange(200)[:, None] == 3, found, np.nan), labels)


# ── comparisons ───────────────────────────────────────────────────────────────────────────────


def comparisons(pairs=120, seed=0):
    random = np.random.default_rng(seed)
    same = np.arange(pairs) % 2
    far = np.clip(random.normal(1 - 0.5 * same, 0.15), 0.01, None).round(4)
    return [(f"a{i}", f"b{i}", int(same[i]), float(far[i])) for i in range(pairs)]


def read(tmp_path, rows, columns=None, names="id1,id2,same,distance", **more):
    path = tmp_path / "c.csv"
    path.write_text("\n".join([names, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return audit_comparisons(read_raw(str(path), columns=columns), **more)


def places(found, kind):
    return [place.rpartition("/")[2] for place in rows_of(found, kind)]


def test_clean_comparisons_raise_nothing(tmp_path):
    for seed in range(10):
        found = read(tmp_path, comparisons(seed=seed))
        assert kinds(found) == set(), found.lines()
    assert found.counted == "120 comparisons in 120 groups of linked pairs"
    (told,) = found.clues
    rows = comparisons(seed=9)
    same, different = ([row[3] for row in rows if row[2] == sort] for sort in (1, 0))
    auc = np.mean([(b > a) + (b == a) / 2 for a in same for b in different])
    assert told.auc == pytest.approx(auc)


@pytest.mark.parametrize(
    ("rows", "kind", "named"),
    [
        (
            [("b2", "a2", 1, 0.95)],
            "contradictory_pairs",
            ["c.csv, row 3 (line 4)", "c.csv, row 121 (line 122)"],
        ),
        (
            [("m", "n", 1, 0.3), ("n", "o", 1, 0.4), ("o", "m", 0, 0.8)],
            "contradictory_pairs",
            [f"c.csv, row {row} (line {row + 1})" for row in (123, 122, 121)],
        ),
        ([("x", "x", 1, 0)], "self_pairs", ["c.csv, row 121 (line 122)"]),
        ([("x", "y", 1, "n/a")], "not_a_number", ["c.csv, row 121 (line 122)"]),
        ([("x", "y", 1, "nan"), ("x", "z", 0, "")], "not_a_number", None),
        ([("x", "y", 1, "1e39")], "not_a_number", None),
        ([("x", "y", 1, -0.5)], "impossible_distance", ["c.csv, row 121 (line 122)"]),
        (
            [(*comparisons()[4][1::-1], *comparisons()[4][2:])],
            "repeated_rows",
            ["c.csv, row 5 (line 6)", "c.csv, row 121 (line 122)"],
        ),
        (
            [("a4", "b4", 0, 3.5)],
            "contradictory_distances",
            ["c.csv, row 5 (line 6)", "c.csv, row 121 (line 122)"],
        ),
        ([(f"s{i}", f"t{i}", 1, 0.5 + i / 1000) for i in range(200)], "pair_imbalance", None),
        (
            [(f"h{i}", "hub", i % 2, 1 - i % 2 / 2 + i / 1000) for i in range(150)],
            "large_component",
            None,
        ),
    ],
)
def test_each_fault_is_found_and_only_it(rows, kind, named, tmp_path):
    clean = comparisons()
    if kind == "contradictory_pairs" and len(rows) == 1:
        rows = [("b2", "a2", 1, clean[2][3])]
    found = read(tmp_path, [*clean, *rows])
    assert kinds(found) == {kind}, found.lines()
    if named is not None:
        assert sorted(places(found, kind)) == sorted(named)


def test_what_is_written_in_a_bad_cell_is_shown(tmp_path):
    rows = [*comparisons(), ("x", "y", 1, "n/a"), ("x", "z", 0, "inf")]
    (one,) = read(tmp_path, rows).alarms
    assert [each.detail for each in one.evidence] == [
        "x and y, the same, distance 'n/a'",
        "x and z, different, distance inf",
    ]


def test_a_component_that_holds_nearly_all_is_an_alarm_that_names_its_hub(tmp_path):
    rows = [(f"h{i}", "hub", i % 2, 1 - i % 2 / 2 + i / 1000) for i in range(150)]
    found = read(tmp_path, [*rows, *comparisons(10)])
    (one,) = found.alarms
    assert one.kind == "large_component"
    assert "'hub' is in most of them, 150" in one.sentence
    assert one.figures["share"] == pytest.approx(150 / 160)
    # Nobody names the items: every row stands alone.
    alone = read(tmp_path, rows, Columns(first="", second=""))
    assert kinds(alone) == set()


@pytest.mark.parametrize(
    ("far", "words"),
    [
        (lambda row: 0.5 + 0 * row, "All 120 distances are 0.5"),
        (lambda row: 0.5 if row % 20 else row / 100, "Nearly all distances, 114 of 120, are 0.5"),
        (lambda row: 0.5 + row * 1e-6, "nearly constant: nine of ten lie from 0.5"),
    ],
)
def test_distances_that_tell_nothing(far, words, tmp_path):
    rows = [(*row[:3], far(at)) for at, row in enumerate(comparisons())]
    found = read(tmp_path, rows)
    assert kinds(found) == {"constant_distance"}
    assert words in found.alarms[0].sentence


def test_similarities_given_as_distances_are_noticed(tmp_path):
    rows = [(*row[:3], round(2 - row[3], 4)) for row in comparisons()]
    found = read(tmp_path, rows)
    assert kinds(found) == {"reversed_distance"}
    assert "name its column with --similarity" in found.alarms[0].advice
    rows = [(*row[:3], round(1 - row[3], 4)) for row in comparisons()]
    named = Columns(similarity="likeness")
    assert kinds(read(tmp_path, rows, named, "id1,id2,same,likeness")) == set()
    rows = [(*row[:3], round(100 * row[3], 4)) for row in rows]
    assert kinds(read(tmp_path, rows, named, "id1,id2,same,likeness")) == set()


def test_one_sort_of_pairs_is_an_alarm(tmp_path):
    for sort, kind in ((0, "no_same_pairs"), (1, "pair_imbalance")):
        found = read(tmp_path, [row for row in comparisons() if row[2] == sort])
        assert [one.kind for one in found.alarms] == [kind]


def test_a_margin_is_held_against_given_distances(tmp_path):
    rows = comparisons()
    (one,) = read(tmp_path, rows, margin=0.9).of("note")
    different = [row[3] for row in rows if row[2] == 0]
    assert one.figures["different_beyond_margin"] == np.mean([far >= 0.9 for far in different])
    with pytest.raises(BadArgument, match="The margin is -1"):
        read(tmp_path, rows, margin=-1)


def test_graded_comparisons(tmp_path):
    columns = Columns(grading=Grading(4, 2))
    rows = [(*row[:2], 5 * row[2], row[3]) for row in comparisons()]
    rows += [(f"p{i}", f"q{i}", 3, 0.7) for i in range(9)]
    assert kinds(read(tmp_path, rows, columns, "id1,id2,grade,distance")) == set()
    # A chain of what is nearly the same may end in what is a little less.
    chain = [("m", "n", 4, 0.3), ("n", "o", 4, 0.31), ("o", "m", 1.9, 0.6)]
    assert kinds(read(tmp_path, [*rows, *chain], columns, "id1,id2,grade,distance")) == set()
    again = [("b3", "a3", 4.5, rows[3][3])]
    found = read(tmp_path, [*rows, *again], columns, "id1,id2,grade,distance")
    assert kinds(found) == {"contradictory_pairs"}
    assert "lists a pair that an earlier row lists with another grade" in found.alarms[0].sentence


# ── the command ───────────────────────────────────────────────────────────────────────────────


def test_the_command_on_data_alone(likewise, likewise_json, tmp_path):
    found, labels = vectors()
    found[100] = found[3]
    np.savez(tmp_path / "e.npz", embeddings=found, labels=labels)
    page = tmp_path / "page.html"
    code, said, err = likewise("audit", tmp_path / "e.npz", "--margin", "0.3", "--report", page)
    assert code == 0, err
    assert "alarm: 1 content (2 items) stands under two labels or more." in said
    text = page.read_text()
    assert "Copies under other labels" in text
    assert "row 100 (from 0)" in text
    assert "<script" not in text
    assert "--margin 0.3" in text
    rows = [*comparisons(), ("x", "x", 1, 0)]
    path = tmp_path / "c.csv"
    path.write_text("\n".join(["a,b,same,far", *(",".join(map(str, r)) for r in rows)]) + "\n")
    words = ("audit", path, "--columns", "a,b,same,far", "--out", page)
    told = likewise_json(*words)
    assert [one["kind"] for one in told["findings"]] == ["self_pairs", "margin"]
    assert told["noun"] == "comparison"
    assert "--columns a,b,same,far" in page.read_text()


def test_embeddings_of_a_model_are_audited_alone(image_model, likewise, tmp_path):
    folder = glyphs(tmp_path / "others", first=3000, count=24)
    embed_to(image_model, Folder(str(folder)), tmp_path / "v.npz")
    code, said, err = likewise("audit", tmp_path / "v.npz", "--out", tmp_path / "a.html")
    assert code == 0, err
    assert "embeddings of 24 identities" in said
    assert "alarm" not in said.replace("Nothing alarming", "")


def test_a_table_of_items_or_pairs_is_not_taken_for_comparisons(tmp_path):
    for names, wanted in (
        ("id1,id2,same,distance", True),
        ("left,right,same,distance", True),
        ("id1,id2,grade,far", True),
        ("first,second,same,distance", False),
        ("item,label,distance", False),
        ("item,label", False),
    ):
        path = tmp_path / "t.csv"
        path.write_text(names + "\n")
        assert is_precomputed(str(path)) is wanted, names
    found, labels = vectors()
    np.savez(tmp_path / "v.npz", vectors=found, labels=labels)
    np.savez(tmp_path / "i.npz", items=found, identities=labels)
    assert is_precomputed(str(tmp_path / "v.npz"))
    assert not is_precomputed(str(tmp_path / "i.npz"))
    assert not is_precomputed(str(tmp_path))
    assert not is_precomputed("table(t.csv)")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("e.npz", "--model", "m"), "--model was given. It is for items"),
        (("e.npz", "--quick"), "--quick was given. It is for items"),
        (("e.npz", "--transform", "image"), "--transform was given"),
        (("e.npz", "--columns", "a,b,c,d"), "holds embeddings, which have no columns"),
        (("e.npz", "--distance", "cosinus"), "Did you mean 'cosine'?"),
        (("c.csv", "--distance", "cosine"), "holds comparisons"),
        (("c.csv", "--margin", "0"), "The margin is 0"),
        (("c.csv", "--columns", "id1,id2,equal"), "has no column 'equal'"),
        (("w.csv",), "row 2 (line 3): 'same' is no truth value ('maybe' in the first)"),
        (("g.csv",), "as in --same-from 4"),
    ],
)
def test_what_does_not_fit_is_refused(words, message, likewise, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, labels = vectors()
    np.savez("e.npz", vectors=found, labels=labels)
    (tmp_path / "c.csv").write_text("id1,id2,same,distance\na,b,1,0.1\nc,d,0,0.5\n")
    (tmp_path / "w.csv").write_text("id1,id2,same,distance\na,b,1,0.1\nc,d,maybe,0.5\n")
    (tmp_path / "g.csv").write_text("id1,id2,grade,distance\na,b,1,0.1\nc,d,5,0.5\n")
    code, out, err = likewise("audit", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert not (tmp_path / "audit.html").exists()
