"""The table source: four forms of files, items with labels or pairs; every fault has its row."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from likewise.data.cache import decode_all
from likewise.data.spec import source_spec
from likewise.errors import (
    BadArgument,
    DamagedSource,
    EmptySource,
    LikewiseError,
    MissingExtra,
    SourceNotFound,
    UnknownName,
    UnreadableItem,
    WrongKind,
)
from likewise.sources import FAMILY
from likewise.sources.table import Table
from likewise.sources.tabular import parquet as parquet_form
from likewise.transforms.image import ImageTransform
from likewise.transforms.series import SeriesTransform
from likewise.types import Items

Columns = Mapping[str, Sequence[Any]]
FORMS = ("csv", "tsv", "parquet", "jsonl")
LISTS = ("parquet", "jsonl")


def write(folder: Path, form: str, columns: Columns) -> str:
    """A table with these columns; its path."""
    path = folder / f"set.{form}"
    if form == "parquet":
        parquet.write_table(pa.table({name: list(cells) for name, cells in columns.items()}), path)
        return str(path)
    rows = list(zip(*columns.values(), strict=True))
    if form == "jsonl":
        lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
    else:
        mark = "," if form == "csv" else "\t"
        lines = [mark.join(map(str, row)) for row in (tuple(columns), *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def text(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def listed(items: Items) -> list[tuple[str, str, bool]]:
    """The pairs by the names of their files."""
    assert items.pairs is not None
    names = [Path(place).name for place in items.places.tolist()]
    ends = zip(items.pairs.first.tolist(), items.pairs.second.tolist(), strict=True)
    return [
        (names[a], names[b], bool(same))
        for (a, b), same in zip(ends, items.pairs.same.tolist(), strict=True)
    ]


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A folder with five small pictures, each of one grey."""
    (tmp_path / "faces").mkdir()
    for number, name in enumerate("abcde"):
        image = Image.new("L", (4, 3), 40 * number)
        image.putpixel((0, 0), 255)  # a page that is not blank
        image.save(tmp_path / "faces" / f"{name}.png")
    return tmp_path


# ── items with labels ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMS)
def test_paths_with_labels(faces: Path, form: str) -> None:
    names = [f"faces/{name}.png" for name in "abcd"]
    columns = {"who": ["x", "y", "x", "y"], "item": names, "site": ["n", "n", "s", "s"]}
    path = write(faces, form, columns)
    items = Table(path, label="who", group="site").items()
    assert items.kind == "image"
    assert items.namespace == "set"
    assert items.identities.tolist() == ["x", "y", "x", "y"]
    assert items.groups.tolist() == ["n", "n", "s", "s"]
    assert items.places.tolist() == [str(faces / name) for name in names]
    assert items.pairs is None
    decoded = decode_all(items, ImageTransform(size=8), strict=True)
    assert [int(image.min()) for image in decoded] == [0, 40, 80, 120]


@pytest.mark.parametrize("form", FORMS)
def test_labels_that_are_numbers_and_more_columns(faces: Path, form: str) -> None:
    columns = {
        "item": ["faces/a.png", "faces/b.png", "faces/c.png"],
        "label": [7, 7, 12],
        "part": ["train", "test", "train"],
        "origin": ["genuine", "forged", ""],
        "weight": [0.5, 1.5, 2.5],
    }
    items = Table(write(faces, form, columns), part="part", origin="origin").items()
    assert items.identities.tolist() == ["7", "7", "12"]
    assert items.parts.tolist() == ["train", "test", "train"]
    assert items.origins.tolist() == ["genuine", "forged", ""]


@pytest.mark.parametrize("form", LISTS)
def test_lists_of_numbers_are_series(tmp_path: Path, form: str) -> None:
    columns = {"item": [[1, 2.5, 3], [4], [1, 2.5, 3]], "label": ["x", "y", "y"]}
    items = Table(write(tmp_path, form, columns)).items()
    assert items.kind == "series"
    assert items.places.tolist() == [f"{tmp_path}/set.{form}, row {row}" for row in (1, 2, 3)]
    decoded = decode_all(items, SeriesTransform("none"), strict=True)
    assert [series.tolist() for series in decoded] == [[[1], [2.5], [3]], [[4]], [[1], [2.5], [3]]]


