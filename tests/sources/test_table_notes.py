"""What else a table says of its items, and how it becomes metadata."""

import json
import shutil

import pyarrow as pa
import pytest
from pyarrow import parquet

from likewise import Gallery, enrol
from likewise.errors import DamagedSource
from likewise.sources.table import Table


@pytest.fixture
def folder(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(b"none")
    return tmp_path


def notes(folder, text, **more):
    path = folder / "goods.csv"
    path.write_text(text)
    return Table(str(path), **more).notes()


def test_columns_are_what_all_their_cells_are(folder):
    found = notes(
        folder,
        "item,label,season,price,count,code,sold,empty,odd\n"
        "a.png,x,winter,2.5,3,007,true,,1\n"
        "b.png,x, summer ,4,,012,FALSE,,two\n"
        "c.png,y,,1e3,-4,100,,,nan\n",
    )
    assert found.passed == ()
    assert [found.of(at) for at in range(3)] == [
        {"season": "winter", "price": 2.5, "count": 3, "code": "007", "sold": True, "odd": "1"},
        {"season": "summer", "price": 4.0, "code": "012", "sold": False, "odd": "two"},
        {"price": 1000.0, "count": -4, "code": "100", "odd": "nan"},
    ]


def test_an_item_of_several_rows_has_one_value(folder):
    text = "item,label,season\nb.png,x,winter\na.png,x,summer\nb.png,x,{}\n"
    found = notes(folder, text.format("winter"))
    assert [found.of(at) for at in range(2)] == [{"season": "winter"}, {"season": "summer"}]
    with pytest.raises(DamagedSource, match=r"rows 1 and 3 \(lines 2 and 4\).*'winter' in one"):
        notes(folder, text.format("spring"))


def test_columns_that_have_a_use_are_none(folder):
    text = "item,label,site,season\na.png,x,north,winter\n"
    assert notes(folder, text).of(0) == {"site": "north", "season": "winter"}
    assert notes(folder, text, group="site").of(0) == {"season": "winter"}
    pairs = "first,second,same,season\na.png,b.png,1,winter\n"
    assert notes(folder, pairs).columns == {}
    assert notes(folder, "item,label\na.png,x\n").columns == {}


def test_typed_columns_keep_their_types_and_others_are_passed_over(folder):
    table = pa.table(
        {
            "item": ["a.png", "b.png"],
            "label": ["x", "y"],
            "price": [1.5, float("nan")],
            "count": [3, None],
            "kind": pa.array(["one", "two"]).dictionary_encode(),
            "when": pa.array([1, 2], pa.timestamp("s")),
            "parts": [[1], [2]],
        }
    )
    parquet.write_table(table, folder / "goods.parquet")
    found = Table(str(folder / "goods.parquet")).notes()
    assert found.passed == ("when", "parts")
    assert [found.of(at) for at in range(2)] == [
        {"price": 1.5, "count": 3, "kind": "one"},
        {"kind": "two"},
    ]


def test_enrolling_a_table_makes_its_columns_metadata(
    likewise, likewise_json, image_model, strangers, tmp_path
):
    shutil.copytree(strangers, tmp_path / "goods")
    files = sorted((tmp_path / "goods").rglob("*.png"))[:20]
    lines = [
        f"{path.relative_to(tmp_path)},{path.parent.name},{'winter' if at % 4 else 'summer'},{at},a"
        for at, path in enumerate(files)
    ]
    table = tmp_path / "goods.csv"
    table.write_text("\n".join(["item,label,season,price,unit cost", *lines]))
    database = tmp_path / "goods.db"
    told = likewise_json("enrol", image_model.folder, database, table)
    assert (told["added"], told["passed"]) == (20, ["unit cost"])
    found = likewise_json(
        "search",
        image_model.folder,
        database,
        files[0],
        "--where",
        "season = 'summer' and price < 9",
    )["matches"]
    assert sorted(one["metadata"]["price"] for one in found) == [0, 4, 8]
    assert {one["metadata"]["season"] for one in found} == {"summer"}
    with Gallery(database) as gallery:
        assert gallery.count("season = 'winter'") == 15
    code, out, _ = likewise("enrol", image_model.folder, database, table, "--update")
    assert code == 0
    assert "1 columns cannot be metadata" in out
    assert json.dumps(told)


def test_a_note_of_the_command_goes_before_the_tables(image_model, strangers, tmp_path):
    shutil.copytree(strangers, tmp_path / "goods")
    file = next((tmp_path / "goods").rglob("*.png"))
    table = tmp_path / "goods.csv"
    table.write_text(f"item,label,season\n{file.relative_to(tmp_path)},x,winter\n")
    enrol(image_model, tmp_path / "a.db", Table(str(table)), metadata={"season": "all"})
    with Gallery(tmp_path / "a.db") as gallery:
        assert gallery.count("season = 'all'") == 1
