"""Series in `.ts` files: the format, its faults by line, and the real sets."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from likewise.errors import BadArgument, DamagedSource, EmptySource, SourceNotFound
from likewise.sources.ts import parse_ts
from likewise.sources.ucr import Ucr

real = pytest.mark.skipif(
    not os.environ.get("LIKEWISE_DATA"), reason="LIKEWISE_DATA is not set: no research data"
)

HEAD = "# made by hand\n@problemName toy\n@timeStamps false\n@classLabel true up down\n"
TRAIN = f"{HEAD}@data\n1,2,3:4,5,6:up\n\n# a remark\n7,?:8,9.5:down\n"
TEST = f"{HEAD}@data\n1:2:down\n"


def test_the_format() -> None:
    first, second = parse_ts(TRAIN.encode(), "toy_TRAIN.ts")
    assert first.values.dtype == np.float32
    np.testing.assert_array_equal(first.values, [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(second.values, [[7, 8], [np.nan, 9.5]])
    assert (first.label, second.label) == ("up", "down")
    assert (first.line, second.line) == (6, 9)


def test_tags_have_no_case_and_windows_lines_are_read() -> None:
    text = (
        "@PROBLEMNAME toy\n@TimeStamps FALSE\n@missing True\n@UNIVARIATE false\n@dimensions 2\n"
        "@equallength TRUE\n@serieslength 2\n@targetLabel false\n@ClassLabel True A b\n@DATA\n"
        " 1 , 2 : -3e-1 , NaN : A \n"
    )
    (one,) = parse_ts(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), "toy.ts")
    np.testing.assert_array_equal(one.values, np.array([[1, -0.3], [2, np.nan]], np.float32))
    assert one.label == "A"


def test_without_classes() -> None:
    one, two = parse_ts(b"@classLabel false\n@data\n1,2\n3\n", "toy.ts")
    assert (one.label, two.label) == ("", "")
    assert (len(one.values), len(two.values)) == (2, 1)


def test_a_number_too_large_becomes_infinite_for_the_transform_to_refuse() -> None:
    (one,) = parse_ts(f"{HEAD}@data\n1e300,1:up\n".encode(), "toy.ts")
    assert np.isinf(one.values[0, 0])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{HEAD}@data\n1,2:3:up\n", "toy.ts:6: channels of the unequal lengths 1, 2"),
        (f"{HEAD}@data\n1,2:up\n1,x:up\n", "toy.ts:7: 'x' is no number"),
        (f"{HEAD}@data\n1,,2:up\n", "toy.ts:6: '' is no number"),
        (f"{HEAD}@data\n1,2:left\n", "toy.ts:6: the class is 'left', and one of down, up"),
        (f"{HEAD}@data\n1,2:3,4\n", "toy.ts:6: the class is '3,4'"),
        (f"{HEAD}@data\n1:up\n1:2:up\n", "toy.ts:7: 2 channels, and 1 are expected"),
        (f"{HEAD}@univariate true\n@data\n1:2:up\n", "toy.ts:7: 2 channels, and 1 are"),
        (f"{HEAD}@dimension 3\n@data\n1:2:up\n", "toy.ts:7: 2 channels, and 3 are"),
        (f"{HEAD}@data\n:up\n", "toy.ts:6: an empty series"),
        (f"{HEAD}@data\n1,2: :up\n", "toy.ts:6: an empty series"),
        (f"{HEAD}@data\nup\n", "toy.ts:6: an empty series"),
        (f"{HEAD}@equalLength true\n@data\n1,2:up\n1:up\n", "toy.ts:8: 1 values, and 2 are"),
        (f"{HEAD}@seriesLength 3\n@data\n1,2:up\n", "toy.ts:7: 2 values, and 3 are expected"),
        ("@timeStamps true\n", "toy.ts:1: @timeStamps is true, and series with time stamps"),
        ("@targetlabel true\n", "toy.ts:1: @targetlabel is true: these are numbers to predict"),
        ("@timeStamps maybe\n", "toy.ts:1: @timestamps is 'maybe', and true or false"),
        ("@dimensions many\n", "toy.ts:1: @dimensions is 'many', and a whole number"),
        ("@seriesLength 0\n", "toy.ts:1: @serieslength is '0', and a whole number"),
        ("@classLabel true\n", "toy.ts:1: @classLabel is true and names no classes"),
        ("@sampling 3\n", "toy.ts:1: a tag is expected, not '@sampling 3'"),
        ("@problemName toy\n1,2:up\n", "toy.ts:2: a tag of the header, or @data before"),
        ("@problemName toy\n@data\n1,2:up\n", "toy.ts:2: @data before @classLabel"),
        (HEAD, "toy.ts:4: the file ends before @data"),
        ("", "toy.ts:1: the file ends before @data"),
    ],
)
def test_faults_name_file_and_line(text: str, why: str) -> None:
    with pytest.raises(DamagedSource, match=f"^{why}"):
        parse_ts(text.encode(), "toy.ts")


def test_what_is_no_text_names_its_line() -> None:
    with pytest.raises(DamagedSource, match=r"toy\.ts:6: .*text in UTF-8 is expected"):
        parse_ts(f"{HEAD}@data\n".encode() + b"\xff,1:up\n", "toy.ts")


def test_no_series_at_all() -> None:
    with pytest.raises(EmptySource, match=r"toy\.ts holds no series after @data"):
        parse_ts(f"{HEAD}@data\n\n".encode(), "toy.ts")


@pytest.fixture(params=["zip", "folder"])
def data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    held = {"toy_TRAIN.ts": TRAIN, "toy_TEST.ts": TEST, "toy_eq_TRAIN.ts": "", "odd_TRAIN.ts": ""}
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "ucr_uea.zip", "w") as out:
            for name, text in held.items():
                out.writestr(f"some_root/toy/{name}", text)
    else:
        (tmp_path / "ucr_uea" / "toy").mkdir(parents=True)
        for name, text in held.items():
            (tmp_path / "ucr_uea" / "toy" / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_set_by_name(data: Path) -> None:
    items = Ucr("toy").items()
    assert items.kind == "series"
    assert items.namespace == "toy"
    assert items.identities.tolist() == ["up", "down", "down"]
    assert items.parts.tolist() == ["train", "train", "test"]
    assert items.places.tolist() == ["toy_TRAIN.ts:6", "toy_TRAIN.ts:9", "toy_TEST.ts:6"]
    last = items.read(2)
    assert isinstance(last, np.ndarray)
    np.testing.assert_array_equal(last, np.array([[1, 2]], np.float32))


def test_an_unknown_set_is_told_with_the_nearest(data: Path) -> None:
    with pytest.raises(SourceNotFound, match=r"Did you mean 'toy'\? It holds: odd, toy\."):
        Ucr("toyy").items()
    with pytest.raises(SourceNotFound, match=r"holds no odd_TRAIN\.ts and odd_TEST\.ts"):
        Ucr("odd").items()


def test_a_file_by_path(tmp_path: Path) -> None:
    for name, part in [("a_TRAIN.ts", "train"), ("a_TEST.ts", "test"), ("a.ts", "")]:
        (tmp_path / name).write_text(TRAIN, encoding="utf-8")
        items = Ucr(str(tmp_path / name)).items()
        assert items.parts.tolist() == [part, part]
        assert items.namespace == "a"
        assert items.places[0] == f"{name}:6"


def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceNotFound, match=r"gone\.ts cannot be read: No such file"):
        Ucr(str(tmp_path / "gone.ts")).items()
    with pytest.raises(BadArgument, match="name is empty"):
        Ucr("")
    monkeypatch.delenv("LIKEWISE_DATA", raising=False)
    with pytest.raises(SourceNotFound, match=r"LIKEWISE_DATA is not set.*ucr_uea\.zip"):
        Ucr("GunPoint").items()


def test_both_files_have_the_same_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    with zipfile.ZipFile(tmp_path / "ucr_uea.zip", "w") as out:
        out.writestr("toy_TRAIN.ts", TRAIN)
        out.writestr("toy_TEST.ts", f"{HEAD}@data\n1:down\n")
    with pytest.raises(DamagedSource, match=r"toy_TEST\.ts:6: 1 channels, and 2 in toy_TRAIN"):
        Ucr("toy").items()


@real
@pytest.mark.parametrize(
    ("name", "train", "test", "channels", "lengths", "classes"),
    [
        ("GunPoint", 50, 150, 1, (150, 150), 2),
        ("JapaneseVowels", 270, 370, 12, (7, 29), 9),
        ("BasicMotions", 40, 40, 6, (100, 100), 4),
        ("PickupGestureWiimoteZ", 50, 50, 1, (29, 361), 10),
        ("ItalyPowerDemand", 67, 1029, 1, (24, 24), 2),
        ("ACSF1", 100, 100, 1, (1460, 1460), 10),
        ("ArrowHead", 36, 175, 1, (251, 251), 3),
        ("OSULeaf", 200, 242, 1, (427, 427), 6),
    ],
)
def test_the_real_sets(
    name: str, train: int, test: int, channels: int, lengths: tuple[int, int], classes: int
) -> None:
    items = Ucr(name).items()
    series = [np.asarray(items.read(row)) for row in range(len(items))]
    assert [(items.parts == part).sum() for part in ("train", "test")] == [train, test]
    assert {one.shape[1] for one in series} == {channels}
    assert (min(map(len, series)), max(map(len, series))) == lengths
    assert len(set(items.identities.tolist())) == classes
    assert all(np.isfinite(one).all() for one in series)


@real
@pytest.mark.parametrize(("name", "error"), [("GunPoint", 0.0867), ("JapaneseVowels", 0.084)])
def test_nearest_neighbours_err_as_published(name: str, error: float) -> None:
    items = Ucr(name).items()
    series = [np.asarray(items.read(row)) for row in range(len(items))]
    longest = max(map(len, series))
    padded = np.stack([np.pad(one, ((0, longest - len(one)), (0, 0))).ravel() for one in series])
    test = items.parts == "test"
    apart = np.linalg.norm(padded[test][:, None] - padded[~test][None], axis=2)
    found = items.identities[~test][apart.argmin(1)]
    assert (found != items.identities[test]).mean() == pytest.approx(error, abs=5e-4)