@pytest.mark.parametrize("form", LISTS)
def test_lists_of_lists_have_channels(tmp_path: Path, form: str) -> None:
    series = [[[1, 2], [3, 4], [5, 6]], [[7, 8]]]
    items = Table(write(tmp_path, form, {"item": series, "label": [1, 2]})).items()
    assert [np.asarray(items.read(row)).tolist() for row in (0, 1)] == series
    assert np.asarray(items.take(np.array([1])).read(0)).tolist() == series[1]


def test_all_sorts_of_lists_in_parquet(tmp_path: Path) -> None:
    expected = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    kinds = [
        pa.list_(pa.list_(pa.int8())),
        pa.large_list(pa.list_(pa.float32(), 2)),
        pa.list_(pa.large_list(pa.float16()), 2),
    ]
    for kind in kinds:
        cells = [[np.array(step, np.float16) for step in item] for item in expected]
        column = pa.array(cells if "half" in str(kind) else expected, kind)
        parquet.write_table(pa.table({"item": column, "label": ["x", "y"]}), tmp_path / "s.parquet")
        items = Table(str(tmp_path / "s.parquet")).items()
        assert [np.asarray(items.read(row)).tolist() for row in (0, 1)] == expected
    label = pa.array(["x", "y"]).dictionary_encode()
    parquet.write_table(pa.table({"item": column, "label": label}), tmp_path / "s.parquet")
    assert Table(str(tmp_path / "s.parquet")).items().identities.tolist() == ["x", "y"]


def test_files_of_series_go_by_their_endings(tmp_path: Path) -> None:
    with (tmp_path / "a.NPY").open("wb") as file:
        np.save(file, np.array([[1.0, 2], [3, 4]]))
    text(tmp_path, "b.csv", "1,2\n3,4\n")
    text(tmp_path, "c.txt", "1,2\n3,4\n")
    path = text(tmp_path, "set.csv", "item,label\na.NPY,x\nb.csv,x\nc.txt,y\n")
    items = Table(path).items()
    assert items.kind == "series"
    decoded = decode_all(items, SeriesTransform("none"), strict=True)
    assert [series.tolist() for series in decoded] == [[[1, 2], [3, 4]]] * 3
    assert Table(path, kind="image").items().kind == "image"
    Image.new("L", (4, 3)).save(tmp_path / "d.png")
    mixed = text(tmp_path, "mixed.csv", "item,label\na.NPY,x\nd.png,y\n")
    with pytest.raises(WrongKind, match="mixed holds items of the kinds"):
        _ = Table(mixed).items().kind


def test_a_path_in_two_rows_is_one_item(faces: Path) -> None:
    rows = "faces/a.png,x\n./faces//a.png, x \nfaces/b.png,y\nfaces/./a.png,x\n"
    items = Table(text(faces, "set.csv", f"item,label\n{rows}")).items()
    assert items.places.tolist() == [f"{faces}/faces/a.png", f"{faces}/faces/b.png"]
    assert items.identities.tolist() == ["x", "y"]
    path = text(faces, "set.csv", f"item,label\n{rows}./faces/a.png,z\n")
    with pytest.raises(
        DamagedSource,
        match=r"rows 1 and 5 \(lines 2 and 6\): 'faces/a\.png' has the label 'x' in one and 'z' in",
    ):
        Table(path).items()


