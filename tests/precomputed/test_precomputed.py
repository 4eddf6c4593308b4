"""Embeddings and comparisons that somebody else made are checked where they enter."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from likewise.errors import (
    BadArgument,
    DamagedSource,
    EmptySource,
    SourceNotFound,
    SplitError,
    UnknownName,
)
from likewise.precomputed import PrecomputedComparisons, PrecomputedEmbeddings
from likewise.precomputed.files import Columns, read_precomputed

ROWS = [
    ("a", "b", 1, 0.1),
    ("b", "c", 0, 0.9),
    ("d", "e", 1, 0.2),
    ("f", "g", 0, 0.7),
    ("g", "h", 0, 0.8),
]


def table(path, rows, names="id1,id2,same,distance"):
    path.write_text("\n".join([names, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def npz(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


# ── comparisons ───────────────────────────────────────────────────────────────────────────────


def test_what_hangs_together_is_one_unit(tmp_path):
    found = read_precomputed(table(tmp_path / "c.csv", ROWS))
    assert isinstance(found, PrecomputedComparisons)
    assert found.names.tolist() == ["a", "d", "f"]
    assert found.names[found.codes].tolist() == ["a", "a", "d", "f", "f"]
    assert found.weights().tolist() == [[1, 0, 2], [1, 1, 0]]
    compared = found.compared()
    assert compared.counts == (2, 3)
    assert len(compared.vectors) == 8
    part = found.take(np.array([2, 0]))
    assert part.names.tolist() == ["a", "f"]
    assert part.names[part.codes].tolist() == ["a", "a", "f", "f"]
    assert part.distances.tolist() == [0.1, 0.9, 0.7, 0.8]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".jsonl"])
def test_every_form_of_table_says_the_same(ending, tmp_path):
    path = tmp_path / f"c{ending}"
    rows = [*ROWS[:3], ("f", "g", 0, 1), ROWS[4]]  # a whole number among the others
    if ending in (".csv", ".tsv"):
        mark = "," if ending == ".csv" else "\t"
        lines = [("id1", "id2", "same", "distance"), *rows]
        path.write_text("\n".join(mark.join(map(str, row)) for row in lines) + "\n")
    elif ending == ".jsonl":
        first = ("x", "y", 1, 0)  # whole, though the column is not
        keys = ("id1", "id2", "same", "distance")
        said = [json.dumps(dict(zip(keys, row, strict=True))) for row in (first, *rows)]
        path.write_text("\n".join(said))
    else:
        columns = dict(
            zip(("id1", "id2", "same", "distance"), zip(*rows, strict=True), strict=True)
        )
        parquet.write_table(pa.table({k: list(v) for k, v in columns.items()}), path)
    found = read_precomputed(str(path))
    assert found.distances.tolist()[-5:] == [0.1, 0.9, 0.2, 1.0, 0.8]
    assert found.same.tolist()[-5:] == [True, False, True, False, False]


def test_rows_that_only_repeat_count_once_in_either_order(tmp_path):
    again = [("b", "a", 1, 0.1), ("a", "b", 1, 0.10)]
    found = read_precomputed(table(tmp_path / "c.csv", [*ROWS, *again]))
    assert found.repeated == 2
    assert found.compared().counts == (2, 3)


def test_other_names_and_columns_that_are_passed_over(tmp_path):
    rows = [(*row, "note") for row in ROWS]
    path = table(tmp_path / "c.csv", rows, "left,right,match,gap,remark")
    found = read_precomputed(path, columns=Columns("left", "right", "match", "gap"))
    assert found.distances.tolist() == [row[3] for row in ROWS]


def test_rows_whose_items_nobody_knows_stand_alone(tmp_path):
    rows = [(same, distance) for _, _, same, distance in [*ROWS, ROWS[0]]]
    found = read_precomputed(
        table(tmp_path / "c.csv", rows, "same,distance"), columns=Columns("", "")
    )
    assert not found.linked
    assert len(found.names) == len(rows)  # two rows may be equal by chance
    assert found.repeated == 0


def test_a_similarity_becomes_a_distance_when_asked(tmp_path):
    rows = [(a, b, same, 1 - distance) for a, b, same, distance in ROWS]
    path = table(tmp_path / "c.csv", rows, "id1,id2,same,cosine")
    with pytest.raises(DamagedSource, match=r"has no column 'distance'.*--similarity"):
        read_precomputed(path)
    found = read_precomputed(path, columns=Columns(similarity="cosine"))
    assert found.distances == pytest.approx([row[3] for row in ROWS])
    assert found.measure == "similarity"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("x", "y", 1, -0.5), r"row 6 \(line 7\): the distance is -0.5 .*name its column with"),
        (("x", "y", 1, "nan"), r"row 6 \(line 7\): 'distance' is nan in the first. Give finite"),
        (("x", "y", 1, "inf"), r"'distance' is inf in the first"),
        (("x", "y", 1, "1e999"), r"'distance' is inf in the first"),
        (("x", "y", 1, "1e300"), r"the distance is 1e\+300 in the first"),
        (("x", "y", 1, "near"), r"'distance' is no number \('near' in the first\)"),
        (("x", "y", 1, ""), r"row 6 \(line 7\): 'distance' is missing"),
        (("x", "y", 2, 0.5), r"'same' is no truth value \('2' in the first\).*Give 1, true or"),
        (("x", "y", "maybe", 0.5), r"'same' is no truth value \('maybe' in the first\)"),
        (("x", "y", "", 0.5), r"'same' is missing"),
        (("", "y", 1, 0.5), r"'id1' is missing"),
        (("x", "x", 1, 0.0), r"'x' is compared with itself in the first. Drop the rows"),
        (("b", "a", 0, 0.1), r"rows 1 and 6 .*'b' and 'a' are the same in one and different in"),
        (("a", "b", 1, 0.3), r"'a' and 'b' are at distance 0.1 in one and 0.3 in the other"),
    ],
)
def test_a_wrong_row_is_refused_by_name(row, message, tmp_path):
    with pytest.raises(DamagedSource, match=message):
        read_precomputed(table(tmp_path / "c.csv", [*ROWS, row]))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("id1,id2,same,distanse", r"no column 'distance'. Did you mean 'distanse'\?"),
        ("id1,id2,sam,distance", r"no column 'same'. Did you mean 'sam'\?.*--columns"),
        ("one,other,same,distance", r"no column 'id1'.*It has 'one', 'other'.*every row stands"),
        ("id1;id2;same;distance,a,b,c", r"no column 'id1'"),
        ("identity,vector,same,distance", r"It holds embeddings, which are read from an \.npz"),
        ("id1,id2,same,same", r"more than one column 'same'"),
    ],
)
def test_missing_columns_are_named_with_the_nearest(names, message, tmp_path):
    with pytest.raises(DamagedSource, match=message):
        read_precomputed(table(tmp_path / "c.csv", ROWS, names))


def test_cells_parted_by_another_mark_are_told(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("id1;id2;same;distance\na;b;1;0.5\n")
    with pytest.raises(DamagedSource, match=r"parted by ';'. Use commas"):
        read_precomputed(str(path))


@pytest.mark.parametrize("same", [0, 1])
def test_pairs_of_one_sort_alone_are_refused(same, tmp_path):
    rows = [(a, b, same, distance) for a, b, _, distance in ROWS]
    with pytest.raises(SplitError, match=r"one of each at least"):
        read_precomputed(table(tmp_path / "c.csv", rows))


def test_nothing_below_the_header(tmp_path):
    with pytest.raises(EmptySource, match=r"no rows below it"):
        read_precomputed(table(tmp_path / "c.csv", []))


def test_paths_and_options_that_do_not_fit(tmp_path):
    with pytest.raises(SourceNotFound, match=r"no file '.*absent.csv'"):
        read_precomputed(str(tmp_path / "absent.csv"))
    with pytest.raises(BadArgument, match=r"does not end in .npz, .csv.*needs a model"):
        read_precomputed(str(tmp_path))
    path = table(tmp_path / "c.csv", ROWS)
    with pytest.raises(BadArgument, match=r"distances are there already.*--distance cosine out"):
        read_precomputed(path, distance="cosine")
    with pytest.raises(BadArgument, match=r"different names are expected"):
        Columns(same="id1")
    with pytest.raises(BadArgument, match=r"Name both, or neither"):
        Columns(first="")


def test_a_table_that_would_fill_the_memory(tmp_path, monkeypatch):
    from likewise.precomputed import files

    monkeypatch.setattr(files, "memory_bytes", lambda: 100)
    with pytest.raises(DamagedSource, match=r"at most 50, half of the memory"):
        read_precomputed(table(tmp_path / "c.csv", ROWS))


def test_comparisons_in_memory():
    found = PrecomputedComparisons.of([True, False], [0.5, 1], ["a", "b"], ["c", "d"])
    assert found.compared().counts == (1, 1)
    alone = PrecomputedComparisons.of(np.array([1, 0]), np.array([0.25, -0.5]), similarity=True)
    assert alone.distances.tolist() == [0.75, 1.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [0.1, 0.2]), r"same is 2 in the first. Give 1"),
        (([1, 0], [0.1, np.nan]), r"row 2: the distance is nan"),
        (([1, 0], [0.1]), r"columns of one length.*\[\[2\], \[1\]\]"),
        (([1, 0], [0.1, 0.2], ["a", "b"]), r"both of first and second or neither"),
        ((np.array(["yes", "no"]), [0.1, 0.2]), r"same is <U3"),
        (([1, 0], np.array(["0.1", "0.2"])), r"distances are <U3"),
        (([1, 0], [0.1, 0.2], ["a", ""], ["b", "c"]), r"label of row 1 .* is empty"),
        (([1, 0], [0.1, 0.2], np.array(["a", None]), ["b", "c"]), r"labels are object"),
    ],
)
def test_comparisons_in_memory_are_checked(arguments, message):
    with pytest.raises(DamagedSource, match=message):
        PrecomputedComparisons.of(*arguments)


def test_a_similarity_above_one_is_of_another_range():
    found = PrecomputedComparisons.of([1, 0], [1.5, 0.5], similarity=True)
    assert found.measure == "similarity(top=10)"
    assert found.distances.tolist() == [0.85, 0.95]


# ── embeddings ────────────────────────────────────────────────────────────────────────────────

VECTORS = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
LABELS = ["a", "a", "b", "b", "c", "c"]


@pytest.mark.parametrize("keys", [("vectors", "identities"), ("embeddings", "labels")])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_embeddings_by_any_of_their_names(keys, dtype, tmp_path):
    arrays = dict(zip(keys, (VECTORS.astype(dtype), np.array(LABELS)), strict=True))
    found = read_precomputed(
        npz(tmp_path / "e.npz", **arrays, remark=np.arange(3)), distance="euclidean"
    )
    assert isinstance(found, PrecomputedEmbeddings)
    assert found.names.tolist() == ["a", "b", "c"]
    assert found.measure == "euclidean"
    assert found.compared().counts == (3, 12)
    assert found.take(np.array([0, 2])).names.tolist() == ["a", "c"]
    assert found.vectors.dtype == np.promote_types(dtype, np.float32)


def test_whole_numbers_are_labels_and_cosine_is_what_nobody_says(tmp_path):
    labels = np.array([10, 10, 9, 9, 8, 8])
    found = read_precomputed(npz(tmp_path / "e.npz", vectors=VECTORS, labels=labels))
    assert sorted(found.names.tolist()) == ["10", "8", "9"]
    assert found.measure == "cosine"


def changed(row, value):
    vectors = VECTORS.copy()
    vectors[row, 1] = value
    return vectors


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"vectors": changed(4, np.nan), "labels": LABELS}, r"embedding of row 4 .*holds NaN"),
        ({"vectors": changed(2, np.inf), "labels": LABELS}, r"embedding of row 2 "),
        ({"vectors": VECTORS[0], "labels": LABELS}, r"float32 \[4\], and floats \[n dim\]"),
        ({"vectors": VECTORS[:, :0], "labels": LABELS}, r"float32 \[6, 0\]"),
        ({"vectors": VECTORS.astype(int), "labels": LABELS}, r"int64 \[6, 4\], and floats"),
        ({"vectors": VECTORS, "labels": LABELS[:5]}, r"labels are <U1 \[5\], and 6 strings"),
        ({"vectors": VECTORS, "labels": ["", *LABELS[1:]]}, r"label of row 0 .* is empty"),
        ({"vectors": VECTORS, "labels": [0.5] * 6}, r"labels are float64"),
        ({"vectors": VECTORS, "label": LABELS}, r"no key 'identities' or 'labels'. Is it 'label'"),
        ({"vektors": VECTORS, "labels": LABELS}, r"Is it 'vektors'\? Name it 'vectors'"),
        ({"vectors": VECTORS, "embeddings": VECTORS, "labels": LABELS}, r"Leave one out"),
        ({"items": VECTORS, "identities": LABELS}, r"It holds items, which a model compares"),
    ],
)
def test_wrong_arrays_are_refused_by_name(arrays, message, tmp_path):
    path = npz(tmp_path / "e.npz", **{key: np.asarray(value) for key, value in arrays.items()})
    with pytest.raises(DamagedSource, match=message):
        read_precomputed(path)


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    path = npz(tmp_path / "e.npz", vectors=VECTORS, labels=np.array([Bomb()] * 6, dtype=object))
    with pytest.raises(DamagedSource, match=r"'labels' cannot be read .*never unpickled"):
        read_precomputed(path)
    assert not (tmp_path / "made").exists()


def test_an_npz_that_unpacks_to_too_much(tmp_path, monkeypatch):
    from likewise.sources import npz as module

    path = npz(tmp_path / "e.npz", vectors=VECTORS, labels=LABELS)
    monkeypatch.setattr(module, "memory_bytes", lambda: 200)
    with pytest.raises(DamagedSource, match=r"unpacks to \d+ bytes, and at most 100"):
        read_precomputed(path)


@pytest.mark.parametrize("labels", [["a"] * 6, list("abcdef")])
def test_identities_that_make_no_pairs_of_both_sorts(labels):
    with pytest.raises(SplitError, match=r"two identities, one of them with two items"):
        PrecomputedEmbeddings.of(VECTORS, labels)


def test_no_embeddings_and_no_such_distance():
    with pytest.raises(EmptySource, match=r"holds no embeddings"):
        PrecomputedEmbeddings.of(VECTORS[:0], [])
    with pytest.raises(UnknownName, match=r"no distance is named 'cosin'. Did you mean 'cosine'"):
        PrecomputedEmbeddings.of(VECTORS, LABELS, "cosin")