def test_a_path_leads_where_it_says(faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (faces / "tables").mkdir()
    rows = f"../faces/a.png,x\n{faces}/faces/b.png,y\n"
    items = Table(text(faces, "tables/set.csv", f"item,label\n{rows}")).items()
    assert items.places.tolist() == [f"{faces}/tables/../faces/a.png", f"{faces}/faces/b.png"]
    assert items.read(0) == (faces / "faces" / "a.png").read_bytes()
    assert items.read(1) == (faces / "faces" / "b.png").read_bytes()
    monkeypatch.chdir(faces)
    text(faces, "set.csv", "item,label\nfaces/a.png,x\n")
    assert Table("set.csv").items().places.tolist() == ["faces/a.png"]


def test_items_without_labels_can_be_embedded(faces: Path) -> None:
    path = text(faces, "set.csv", "item,other\nfaces/a.png,1\nfaces/b.png,2\n")
    assert Table(path, label="").items().identities.tolist() == ["", ""]


def test_csv_as_it_is_found_in_the_wild(faces: Path) -> None:
    rows = '\ufeffitem,label,\r\n\r\nfaces/a.png,"two\nlines",\r\n"faces/b.png","a ""b"", c",\r\n'
    items = Table(text(faces, "set.csv", rows)).items()
    assert items.identities.tolist() == ["two lines", 'a "b", c']
    rows = "item,label\rfaces/a.png,NA\rfaces/b.png,007"
    assert Table(text(faces, "set.csv", rows)).items().identities.tolist() == ["NA", "007"]


def test_nothing_is_read_before_it_is_asked_for(faces: Path) -> None:
    path = text(faces, "set.csv", "item,label\nfaces/a.png,x\nfaces/b.png,y\n")
    items = Table(path).items()
    (faces / "faces" / "a.png").write_bytes(b"later")
    assert items.read(0) == b"later"
    (faces / "faces" / "a.png").unlink()
    with pytest.raises(UnreadableItem, match=r"a\.png cannot be read: No such file"):
        items.read(0)
    os.mkfifo(faces / "faces" / "a.png")
    with pytest.raises(UnreadableItem, match=r"a\.png is no ordinary file"):
        items.read(0)
    with (faces / "faces" / "b.png").open("r+b") as file:
        file.truncate(2**28 + 1)
    with pytest.raises(UnreadableItem, match=r"b\.png has 268435457 bytes, and at most 268435456"):
        items.read(1)


# ── pairs ─────────────────────────────────────────────────────────────────────────────────────

PAIRS = {
    "first": ["faces/a.png", "faces/b.png", "faces/b.png", "./faces/d.png"],
    "second": ["faces/b.png", "faces/c.png", "faces/a.png", "faces/e.png"],
    "same": [1, 0, 1, 0],
}


@pytest.mark.parametrize("form", FORMS)
def test_pairs_of_paths(faces: Path, form: str) -> None:
    items = Table(write(faces, form, PAIRS)).items()
    assert items.kind == "image"
    assert [Path(place).name for place in items.places] == [
        "a.png",
        "b.png",
        "d.png",
        "c.png",
        "e.png",
    ]
    assert listed(items) == [
        ("a.png", "b.png", True),
        ("b.png", "c.png", False),
        ("d.png", "e.png", False),
    ]
    a, d = "faces/a.png", "faces/d.png"
    assert items.identities.tolist() == [a, a, d, a, d]
    assert items.read(3) == (faces / "faces" / "c.png").read_bytes()
    part = items.take(np.array([3, 4, 2, 1]))
    assert listed(part) == [("b.png", "c.png", False), ("d.png", "e.png", False)]
    assert listed(part.take(np.array([0, 3]))) == [("b.png", "c.png", False)]


@pytest.mark.parametrize("form", LISTS)
def test_equal_lists_in_pairs_are_one_item(tmp_path: Path, form: str) -> None:
    columns = {
        "first": [[[1, 2]], [[3.0, 4.5]], [[9, 9]]],
        "second": [[[3, 4.5]], [[1, 2], [1, 2]], [[-0.0, 8]]],
        "same": [True, False, True],
    }
    items = Table(write(tmp_path, form, columns)).items()
    assert items.pairs is not None
    ends = zip(items.pairs.first.tolist(), items.pairs.second.tolist(), strict=True)
    series = [np.asarray(items.read(row)).tolist() for row in range(len(items))]
    assert [(series[a], series[b]) for a, b in ends] == [
        ([[1, 2]], [[3, 4.5]]),
        ([[3, 4.5]], [[1, 2], [1, 2]]),
        ([[9, 9]], [[0, 8]]),
    ]
    assert len(items) == 5
    assert items.places[0] == f"{tmp_path}/set.{form}, row 1 (first)"
    names = items.identities.tolist()
    assert len(set(names)) == 2
    assert all(name.startswith("series ") for name in names)


def test_the_names_of_components_do_not_depend_on_the_order_of_rows(faces: Path) -> None:
    turned = {name: cells[::-1] for name, cells in PAIRS.items()}
    tables = [Table(write(faces, "csv", columns)).items() for columns in (PAIRS, turned)]
    told = [dict(zip(items.places, items.identities, strict=True)) for items in tables]
    assert told[0] == told[1]
    series = [[[1.0], [2.0], 1], [[2.0], [3.0], 0], [[5.0], [6.0], 1]]
    names = []
    for rows in (series, series[::-1]):
        columns = dict(zip(("first", "second", "same"), zip(*rows, strict=True), strict=True))
        items = Table(write(faces, "jsonl", columns)).items()
        values = [float(np.asarray(items.read(row))[0, 0]) for row in range(len(items))]
        names.append(dict(zip(values, items.identities.tolist(), strict=True)))
    assert names[0] == names[1]


@pytest.mark.parametrize(
    "same",
    [
        [1, 0],
        ["1", "0"],
        [True, False],
        [1.0, 0.0],
        ["TRUE", "false"],
        [" Yes", "NO "],
        ["1.0", "0.0"],
    ],
    ids=str,
)
@pytest.mark.parametrize("form", FORMS)
def test_what_says_the_same(faces: Path, form: str, same: list[Any]) -> None:
    first, second = ["faces/a.png"] * 2, ["faces/b.png", "faces/c.png"]
    path = write(faces, form, {"first": first, "second": second, "same": same})
    assert [pair[2] for pair in listed(Table(path).items())] == [True, False]


@pytest.mark.parametrize("same", ["maybe", "2", "0.5", "t", "-1"])
@pytest.mark.parametrize("form", FORMS)
def test_what_does_not(faces: Path, form: str, same: str) -> None:
    first, second = ["faces/a.png"] * 3, ["faces/b.png", "faces/c.png", "faces/d.png"]
    path = write(faces, form, {"first": first, "second": second, "same": ["1", same, "0"]})
    with pytest.raises(DamagedSource, match=f"row 2.*'same' is no truth value \\('{same}' in the"):
        Table(path).items()


@pytest.mark.parametrize("form", FORMS)
def test_pairs_that_contradict_each_other(faces: Path, form: str) -> None:
    columns = {name: [*cells, *cells[:1]] for name, cells in PAIRS.items()}
    columns["same"] = [*PAIRS["same"], 0]
    with pytest.raises(
        DamagedSource,
        match=r"rows 1 and 5.*a\.png and .*b\.png are the same in one and different in the other",
    ):
        Table(write(faces, form, columns)).items()
    columns["first"], columns["second"] = columns["second"], columns["first"]
    columns["same"] = [1, 0, 0, 0, 0]
    with pytest.raises(DamagedSource, match=r"rows 1 and 3.* in the other.* So do 1 more rows"):
        Table(write(faces, form, columns)).items()


@pytest.mark.parametrize("form", LISTS)
def test_equal_lists_that_contradict_each_other(tmp_path: Path, form: str) -> None:
    columns = {"first": [[0.0, 2], [3]], "second": [[3], [-0.0, 2]], "same": [0, 1]}
    with pytest.raises(DamagedSource, match=r"rows 1 and 2.*are the same in one and different"):
        Table(write(tmp_path, form, columns)).items()


def test_an_item_and_itself_are_no_pair(faces: Path) -> None:
    rows = "faces/a.png,faces/b.png,1\nfaces/c.png,./faces/c.png,1\n"
    with pytest.raises(DamagedSource, match=r"row 2 \(line 3\): the pair is an item and itself"):
        Table(text(faces, "set.csv", f"first,second,same\n{rows}")).items()


def test_pairs_take_no_columns_of_items(faces: Path) -> None:
    path = write(faces, "csv", {**PAIRS, "site": [1, 2, 3, 4]})
    with pytest.raises(
        BadArgument, match=r"a column of group belongs to items, and .* holds pairs"
    ):
        Table(path, group="site").items()
    path = write(faces, "csv", {**PAIRS, "item": PAIRS["first"], "label": [1, 2, 2, 3]})
    with pytest.raises(DamagedSource, match="columns item, label and also first, second, same"):
        Table(path).items()
    assert Table(path, first="one").items().pairs is None


def test_pairs_of_one_sort_of_item(tmp_path: Path) -> None:
    mixed = '{"first": [1, 2], "second": "a.png", "same": 1}\n'
    with pytest.raises(DamagedSource, match="'first' and 'second' one holds lists and one texts"):
        Table(text(tmp_path, "set.jsonl", mixed)).items()
    uneven = '{"first": [1, 2], "second": [[1, 2]], "same": 1}\n'
    with pytest.raises(DamagedSource, match="'first' have 1 channels and those of 'second' have 2"):
        Table(text(tmp_path, "set.jsonl", uneven)).items()


# ── bad columns and cells ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMS)
def test_a_column_that_is_not_there(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form, {"item": ["a.png"], "lable": ["x"], "site": [1]})
    with pytest.raises(
        DamagedSource,
        match=r"no column 'label'\. Did you mean 'lable'\? It has 'item', 'lable', 'site'\. Exp",
    ):
        Table(path).items()
    with pytest.raises(DamagedSource, match=r"no column 'sight'\. Did you mean 'site'\?"):
        Table(path, label="lable", group="sight").items()
    path = write(tmp_path, form, {"frist": ["a.png"], "second": ["x"], "same": [1]})
    with pytest.raises(DamagedSource, match=r"no column 'first'\. Did you mean 'frist'\?"):
        Table(path).items()


def test_a_header_of_another_sort(tmp_path: Path) -> None:
    with pytest.raises(DamagedSource, match=r"seem to be parted by ';': use commas in \.csv"):
        Table(text(tmp_path, "set.csv", "item;label\na.png;x\n")).items()
    with pytest.raises(DamagedSource, match="more than one column 'item'"):
        Table(text(tmp_path, "set.csv", "item,label,item\na,b,c\n")).items()
    many = ",".join(f"column{number}" for number in range(100))
    with pytest.raises(DamagedSource, match=r"It has 'column0', .* 'column19', \.\.\.\. Expected"):
        Table(text(tmp_path, "set.csv", f"{many}\n{many}\n")).items()


@pytest.mark.parametrize(
    ("form", "lines"), [("csv", " (line 4)"), ("tsv", " (line 4)"), ("parquet", ""), ("jsonl", "")]
)
def test_a_missing_cell_is_named_by_its_row(faces: Path, form: str, lines: str) -> None:
    names = [f"faces/{name}.png" for name in "abcd"]
    for empty in ("", "  "):
        path = write(faces, form, {"item": names, "label": ["x", "y", empty, "x"]})
        found = " (line 3)" if form == "jsonl" else lines
        with pytest.raises(DamagedSource, match=r"set\.\w+, row 3.*: 'label' is missing") as told:
            Table(path).items()
        assert f"row 3{found}:" in str(told.value)
    path = write(faces, form, {"item": [*names[:3], ""], "label": [1, 2, 3, 4]})
    with pytest.raises(DamagedSource, match=r"row 4.*: 'item' is missing"):
        Table(path).items()
    path = write(faces, form, {**PAIRS, "same": ["1", "", "0", ""]})
    with pytest.raises(DamagedSource, match=r"rows 2 and 4.*: 'same' is missing"):
        Table(path).items()


@pytest.mark.parametrize("form", LISTS)
def test_a_null_is_a_missing_cell(faces: Path, form: str) -> None:
    for label in (["x", None], [1, None]):
        path = write(faces, form, {"item": ["faces/a.png", "faces/b.png"], "label": label})
        with pytest.raises(DamagedSource, match=r"row 2.*: 'label' is missing"):
            Table(path).items()
    columns = {"item": ["faces/a.png", "faces/b.png"], "label": [1, 2], "site": [None, "s"]}
    assert Table(write(faces, form, columns), group="site").items().groups.tolist() == ["", "s"]


def test_the_line_of_a_row_is_found_behind_breaks_and_empty_lines(tmp_path: Path) -> None:
    rows = 'item,label\n\na.png,"two\n\nlines"\nb.png,\n'
    with pytest.raises(DamagedSource, match=r"row 2 \(line 6\): 'label' is missing"):
        Table(text(tmp_path, "set.csv", rows)).items()
    rows = '\n{"item": "a.png", "label": "x"}\n\n\n{"item": "b.png"}\n'
    with pytest.raises(DamagedSource, match=r"row 2 \(line 5\): 'label' is missing"):
        Table(text(tmp_path, "set.jsonl", rows)).items()
    rows = "item,label\n" + "a.png,\n" * 12
    with pytest.raises(
        DamagedSource,
        match=r"12 rows are wrong, rows 1, 2, .* and 10, \.\.\. \(lines 2, 3, .* and 11, \.\.\.\)",
    ):
        Table(text(tmp_path, "set.csv", rows)).items()


@pytest.mark.parametrize("form", FORMS)
def test_paths_that_do_not_exist(faces: Path, form: str) -> None:
    os.mkfifo(faces / "pipe.png")
    names = ["faces/a.png", *(f"gone{number}.png" for number in range(11)), "faces", "pipe.png"]
    path = write(faces, form, {"item": names * 2, "label": [7] * 28})
    with pytest.raises(
        SourceNotFound,
        match=r"13 of the 14 paths under item lead to no file: 'gone0\.png', .* 'gone9\.png', \.\.",
    ) as told:
        Table(path).items()
    assert "gone10" not in str(told.value)
    assert f"folder, {faces}." in str(told.value)


@pytest.mark.parametrize("form", LISTS)
@pytest.mark.parametrize(
    ("series", "why"),
    [
        ([[[1, 2]], [[3, 4], [5]]], "row 2.*a step of 'item' has 1 channels, and .* have 2"),
        ([[[1, 2]], [[1, 2, 3]]], "row 2.*a step of 'item' has 3 channels, and .* have 2"),
        ([[[1, 2]], [[1, 2], []]], "row 2.*a step of 'item' has 0 channels"),
        ([[[1, 2]], [[1, 2], None]], "row 2.*a step of 'item' has 0 channels"),
        ([[1.0, 2], []], "row 2.*the list of 'item' is empty"),
        ([[1.0], None], "row 2.*'item' is missing"),
        ([[1.0], [2, None]], "row 2.*the list of 'item' lacks a number"),
        ([[[1.0, 2]], [[3, None]]], "row 2.*the list of 'item' lacks a number"),
    ],
    ids=str,
)
def test_series_that_do_not_fit(tmp_path: Path, form: str, series: list[Any], why: str) -> None:
    with pytest.raises(DamagedSource, match=why):
        Table(write(tmp_path, form, {"item": series, "label": ["x", "y"]})).items()


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"item": ["a"], "label": [1.5]}, "column 'label' holds double, and texts or whole"),
        ({"item": ["a"], "label": [float("nan")]}, "row 1: 'label' is missing"),
        ({"item": [1.5], "label": ["x"]}, "column 'item' holds double"),
        ({"item": [["x"]], "label": ["x"]}, "column 'item' holds list<.*string>, and lists of num"),
        ({"item": [[[[1.0]]]], "label": ["x"]}, "column 'item' holds list<"),
        ({"item": ["a"], "label": [{"x": 1}]}, "column 'label' holds struct"),
        ({"item": ["a"], "label": [b"x"]}, "column 'label' holds binary"),
        ({"first": ["a"], "second": ["b"], "same": [0.5]}, "row 1: 'same' is no truth value"),
        ({"first": ["a"], "second": ["b"], "same": [2]}, "row 1: 'same' is no truth value"),
        ({"first": [1.5], "second": ["b"], "same": [1]}, "column 'first' holds double"),
    ],
    ids=str,
)
def test_columns_of_a_type_that_is_not_read(tmp_path: Path, columns: Columns, why: str) -> None:
    with pytest.raises(DamagedSource, match=why):
        Table(write(tmp_path, "parquet", columns)).items()


@pytest.mark.parametrize("form", FORMS)
def test_cells_that_are_no_text(faces: Path, form: str) -> None:
    names = ["faces/a.png", "faces/b.png"]
    if form in LISTS:
        path = write(faces, form, {"item": names, "label": ["x", "y\0"]})
    else:
        mark = "," if form == "csv" else "\t"
        path = text(faces, f"set.{form}", f"item{mark}label\n{names[0]}{mark}x\na{mark}y\0\n")
    with pytest.raises(DamagedSource, match=r"row 2.*'label' is no text, for it holds a NUL"):
        Table(path).items()
    path = write(faces, form, {"item": [names[0], "x" * 1001], "label": [1, 2]})
    with pytest.raises(DamagedSource, match=r"row 2.*'item' is longer than 1000 characters"):
        Table(path).items()


@pytest.mark.parametrize("form", FORMS)
def test_words_that_a_column_does_not_know(faces: Path, form: str) -> None:
    columns = {"item": ["faces/a.png", "faces/b.png"], "label": [1, 2], "use": ["train", "tets"]}
    path = write(faces, form, columns)
    with pytest.raises(
        DamagedSource, match=r"row 2.*'use' is 'tets' in the first. Give 'train' or"
    ):
        Table(path, part="use").items()
    with pytest.raises(DamagedSource, match=r"rows 1 and 2.*'use' is 'train' .* Give 'genuine' or"):
        Table(path, origin="use").items()


# ── broken files ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("set.csv", ""),
        ("set.csv", "\n\n"),
        ("set.csv", "item,label"),
        ("set.csv", "item,label\n\n"),
        ("set.tsv", "first\tsecond\tsame\n"),
        ("set.jsonl", ""),
        ("set.jsonl", "\n  \n"),
        ("set.jsonl", b"\xef\xbb\xbf"),
    ],
)
def test_nothing_in_it(tmp_path: Path, name: str, content: str | bytes) -> None:
    with pytest.raises(EmptySource, match=rf"{name} (is empty|holds a header and no rows)"):
        Table(text(tmp_path, name, content)).items()


def test_no_rows_in_parquet(tmp_path: Path) -> None:
    path = write(tmp_path, "parquet", {"item": [], "label": []})
    with pytest.raises(EmptySource, match=r"set\.parquet has no rows"):
        Table(path).items()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("item,label\na,x\nb\n", "line 3: 1 cells, and the header names 2"),
        ("item,label\na,x\n\nb,y,z\n", "line 4: 3 cells, and the header names 2"),
        ('item,label\n"a\nb",x\nc\n', "line 4: 1 cells"),
        ('item,label\na,x\nb,"y\n', "line 3: unexpected end of data"),
        ('item,label\na,x\nb,"y\nc,z\n', "line 3: unexpected end of data"),
        (b"item,label\na,x\nb,\xff\n", "line 3: it is no text in UTF-8 .byte 0xff at column 3"),
        (b"it\xe9m,label\na,x\n", "line 1: it is no text in UTF-8 .byte 0xe9 at column 3"),
        ("item,label\na,x\n".encode("utf-16"), "line 1: it is no text in UTF-8 .byte 0xff"),
        ("item,label\n" + "x" * 200_000 + ",x\nb\n", "line 2: field larger than field limit"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_broken_csv(tmp_path: Path, content: str | bytes, why: str) -> None:
    with pytest.raises(DamagedSource, match=rf"set\.csv, {why}"):
        Table(text(tmp_path, "set.csv", content)).items()


FIRST = '{"item": "a", "label": "x"}\n'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("item,label\n", "line 1: no JSON"),
        ("[1, 2]\n", "line 1: an object is expected, not '.1, 2.'"),
        ("[" * 100_000, "line 1: no JSON"),
        (FIRST + "\n[1, 2]\n", "line 3: Column.. changed from object to array"),
        (
            FIRST + '{"item": "b", "label": 1}\n',
            "line 2: Column./label. changed from string to num",
        ),
        (
            FIRST + '{"item": [1], "label": "y"}\n',
            "line 2: Column./item. changed from string to arr",
        ),
        (FIRST + '{"item": "b", "label": "y"\n', "line 2: Missing a comma or .}"),
        (FIRST + '{"item": "b", "item": "c"}\n', "line 2: Column./item. was specified twice"),
        (FIRST + '{"item": "\\ud800"}\n', "line 2: The surrogate pair in string is invalid"),
        (FIRST.encode() + b'{"item": "\xff"}\n', "line 2: .*Invalid UTF8"),
        (FIRST * 2500 + "x\n" + FIRST, "line 2501: Invalid value"),
        (b'{"item": "\xff"}\n', "line 1: it is no text in UTF-8"),
        (FIRST.strip() + FIRST, "line 1: no JSON .Extra data"),
        (FIRST + FIRST.strip() + FIRST, "holds 3 objects on 2 lines"),
        ('{"item": {"a": 1}, "label": 1}\n', "line 1: 'item' is .*, and a text, a number"),
        ('{"item": ["a"], "label": 1}\n', "line 1: 'item' is .*, and a text, a number"),
        ('{"item": [1], "label": 1}\n{"item": [1e999], "label": 1}\n', "line 2: Number too big"),
        ('{"item": [1], "label": 1}\n{"item": [1], "label": 1.5}\n', "line 2: Failed to convert"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_broken_json_lines(tmp_path: Path, content: str | bytes, why: str) -> None:
    with pytest.raises(DamagedSource, match=rf"set\.jsonl,? {why}"):
        Table(text(tmp_path, "set.jsonl", content)).items()


def test_json_lines_longer_than_a_block(tmp_path: Path) -> None:
    long = list(range(400_000))
    lines = [json.dumps({"item": long[:size], "label": size}) for size in (400_000, 3, 399_999)]
    items = Table(text(tmp_path, "set.jsonl", "\n".join(lines))).items()
    assert [len(np.asarray(items.read(row))) for row in range(3)] == [400_000, 3, 399_999]


def test_json_lines_may_hold_more_than_is_asked_for(faces: Path) -> None:
    deep = "[" * 50_000 + "]" * 50_000
    rows = [
        '{"x": 1, "item": "faces/a.png", "label": "2020-01-01", "y": {"z": 1}}',
        '{"x": "one", "item": "faces/b.png", "label": "2020-01-02", "y": ' + deep + "}",
    ]
    items = Table(text(faces, "set.jsonl", "\n".join(rows))).items()
    assert items.identities.tolist() == ["2020-01-01", "2020-01-02"]


def test_broken_parquet(tmp_path: Path) -> None:
    path = Path(write(tmp_path, "parquet", {"item": ["a", "b"], "label": [1, 2]}))
    whole = path.read_bytes()
    for data in (b"", b"PAR1", b"item,label\na,x\n", whole[:-5], whole[8:], whole[:4] + whole[60:]):
        path.write_bytes(data)
        with pytest.raises(
            DamagedSource, match=r"set\.parquet is no Parquet file that can be read"
        ):
            Table(str(path)).items()
    binary = pa.table({"item": pa.array([b"\xff"]), "label": ["x"]})
    unchecked = pa.StringArray.from_buffers(1, *binary["item"].chunk(0).buffers()[1:])
    parquet.write_table(pa.table({"item": unchecked, "label": ["x"]}), path)
    with pytest.raises(DamagedSource, match=r"no Parquet file that can be read: .*Invalid UTF8"):
        Table(str(path)).items()


def test_parquet_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "parquet", {"item": ["a" * 900] * 9_000, "label": [1] * 9_000})
    assert Path(path).stat().st_size < 20_000
    monkeypatch.setattr(parquet_form, "LARGEST_BYTES", 2**20)
    with pytest.raises(DamagedSource, match=r"set\.parquet unpacks to more than 1048576 bytes"):
        Table(path).items()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, bytes]]:
    """For each form a good table, to be damaged."""
    folder = tmp_path_factory.mktemp("tables")
    for name in "ab":
        Image.new("L", (4, 3)).save(folder / f"{name}.png")
    columns = {"item": ["a.png", "b.png"] * 3, "label": ["x", "y"] * 3}
    contents = {form: Path(write(folder, form, columns)).read_bytes() for form in FORMS}
    return lambda form: (folder / f"set.{form}", contents[form])


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.data())
@pytest.mark.parametrize("form", FORMS)
def test_damaged_bytes_are_refused_by_name_or_read(
    whole: Callable[[str], tuple[Path, bytes]], form: str, data: st.DataObject
) -> None:
    path, content = whole(form)
    broken = bytearray(content)
    for _ in range(data.draw(st.integers(0, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(broken[: data.draw(st.integers(0, len(broken)))])
    try:
        items = Table(str(path)).items()
    except LikewiseError as error:
        assert "set." in str(error)
    else:
        assert len(items) in {1, 2}


# ── the path, the arguments, the registry ─────────────────────────────────────────────────────


def test_a_path_without_a_table(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("gone.csv", "folder.csv"):
        with pytest.raises(SourceNotFound, match=f"there is no file '{tmp_path}/{name}'"):
            Table(str(tmp_path / name)).items()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"path": ""}, r"the path is '', and one that ends in \.csv, \.tsv, \.parquet, \.jsonl"),
        ({"path": "set.xlsx"}, r"the path is 'set\.xlsx'"),
        ({"item": ""}, "different names are expected"),
        ({"same": "first"}, "different names are expected"),
        ({"group": "label"}, "different names are expected"),
    ],
)
def test_bad_arguments(arguments: dict[str, str], why: str) -> None:
    with pytest.raises(BadArgument, match=why):
        Table(**{"path": "set.csv", **arguments})  # type: ignore[arg-type]


def test_a_kind_that_is_none() -> None:
    with pytest.raises(UnknownName, match="no kind of item is named 'text'"):
        FAMILY.build("table('set.csv', kind='text')")


def test_lists_are_no_images(tmp_path: Path) -> None:
    path = write(tmp_path, "jsonl", {"item": [[1], [2]], "label": ["x", "y"]})
    with pytest.raises(BadArgument, match=r"kind is 'image', and .* holds lists of numbers"):
        Table(path, kind="image").items()


def test_without_pyarrow(faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(faces, "csv", PAIRS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'likewise\[evaluate\]'"):
        Table(path).items()


@pytest.mark.parametrize("form", FORMS)
def test_the_file_alone_stands_for_the_source(faces: Path, form: str) -> None:
    spec = source_spec(write(faces, form, PAIRS))
    assert spec == f"table('{faces}/set.{form}')"
    assert len(FAMILY.build(spec).items()) == 5
